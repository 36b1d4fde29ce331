// Shard: what it tells observers. Included by shard.h.
#pragma once

#include <tarmac/core/internal/shard.h>

namespace tarmac::internal {

template <class K, class V, class Equal>
void Shard<K, V, Equal>::queue_event(EventType type, EntryType& entry, SteadyNanos now,
                                     std::optional<RemovalCause> cause) {
  QueuedEvent queued = make_event(type, now);
  queued.event.cause = cause;
  queued.event.stamp = entry.stamp;
  queued.event.weight = entry.weight;
  pin_key(queued, Ref<EntryType>(&entry));
  events.push(std::move(queued));
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::announce_miss(Ref<EntryType> absent, SteadyNanos now) {
  QueuedEvent queued = make_event(EventType::entry_get_miss, now);
  pin_key(queued, std::move(absent));
  events.push(std::move(queued));
}

template <class K, class V, class Equal>
QueuedEvent Shard<K, V, Equal>::make_event(EventType type, SteadyNanos now) const {
  QueuedEvent queued;
  queued.event.type = type;
  queued.event.cache = services_.cache_name;
  queued.event.at = now != 0 ? now : services_.clock.steady_now();
  queued.event.wall_time = services_.clock.wall_now();
  return queued;
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::pin_key(QueuedEvent& queued, Ref<EntryType> entry) noexcept {
  queued.event.set_key(&entry->key,
                       [](const void* key) { return render_key(*static_cast<const K*>(key)); });
  queued.pinned_key = AnyRef(std::move(entry));
}

template <class K, class V, class Equal>
void Shard<K, V, Equal>::announce_removal(EntryType& entry, RemovalCause cause, SteadyNanos now) {
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

}  // namespace tarmac::internal
