// The smallest cache there is around a bare strategy: keys without values, to see who leaves.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace tarmac::testing {

/// Asks for keys, inserts those that miss, and evicts *before* it inserts, as the reference
/// simulators do: an entry is never weighed against the one it makes room for.
///
/// - Thread-safety: none.
class StrategyReplay {
 public:
  /// Requires: `capacity`, in entries, is not 0.
  StrategyReplay(std::unique_ptr<EvictionStrategy> strategy, std::uint64_t capacity);
  StrategyReplay(const StrategyReplay&) = delete;
  StrategyReplay& operator=(const StrategyReplay&) = delete;
  ~StrategyReplay();

  /// True for a hit. `expires_at` is the deadline an entry that comes in gets.
  bool request(std::uint64_t key, SteadyNanos expires_at = kNever);
  /// Requests all of `keys` and returns how many missed.
  std::uint64_t count_misses(std::span<const std::uint64_t> keys);
  /// As if `key`, which is resident, were set again.
  void update(std::uint64_t key);
  /// False if `key` is not resident.
  bool erase(std::uint64_t key);
  /// Evicts what is too much. Requires: `capacity` is not 0.
  void resize(std::uint64_t capacity);
  /// Hands all entries to `successor`. Evicts nothing.
  void swap_strategy(std::unique_ptr<EvictionStrategy> successor);
  /// Evicts everything; the keys in the order in which they left.
  std::vector<std::uint64_t> drain();

  [[nodiscard]] bool contains(std::uint64_t key) const { return entries_.contains(key); }
  [[nodiscard]] std::uint64_t size() const { return entries_.size(); }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }

 private:
  struct Entry : EntryNode {
    std::uint64_t key = 0;
  };

  /// The key that left. Requires: something is tracked.
  std::uint64_t evict();

  std::unique_ptr<EvictionStrategy> strategy_;
  std::uint64_t capacity_;
  std::unordered_map<std::uint64_t, Entry> entries_;  // Its elements keep their addresses.
  std::uint64_t misses_ = 0;
  std::uint32_t now_ = 0;
};

/// Misses of a fresh replay of `keys`.
[[nodiscard]] std::uint64_t count_misses(std::unique_ptr<EvictionStrategy> strategy,
                                         std::uint64_t capacity,
                                         std::span<const std::uint64_t> keys);

}  // namespace tarmac::testing
