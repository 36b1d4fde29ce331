// One shard: a table, a strategy and a timing wheel over the same entries, under one lock.
#pragma once

#include <tarmac/core/event_bus.h>
#include <tarmac/core/internal/budget.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/event_queue.h>
#include <tarmac/core/internal/key_locks.h>
#include <tarmac/core/internal/node_table.h>
#include <tarmac/core/internal/shard_parts.h>
#include <tarmac/core/internal/timing_wheel.h>
#include <tarmac/core/lookup.h>
#include <tarmac/core/stats.h>

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// What all shards of a cache share.
struct ShardServices {
  std::string_view cache_name;
  Clock& clock;
  EventBus& events;
  StripedCounters& counters;
  Budget& budget;
};

/// Guarded by `mutex`, but for `events`, which has a lock of its own. Each change keeps this true:
/// the table, the strategy and (for entries that expire) the wheel hold the same entries, and
/// `weight` is the sum of theirs.
template <class K, class V, class Equal>
class Shard {
 public:
  using EntryType = Entry<K, V>;
  using EffectsType = Effects<K, V>;

  Shard(const ShardServices& services, std::uint64_t first_stamp)
      : last_stamp(first_stamp),
        wheel(std::make_unique<TimingWheel>(services.clock.steady_now())),
        services_(services) {}

  [[nodiscard]] EntryType* find(lookup_key_t<K> key, std::uint64_t hash) const {
    return static_cast<EntryType*>(table.find(hash, [&key](const EntryNode& node) {
      return Equal{}(static_cast<const EntryType&>(node).key, key);
    }));
  }
  [[nodiscard]] EntryType* find_by_stamp(std::uint64_t hash, std::uint64_t stamp) const {
    return static_cast<EntryType*>(table.find(hash, [stamp](const EntryNode& node) {
      return static_cast<const EntryType&>(node).stamp == stamp;
    }));
  }

  /// Records a hit on `entry`.
  void touch(EntryType& entry) noexcept {
    entry.accessed_at = ++tick;
    if (entry.visits != EntryNode::kMaxVisits) ++entry.visits;
    if (strategy->tracking() != AccessTracking::none) strategy->on_access(entry);
  }

  /// Links a new entry, after making room for it. Takes over the reference. Throws std::bad_alloc
  /// before anything is changed.
  void insert(Ref<EntryType> fresh, EffectsType& effects, SteadyNanos now) {
    table.make_room();
    copy_if_due();
    EntryType& entry = *fresh.release_ownership();
    entry.inserted_at = entry.accessed_at = ++tick;
    services_.budget.add(1, entry.weight);
    evict_overflow(effects, now);
    table.insert(entry);
    strategy->on_insert(entry);
    wheel->schedule(entry);
    weight += entry.weight;
    announce_set(entry, false, now);
  }

  /// Gives `entry` the version and the state of `fresh`, then evicts if it has become too heavy.
  void update(EntryType& entry, EntryType& fresh, EffectsType& effects, SteadyNanos now) {
    copy_if_due();
    const auto old_weight = entry.weight;
    effects.keep_until_unlocked(std::exchange(entry.payload, std::move(fresh.payload)));
    entry.weight = fresh.weight;
    entry.stamp = fresh.stamp;
    entry.expires_at = fresh.expires_at;
    entry.accessed_at = ++tick;
    // What is being flushed already was dirty before, even if its entry has not shown it.
    if (state_of(fresh) == EntryState::flushing) move_to(entry, EntryState::dirty);
    move_to(entry, state_of(fresh));
    weight = weight - old_weight + entry.weight;
    services_.budget.change_weight(old_weight, entry.weight);
    strategy->on_update(entry, old_weight);
    wheel->schedule(entry);
    announce_set(entry, true, now);
    evict_overflow_but(entry, effects, now);
  }

  /// Unlinks `entry`, counts and tells it.
  void remove(EntryType& entry, RemovalCause cause, EffectsType& effects, SteadyNanos now) {
    copy_if_due();
    strategy->on_remove(entry, cause);
    wheel->cancel(entry);
    table.erase(entry);
    weight -= entry.weight;
    services_.budget.subtract(1, entry.weight);
    if (cause == RemovalCause::expired) move_to(entry, EntryState::expired);
    move_to(entry, EntryState::evicted);
    announce_removal(entry, cause, now);
    effects.bury(entry);
  }

  /// Evicts until the cache is within its bounds or this shard is empty.
  void evict_overflow(EffectsType& effects, SteadyNanos now) {
    while (services_.budget.is_over() && evict_one(effects, now)) {
    }
  }
  /// The same, but what was just written stays: its turn is over only when it is the last.
  void evict_overflow_but(EntryType& spared, EffectsType& effects, SteadyNanos now) {
    bool withdrawn = false;
    while (services_.budget.is_over()) {
      if (!withdrawn && strategy->choose_victim() == &spared) {
        strategy->on_remove(spared, RemovalCause::replaced);
        withdrawn = true;
      }
      if (!evict_one(effects, now)) break;
    }
    if (withdrawn) strategy->on_insert(spared);
  }
  /// What has expired leaves before anything that lives.
  bool evict_one(EffectsType& effects, SteadyNanos now) {
    if (TimedNode* due = wheel->pop_due(now)) {
      remove(static_cast<EntryType&>(*due), RemovalCause::expired, effects, now);
      return true;
    }
    EntryNode* victim = strategy->choose_victim();
    if (victim == nullptr) return false;
    remove(static_cast<EntryType&>(*victim), RemovalCause::evicted, effects, now);
    return true;
  }

  /// Makes the copy that a snapshot waits for, before the first change after it was ordered.
  void copy_if_due() {
    if (due_copy == nullptr) return;
    ShardCopy<K, V>& copy = *std::exchange(due_copy, nullptr);
    table.for_each([&copy](EntryNode& node) {
      auto& entry = static_cast<EntryType&>(node);
      if (entry.expires_at <= copy.taken_at) return;
      copy.records.push_back({Ref<EntryType>(&entry), entry.version(), entry.expires_at,
                              entry.inserted_at, entry.accessed_at, entry.visits});
    });
  }

  /// Tells observers of `type`, if there are any.
  void announce(EventType type, EntryType& entry, SteadyNanos now,
                std::optional<RemovalCause> cause = std::nullopt) noexcept {
    if (!services_.events.has_slots(type)) return;
    QueuedEvent queued = make_event(type, now);
    queued.event.cause = cause;
    queued.event.stamp = entry.stamp;
    queued.event.weight = entry.weight;
    pin_key(queued, Ref<EntryType>(&entry));
    events.push(std::move(queued));
  }
  /// `absent` is no entry of the cache: it only carries the key.
  void announce_miss(Ref<EntryType> absent, SteadyNanos now) {
    QueuedEvent queued = make_event(EventType::entry_get_miss, now);
    pin_key(queued, std::move(absent));
    events.push(std::move(queued));
  }

  std::mutex mutex;
  NodeTable table;
  std::unique_ptr<EvictionStrategy> strategy;
  /// Of the last write; they only grow.
  std::uint64_t last_stamp;
  /// Counts hits and writes: the entries' sense of time.
  std::uint32_t tick = 0;
  std::uint64_t weight = 0;
  /// Counts clear() and restore: whoever read a value before must not write what follows from it.
  std::uint64_t epoch = 0;
  std::unique_ptr<TimingWheel> wheel;
  KeyLocks<K, Equal> key_locks;
  ShardCopy<K, V>* due_copy = nullptr;
  EventQueue events;

 private:
  [[nodiscard]] QueuedEvent make_event(EventType type, SteadyNanos now) const {
    QueuedEvent queued;
    queued.event.type = type;
    queued.event.cache = services_.cache_name;
    queued.event.at = now != 0 ? now : services_.clock.steady_now();
    queued.event.wall_time = services_.clock.wall_now();
    return queued;
  }
  static void pin_key(QueuedEvent& queued, Ref<EntryType> entry) noexcept {
    queued.event.set_key(&entry->key,
                         [](const void* key) { return render_key(*static_cast<const K*>(key)); });
    queued.pinned_key = AnyRef(std::move(entry));
  }
  void announce_set(EntryType& entry, bool replaced, SteadyNanos now) noexcept {
    announce(EventType::entry_set, entry, now,
             replaced ? std::optional(RemovalCause::replaced) : std::nullopt);
  }
  void announce_removal(EntryType& entry, RemovalCause cause, SteadyNanos now) noexcept {
    switch (cause) {
      case RemovalCause::evicted:
        services_.counters.add(Counter::evictions);
        announce(EventType::entry_evicted, entry, now, cause);
        break;
      case RemovalCause::expired:
        services_.counters.add(Counter::expirations);
        announce(EventType::entry_expired, entry, now, cause);
        break;
      case RemovalCause::erased:
      case RemovalCause::cleared:
        services_.counters.add(Counter::deletes);
        announce(EventType::entry_deleted, entry, now, cause);
        break;
      default:
        announce(EventType::entry_deleted, entry, now, cause);
    }
  }

  ShardServices services_;
};

}  // namespace tarmac::internal
