// What the contract drives a strategy with: the cache's duties towards its nodes, and a model of
// which are tracked. Internal to this room.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

namespace tarmac::testing::internal {

/// Stamps, counts and moves nodes as the cache does, and fails the running test on the first
/// breach. A node is freed as soon as it is no longer tracked, so that a sanitizer sees a kept
/// address.
class StrategyRig {
 public:
  /// Entries are named by the order in which they came in.
  using Id = std::uint64_t;

  StrategyRig(const StrategyFactory& factory, StrategyCapacity capacity);

  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] const std::vector<Id>& ids() const { return ids_; }
  [[nodiscard]] EvictionStrategy& strategy() { return *strategy_; }

  /// Inserts an entry, of which most are announced by on_arrival(), and some have the key of one
  /// that left. Evicts, between the two, what is over `most_entries`.
  Id insert(std::uint32_t weight = 1, SteadyNanos expires_at = kNever,
            std::size_t most_entries = std::numeric_limits<std::size_t>::max());
  void access(Id id);
  /// A hit that also moves the deadline, as expire-after-access does.
  void access_and_prolong(Id id, SteadyNanos expires_at);
  void update(Id id, std::uint32_t weight, SteadyNanos expires_at);
  void remove(Id id, RemovalCause cause);
  void resize(StrategyCapacity capacity);

  /// Whether choose_victim() keeps its promises now. The victim in `id`, unless nothing is tracked.
  bool check_victim(Id* id = nullptr);
  /// Evicts one; the test fails if there is none. Returns its name.
  Id evict();
  /// Evicts until nothing is tracked, and checks that everything left, once.
  std::vector<Id> drain();

  /// Empties the strategy and checks what it wrote; the nodes are not tracked after it.
  std::vector<EntryNode*> hand_over();
  /// Gives `order`, all the nodes there are, to the strategy in use.
  void take_over(std::vector<EntryNode*> order);
  /// Replaces the strategy by `successor`, which takes everything over.
  void swap_strategy(std::unique_ptr<EvictionStrategy> successor);

  /// One step of a random life: any event, on any entry.
  void random_step(std::mt19937_64& random, std::size_t most_entries);
  [[nodiscard]] Id any(std::mt19937_64& random) const;

 private:
  struct Entry {
    std::unique_ptr<EntryNode> node;
    std::size_t place;  // In ids_.
  };

  [[nodiscard]] EntryNode& node(Id id) { return *entries_.at(id).node; }
  void forget(Id id);
  [[nodiscard]] std::uint64_t hash_for(Id id);

  std::unique_ptr<EvictionStrategy> strategy_;
  StrategyCapacity capacity_;
  std::unordered_map<Id, Entry> entries_;
  std::unordered_map<const EntryNode*, Id> names_;
  std::vector<Id> ids_;
  std::vector<std::uint64_t> hashes_that_left_;
  Id next_id_ = 0;
  // Close to where ticks wrap, so that a long test passes over it.
  std::uint32_t now_ = 0xFFFF'FF00U;
};

/// A number below `bound`, the same on every platform (unlike the standard's distributions).
[[nodiscard]] inline std::uint64_t below(std::mt19937_64& random, std::uint64_t bound) {
  return random() % bound;
}

}  // namespace tarmac::testing::internal
