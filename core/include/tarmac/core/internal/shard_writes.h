// Shard: changes of its content, under the lock. Included by shard.h.
#pragma once

#include <tarmac/core/internal/shard.h>

namespace tarmac::internal {

template <class K, class V, class Equal>
inline void Shard<K, V, Equal>::find_spare() {
  while (spares.empty()) {
    EntryType* const entry = limbo.take_entry([this] { drain_all(); });
    if (entry == nullptr) return;
    static_cast<void>(spares.take(*entry));  // Nothing, if somebody still has it pinned.
  }
}

// Requires: an entry that expires has its timer.
template <class K, class V, class Equal>
void Shard<K, V, Equal>::set_deadline(EntryType& entry, SteadyNanos deadline,
                                      SteadyNanos now) noexcept {
  if (!entry.timer) return;
  auto& timer = *entry.timer;
  SteadyNanos expires_at = deadline;
  if (services_.idle_nanoseconds != 0) {
    timer.seen_at = now;
    expires_at = std::min(expires_at, deadline_after(now, services_.idle_nanoseconds));
  }
  timer.deadline = deadline;
  timer.expires_at = expires_at;
  entry.expires_at.release(expires_at);  // After the value that it is of.
  wheel->schedule(timer);
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::insert(Ref<EntryType> fresh, SteadyNanos deadline, SteadyNanos now) {
  if (!table.has_room()) {
    if (auto replaced = table.make_room(expected_entries)) {
      limbo.retire(std::shared_ptr<const void>(std::move(replaced)), 0);
    }
  }
  strategy->prefetch(fresh->hash);
  copy_if_due();
  drain();
  EntryType& entry = *fresh.release_ownership();
  entry.inserted_at = next_tick();
  entry.accessed_at = entry.inserted_at;
  ++change_.entries;
  change_.weight += entry.weight;
  strategy->on_arrival(entry);
  try {
    evict_overflow(now);
  } catch (...) {
    give_up_insertion(entry);
    throw;
  }
  // Of many threads only some are drained at a time: twice, lest their hits come late.
  if (!Epoch::alone()) drain();
  set_deadline(entry, deadline, now);
  strategy->on_insert(entry);
  table.insert(entry, words_of(entry), entry.timer != nullptr, now);
  weight += entry.weight;
  announce(EventType::entry_set, entry, now);
}

// Memory has run out while room was made. What has left has left.
template <class K, class V, class Equal>
void Shard<K, V, Equal>::give_up_insertion(EntryType& entry) noexcept {
  --change_.entries;
  change_.weight -= entry.weight;
  strategy->on_insert(entry);  // As it was told.
  strategy->on_remove(entry, RemovalCause::erased);
  static_cast<void>(Ref<EntryType>::adopt(&entry));
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::update(EntryType& entry, const Version<V>& next, EntryState state,
                                SteadyNanos now) {
  if (moves_nodes()) fetch_neighbours(entry);
  limbo.reserve();
  if (next.deadline != kNever && !entry.timer) entry.timer = std::make_unique<EntryTimer>(entry);
  const bool is_timed = entry.timer != nullptr;
  if (is_timed && now == 0) now = services_.clock.steady_now();
  copy_if_due();
  drain();
  const auto old_weight = entry.weight;
  // Meanwhile neither value may outlive its own deadline, so the earlier one holds; a reader who
  // finds it passed asks under the lock.
  entry.expires_at = std::min<SteadyNanos>(entry.expires_at, next.deadline);
  if (is_timed) {
    entry.timer->deadline = std::min<SteadyNanos>(entry.timer->deadline, next.deadline);
    table.note_deadline(entry, now);
  }
  if (const auto* replaced = entry.cell.replace(next.content)) limbo.retire(replaced, old_weight);
  if constexpr (kIsPaired<K, V> || !kFitsInWord<V>) table.set_value(entry, words_of(entry).value);
  set_deadline(entry, next.deadline, now);
  if (is_timed) table.note_deadline(entry, now);
  entry.weight = next.weight;
  entry.stamp = next.stamp;
  entry.created_at = next.created_at;
  entry.accessed_at = next_tick();
  // What is being flushed already was dirty before, even if its entry has not shown it.
  if (state == EntryState::flushing) entry.life.move_to(EntryState::dirty);
  entry.life.move_to(state);
  weight = weight - old_weight + entry.weight;
  change_.weight += std::int64_t{entry.weight} - old_weight;
  strategy->on_update(entry, old_weight);
  announce(EventType::entry_set, entry, now, RemovalCause::replaced);
  evict_overflow_but(entry, now);
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::finish(EffectsType& effects, bool all) {
  services_.budget.settle(change_);
  if (flights.memos.has_dropped()) [[unlikely]]
    flights.memos.take_dropped(effects.forgotten);
  if (!limbo.empty()) take_remains(effects, all);
  if (all && table.size() == 0) spares.clear();  // An empty cache keeps as little as it can.
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::take_remains(EffectsType& effects, bool all) {
  if (Epoch::alone()) {
    drain_all();
    limbo.take_all(effects.remains);
    return;
  }
  const std::size_t kept = kIsPaired<K, V> ? limbo.many_of(table.size()) : 0;
  limbo.collect(effects.remains, all, kept, [this] { drain_all(); });
  effects.advance |= limbo.wants_advance(table.size());
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::make_copy() {
  auto* copy = due_copy.load(std::memory_order_relaxed);
  const BusyMark mark(busy);
  drain_all();
  table.for_each([&](EntryNode& node) {
    auto& entry = static_cast<EntryType&>(node);
    const auto expires_at = expiry_of(entry);
    if (expires_at <= copy->taken_at) return;
    copy->records.push_back({Ref<EntryType>(&entry), entry.version(), expires_at, entry.inserted_at,
                             entry.accessed_at, entry.visits});
  });
  due_copy.store(nullptr, std::memory_order_release);
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::exchange(Table& other, std::unique_ptr<AccessLog>& hits) {
  table.swap(other);
  // After the table: whoever sees the new log finds only what is new.
  hits.reset(log_.exchange(hits.release(), std::memory_order_acq_rel));
}

}  // namespace tarmac::internal
