// Shard: what hits do, with and without the lock. Included by shard.h.
#pragma once

#include <tarmac/core/internal/shard.h>

namespace tarmac::internal {

template <class K, class V, class Equal>
inline auto Shard<K, V, Equal>::look_up(lookup_key_t<K> key, std::uint64_t hash) const -> LookUp {
  if constexpr (kIsPaired<K, V>) {
    const FoundPair found = find_pair(key, hash);
    const bool is_to_be_asked = found.node != nullptr && found.may_expire() &&
                                !found.outlives(services_.clock.coarse_now());
    if (is_to_be_asked) [[unlikely]]
      return look_up_asking(found, key, hash);
    return {static_cast<EntryType*>(found.node), found.node != nullptr, found.value,
            found.is_settled()};
  } else {
    EntryType* entry = find(key, hash);
    return {entry, entry != nullptr && is_live(*entry), 0, false};
  }
}

template <class K, class V, class Equal>
inline FoundPair Shard<K, V, Equal>::find_pair(lookup_key_t<K> key, std::uint64_t hash) const {
  return table.find_pair(hash,
                         [&key](std::uint64_t word) { return Equal{}(from_word<K>(word), key); });
}

// Where the entry has to be asked. What it says may be of a later value than was found, and is not
// to speak for that one: so the value has to be there still.
template <class K, class V, class Equal>
auto Shard<K, V, Equal>::look_up_asking(FoundPair found, lookup_key_t<K> key,
                                        std::uint64_t hash) const -> LookUp {
  while (found.node != nullptr) {
    auto* entry = static_cast<EntryType*>(found.node);
    if (!is_live(*entry)) return {entry, false, found.value, false};
    const FoundPair again = find_pair(key, hash);
    if (again.node == found.node && again.value == found.value) {
      return {entry, true, found.value, found.is_settled()};
    }
    found = again;
  }
  return {nullptr, false, 0, false};
}

template <class K, class V, class Equal>
bool Shard<K, V, Equal>::is_live(const EntryType& entry) const noexcept {
  const SteadyNanos at = entry.expires_at.acquire();
  if (at == kNever) return true;
  const Clock& clock = services_.clock;
  if (at - Clock::kCoarseLag > clock.coarse_now()) return true;
  const SteadyNanos now = clock.steady_now();
  if (at > now) return true;
  if (services_.idle_nanoseconds == 0) return false;
  return expiry_of(entry) > now;
}

// With what readers have seen since expires_at was last brought up to date.
template <class K, class V, class Equal>
SteadyNanos Shard<K, V, Equal>::expiry_of(const EntryType& entry) const noexcept {
  if (services_.idle_nanoseconds == 0) return entry.expires_at;
  const auto& timer = *entry.timer;
  return std::min<SteadyNanos>(timer.deadline,
                               deadline_after(timer.seen_at, services_.idle_nanoseconds));
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::note_hit(EntryType& entry, const ThreadSlot& thread, AccessLog& hits) {
  if (services_.idle_nanoseconds != 0) {
    if (due_copy.load(std::memory_order_acquire) != nullptr) {
      const std::lock_guard lock(mutex);
      copy_if_due();  // Or a snapshot would keep a deadline from after its moment.
    }
    // Not back, after having been held up between the clock and here.
    auto& seen_at = entry.timer->seen_at;
    seen_at = std::max<SteadyNanos>(seen_at, services_.clock.steady_now());
  }
  if (tracking_.load(std::memory_order_relaxed) == AccessTracking::none) return;
  AccessRing* ring = hits.ring_of(thread);
  if (ring != nullptr && ring->push(entry)) return;
  std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) {
    // Many threads at once: one hit less in the order is nothing beside having all wait.
    if (ring == nullptr || busy.load(std::memory_order_relaxed)) return;
    lock = spin_then_wait(mutex);
  }
  drain();
  if (&hits == log_.load(std::memory_order_relaxed)) apply_hits(entry, 1);
}

template <class K, class V, class Equal>
inline void Shard<K, V, Equal>::drain() {
  // A few hits more or less would change the order of few entries, not that of many.
  constexpr std::size_t kMany = 4096;
  constexpr std::uint32_t kTurns = 8;
  auto& log = *log_.load(std::memory_order_relaxed);
  if (table.size() < kMany || ++drains_ % kTurns == 0) {
    if (log.may_hold_hits()) drain_hits(false);
  } else {
    const auto* ring = log.made_ring_of(this_thread_slot());
    if (ring != nullptr && !ring->is_drained()) drain_own_hits();
  }
}

template <class K, class V, class Equal>
[[gnu::noinline]] void Shard<K, V, Equal>::drain_hits(bool all) {
  auto& log = *log_.load(std::memory_order_relaxed);
  if (all) return log.drain(hit_applier(), moves_nodes());
  log.drain_for(this_thread_slot(), hit_applier(), moves_nodes());
}

template <class K, class V, class Equal>
[[gnu::noinline]] void Shard<K, V, Equal>::drain_own_hits() {
  auto& log = *log_.load(std::memory_order_relaxed);
  log.drain_own(this_thread_slot(), hit_applier(), moves_nodes());
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::set_strategy(std::unique_ptr<EvictionStrategy>& made) noexcept {
  strategy.swap(made);
  const auto tracking = strategy->tracking();
  const bool marks = tracking == AccessTracking::mark;
  auto* const lowered = marks ? dynamic_cast<LoweredMarks*>(strategy.get()) : nullptr;
  highest_mark = highest_mark_of(*strategy);
  auto below = kNoteAll;
  if (services_.idle_nanoseconds == 0) {
    if (tracking == AccessTracking::none) below = kNoteNone;
    if (tracking == AccessTracking::ordered) below = kNoteInOrder;
    if (marks) below = highest_mark;
  }
  tracking_.store(tracking, std::memory_order_relaxed);
  noted_below_mark_.store(below, std::memory_order_relaxed);
  table.unsettle_all();  // The strategy before may have lowered marks while it handed over.
  settles = kIsPaired<K, V> && lowered != nullptr && below == highest_mark;
  if (settles) lowered->tell_lowered_to(&Shard::unsettle, this);
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::hit(EntryType& entry, SteadyNanos now) {
  drain_all();
  if (services_.idle_nanoseconds != 0) {
    copy_if_due();
    entry.timer->seen_at = now;
  }
  apply_hits(entry, 1);
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::apply_hits(EntryType& entry, std::uint32_t hits) {
  if (entry.life.state() == EntryState::evicted) return;  // It left after the hit.
  const auto tracking = tracking_.load(std::memory_order_relaxed);
  // Hits that a reader need not note (see record_hit()) do not count, whoever noted them.
  auto counted = hits;
  if (tracking == AccessTracking::none) counted = 0;
  if (tracking == AccessTracking::mark)
    counted = &entry == withdrawn_ ? 0 : raise_mark(entry, hits, highest_mark);
  if (counted > 0) {
    if (settles && entry.mark == highest_mark) table.set_settled(entry, true);
    count_hits(entry, counted);
  }
  const bool moved = move_deadline(entry);
  if (&entry == withdrawn_) return;
  if (tracking == AccessTracking::ordered) {
    strategy->on_access_run(entry, hits);
  } else if (moved) {
    strategy->on_access(entry);
  }
}

// The same where the strategy wants all hits and no deadline moves, which is what most caches do.
template <class K, class V, class Equal>
inline void Shard<K, V, Equal>::apply_in_order(EntryType& entry, std::uint32_t hits) {
  if (entry.life.state() == EntryState::evicted) return;
  count_hits(entry, hits);
  if (&entry != withdrawn_) strategy->on_access_run(entry, hits);
}

template <class K, class V, class Equal>
inline void Shard<K, V, Equal>::count_hits(EntryType& entry, std::uint32_t hits) noexcept {
  tick += hits;  // Each hit is an operation, however many are noted together.
  entry.accessed_at = tick;
  entry.visits = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(entry.visits + hits, EntryNode::kMaxVisits));
}

// By when readers last saw the entry, where expire_after_access says so. True if it has moved.
template <class K, class V, class Equal>
bool Shard<K, V, Equal>::move_deadline(EntryType& entry) {
  if (services_.idle_nanoseconds == 0) return false;
  const auto expires_at = expiry_of(entry);
  if (expires_at <= entry.expires_at) return false;
  entry.expires_at = expires_at;
  entry.timer->expires_at = expires_at;  // The wheel finds out when it comes to the node.
  return true;
}

template <class K, class V, class Equal>
bool Shard<K, V, Equal>::is_expired(EntryType& entry, SteadyNanos now) {
  if (entry.expires_at > now) return false;
  if (!move_deadline(entry)) return true;
  if (&entry != withdrawn_) strategy->on_access(entry);  // Some order entries by their deadline.
  return entry.expires_at <= now;
}

}  // namespace tarmac::internal
