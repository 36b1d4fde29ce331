// Shard: how entries leave it, under the lock. Included by shard.h.
#pragma once

#include <tarmac/core/internal/shard.h>

namespace tarmac::internal {

template <class K, class V, class Equal>
void Shard<K, V, Equal>::remove(EntryType& entry, RemovalCause cause, SteadyNanos now) {
  drain();
  unlink(entry, cause, now);
}

// Requires: the hits have been drained under this lock.
template <class K, class V, class Equal>
void Shard<K, V, Equal>::unlink(EntryType& entry, RemovalCause cause, SteadyNanos now) {
  copy_if_due();
  table.erase(entry);
  strategy->on_remove(entry, cause);
  entry.mark = 0;
  if (entry.timer) wheel->cancel(*entry.timer);
  weight -= entry.weight;
  --change_.entries;
  change_.weight -= entry.weight;
  if (cause == RemovalCause::expired) entry.life.move_to(EntryState::expired);
  entry.life.move_to(EntryState::evicted);
  try {
    announce_removal(entry, cause, now);
    if (flights.remembers()) [[unlikely]]
      note_departure(entry, cause, now);
  } catch (...) {  // It has gone all the same.
    limbo.retire(entry, entry.weight);
    throw;
  }
  if constexpr (kIsPaired<K, V>) {
    if (Epoch::alone()) {
      drain_all();  // A thread that has just ended may have hit it.
      if (spares.take(entry)) return;
    }
  }
  limbo.retire(entry, entry.weight);
}

// What has expired may have to stand in for what a loader cannot give. What left otherwise is gone.
template <class K, class V, class Equal>
void Shard<K, V, Equal>::note_departure(const EntryType& entry, RemovalCause cause,
                                        SteadyNanos now) {
  const bool in_time = cause == RemovalCause::expired && entry.expires_at <= now;
  if (in_time && flights.memos.keeps_expired_for() > 0) {
    flights.memos.keep(entry.key, entry.hash, entry.cell.content(), entry.expires_at, entry.weight);
  } else {
    flights.memos.drop(entry.key, entry.hash);
  }
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::evict_overflow(SteadyNanos now) {
  if (!services_.budget.is_over(change_)) return;
  while (services_.budget.is_over(change_) && evict_one(now)) {
  }
  foresee_eviction();
}

// In a full cache the next insertion will evict, too: by then the memory that it needs is at hand.
// Of the entry after the next one only its own, which may be three cache lines: where to look in
// the table, and where its value is, it has to tell first.
template <class K, class V, class Equal>
void Shard<K, V, Equal>::foresee_eviction() const noexcept {
  const auto ahead = strategy->outlook();
  if (ahead.next == nullptr) return;
  table.prefetch_to_erase(ahead.next->hash);
  strategy->prefetch(ahead.next->hash);
  const auto* next = static_cast<const EntryType*>(ahead.next);
  __builtin_prefetch(next, 1);
  next->cell.fetch_block();
  if (ahead.after == nullptr) return;
  const auto* after = static_cast<const EntryType*>(ahead.after);
  __builtin_prefetch(after, 1);
  __builtin_prefetch(&after->hash, 1);
  __builtin_prefetch(&after->stamp, 1);
}

// What was just written stays: its turn is over only when it is the last.
template <class K, class V, class Equal>
void Shard<K, V, Equal>::evict_overflow_but(EntryType& spared, SteadyNanos now) {
  const auto bring_back = [&]() noexcept {
    if (std::exchange(withdrawn_, nullptr) != nullptr) strategy->on_insert(spared);
  };
  try {
    while (services_.budget.is_over(change_)) {
      if (withdrawn_ == nullptr && strategy->choose_victim() == &spared) {
        strategy->on_remove(spared, RemovalCause::replaced);
        withdrawn_ = &spared;
        if (settles) table.set_settled(spared, false);
      }
      if (!evict_one(now)) break;
    }
  } catch (...) {
    bring_back();
    throw;
  }
  bring_back();
}

template <class K, class V, class Equal>
bool Shard<K, V, Equal>::remove_due(SteadyNanos now) {
  while (TimedNode* due = wheel->pop_due(now)) {
    auto& entry = static_cast<EntryType&>(static_cast<EntryTimer*>(due)->node);
    if (is_expired(entry, now)) {
      remove(entry, RemovalCause::expired, now);
      return true;
    }
    wheel->schedule(*due);
  }
  return false;
}

// Requires, as unlink().
template <class K, class V, class Equal>
bool Shard<K, V, Equal>::evict_one(SteadyNanos now) {
  if (!wheel->empty() && remove_due(now != 0 ? now : services_.clock.steady_now())) return true;
  for (;;) {
    EntryNode* victim = strategy->choose_victim();
    if (victim == nullptr) return false;
    auto& entry = static_cast<EntryType&>(*victim);
    // A deadline that has moved may make another entry the victim.
    if (move_deadline(entry)) {
      strategy->on_access(entry);
      continue;
    }
    unlink(entry, RemovalCause::evicted, now);
    return true;
  }
}

}  // namespace tarmac::internal
