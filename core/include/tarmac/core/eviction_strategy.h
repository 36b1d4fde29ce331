// The contract every eviction algorithm implements. Start here to write your own.
#pragma once

#include <tarmac/core/entry_node.h>
#include <tarmac/core/part_registry.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tarmac {

/// Why an entry left the cache.
enum class RemovalCause : std::uint8_t {
  evicted,   ///< chosen by the strategy, to make room
  expired,   ///< its time to live was over
  erased,    ///< erase(), erase_if(), a command, or compute() returning nothing
  cleared,   ///< clear()
  replaced,  ///< a value that gave way to a newer one of the same key; the entry stays
  restored,  ///< swept away by restore_snapshot()
  refused,   ///< the new value of the key is larger than the whole cache
};

[[nodiscard]] std::string_view to_string(RemovalCause cause) noexcept;

/// How much of a hit a strategy wants to be told.
enum class AccessTracking : std::uint8_t {
  none,     ///< nothing: hits change no decision (FIFO)
  mark,     ///< that there was one: EntryNode::mark is raised, on_access() is not called (CLOCK);
            ///< see also LoweredMarks
  ordered,  ///< each one, in order, by on_access() (LRU)
};

/// The room a strategy decides about: a number of entries, or a number of weight units.
struct StrategyCapacity {
  std::uint64_t amount = std::numeric_limits<std::uint64_t>::max();
  /// True if `amount` bounds the sum of weights, false if it bounds the number of entries.
  bool in_weight = false;

  /// What `node` takes of `amount`.
  [[nodiscard]] std::uint64_t cost(const EntryNode& node) const noexcept {
    return in_weight ? node.weight : 1;
  }
};

/// Decides which entry leaves when the cache is full. An entry is *tracked* from on_insert() to
/// on_remove(); at every moment the tracked entries are exactly the resident ones.
///
/// - Ownership: the cache owns every node. A strategy keeps pointers only to tracked nodes.
/// - Thread-safety: not synchronised. All calls to one instance are made under one shard lock.
/// - Exceptions: none, but for the constructor and on_resize(): the cache announces an event in
///   mid-update and could not take it back.
/// - Allocation: only in the constructor and in on_resize(). What a strategy remembers of keys that
///   left may grow elsewhere, amortised; where there is no memory for it, it remembers less.
/// - Conformance: passes the suite in `tarmac/testing/eviction_strategy_contract.h`.
class EvictionStrategy {
 public:
  EvictionStrategy() = default;
  EvictionStrategy(const EvictionStrategy&) = delete;
  EvictionStrategy& operator=(const EvictionStrategy&) = delete;
  virtual ~EvictionStrategy() = default;

  /// The name in YAML and in the `strategy` metric label. Changing it is a breaking change.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual AccessTracking tracking() const noexcept { return AccessTracking::ordered; }
  /// Tells that on_insert(`node`) will follow, before the victims are chosen that make room for it:
  /// for strategies that remember keys that left, and treat one that comes back otherwise. An
  /// insertion that makes no room may come without. Requires: `node` is not tracked.
  virtual void on_arrival(const EntryNode& node) noexcept { static_cast<void>(node); }
  /// Starts tracking `node`. Requires: `node` is not tracked.
  virtual void on_insert(EntryNode& node) noexcept = 0;
  /// Records one hit (reads only, not updates). `node.visits` already counts it, and
  /// `node.expires_at` may have moved. Where hits are not `ordered`, it is called only if
  /// expires_at has moved. Requires: `node` is tracked.
  virtual void on_access(EntryNode& node) noexcept { static_cast<void>(node); }
  /// Records `hits` hits of one node in a row. To be overridden where that can be done at once.
  virtual void on_access_run(EntryNode& node, std::uint32_t hits) noexcept {
    for (; hits > 0; --hits) on_access(node);
  }
  /// Records that the value, and with it perhaps weight and expiry, was replaced. The weight in
  /// force until now is `old_weight`. Requires: `node` is tracked.
  virtual void on_update(EntryNode& node, std::uint32_t old_weight) noexcept = 0;
  /// Stops tracking `node` and forgets its address. Requires: `node` is tracked.
  virtual void on_remove(EntryNode& node, RemovalCause cause) noexcept = 0;
  /// The entry to evict next, still tracked; nullptr if and only if nothing is tracked. Not const,
  /// because a search may move a hand; asked twice with no call in between, it answers the same.
  [[nodiscard]] virtual EntryNode* choose_victim() noexcept = 0;
  /// The entry that choose_victim() would most likely return, and the one after it, if that is
  /// known without a search; changes nothing. The cache fetches their memory ahead of time.
  struct Outlook {
    const EntryNode* next = nullptr;
    const EntryNode* after = nullptr;
  };
  [[nodiscard]] virtual Outlook outlook() const noexcept { return {}; }
  /// A key of this hash will soon arrive or leave: fetches the memory in which strategies that
  /// remember keys that left look it up; changes nothing.
  virtual void prefetch(std::uint64_t hash) const noexcept { static_cast<void>(hash); }
  /// Called before the first on_insert(), and whenever the capacity changes.
  virtual void on_resize(const StrategyCapacity& capacity) { static_cast<void>(capacity); }

  /// First half of a swap: writes every tracked node to `order`, the next victim first, and stops
  /// tracking them all. Requires: `order.size()` is the number of tracked nodes.
  virtual void hand_over(std::span<EntryNode*> order) noexcept = 0;
  /// Comes before take_over() where the strategy before asked for no hits: that the nodes remember
  /// none says nothing about them then.
  virtual void on_unrecorded_hits() noexcept {}
  /// Second half: starts tracking the nodes of `order` (the next victim first, by the judgement of
  /// the strategy before). May reorder `order` in place by what the nodes remember: visits,
  /// accessed_at, inserted_at, weight, expires_at. Requires: nothing is tracked.
  virtual void take_over(std::span<EntryNode*> order) noexcept = 0;
};

/// Brings a hit to `strategy` as it wants it; for whoever drives one without a cache.
inline void tell_hit(EvictionStrategy& strategy, AccessTracking tracking,
                     EntryNode& node) noexcept {
  if (tracking == AccessTracking::ordered) {
    strategy.on_access(node);
  } else if (tracking == AccessTracking::mark) {
    raise_mark(node);
  }
}

/// Both halves of a swap. Requires: as they do.
inline void pass_on(EvictionStrategy& before, EvictionStrategy& after,
                    std::span<EntryNode*> order) noexcept {
  before.hand_over(order);
  if (before.tracking() == AccessTracking::none) after.on_unrecorded_hits();
  after.take_over(order);
}

using StrategyRegistry = PartRegistry<EvictionStrategy>;
/// Makes one instance for each shard.
using StrategyFactory = std::function<std::unique_ptr<EvictionStrategy>()>;

/// The process-wide table of strategies. Including <tarmac/strategies/catalog.h> fills it with the
/// built-in ones; add() a factory to make one's own known to options and YAML files.
[[nodiscard]] StrategyRegistry& strategy_registry();

}  // namespace tarmac
