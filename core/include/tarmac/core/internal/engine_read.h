// Engine: look-ups, and how long a value lives. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

template <class K, class V, class H, class E>
Ref<const Payload<V>> Engine<K, V, H, E>::read(Key key) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  Ref<const Payload<V>> found;
  EffectsType effects;
  {
    const std::lock_guard lock(shard.mutex);
    auto* entry = shard.find(key, hash);
    SteadyNanos now = 0;  // Read only where something expires.
    if (entry != nullptr && entry->expires_at != kNever) {
      now = clock_->steady_now();
      if (entry->expires_at <= now) {
        shard.remove(*entry, RemovalCause::expired, effects, now);
        entry = nullptr;
      }
    }
    if (entry != nullptr) {
      found = entry->payload;
      if (options_.expire_after_access) {
        shard.copy_if_due();  // Or a snapshot would keep a deadline from after its moment.
        entry->expires_at = expiry_of(*found, now);
      }
      shard.touch(*entry);
      shard.announce(EventType::entry_get_hit, *entry, now);
    } else if (events_.has_slots(EventType::entry_get_miss)) {
      shard.announce_miss(Ref<EntryType>(new EntryType(K(key))), now);
    }
  }
  counters_.add(found ? Counter::hits : Counter::misses);
  shard.events.deliver(events_);
  return found;
}

template <class K, class V, class H, class E>
std::optional<Version<V>> Engine<K, V, H, E>::peek(Key key) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  const auto* entry = shard.find(key, hash);
  if (entry == nullptr || is_expired(*entry)) return std::nullopt;
  return entry->version();
}

template <class K, class V, class H, class E>
std::optional<EntryInfo> Engine<K, V, H, E>::inspect(Key key) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  const auto* entry = shard.find(key, hash);
  const auto now = clock_->steady_now();
  if (entry == nullptr || entry->expires_at <= now) return std::nullopt;
  EntryInfo info;
  info.state = state_of(*entry);
  info.visits = entry->visits;
  info.age = std::chrono::nanoseconds(now - entry->payload->created_at);
  if (entry->expires_at != kNever) {
    info.remaining_ttl = std::chrono::nanoseconds(entry->expires_at - now);
  }
  info.weight = entry->weight;
  info.dirty = info.state == EntryState::dirty || info.state == EntryState::flushing;
  info.stamp = entry->stamp;
  return info;
}

template <class K, class V, class H, class E>
SteadyNanos Engine<K, V, H, E>::expiry_of(const Payload<V>& payload,
                                          SteadyNanos now) const noexcept {
  if (!options_.expire_after_access) return payload.deadline;
  return std::min(payload.deadline, deadline_after(now, options_.expire_after_access->count()));
}

template <class K, class V, class H, class E>
SteadyNanos Engine<K, V, H, E>::jittered_deadline(SteadyNanos now, std::int64_t ttl) {
  const SteadyNanos deadline = deadline_after(now, ttl);
  // What is to expire at once must not live on by chance.
  if (ttl <= 0 || options_.ttl_jitter.count() == 0) return deadline;
  std::uniform_int_distribution<std::int64_t> spread(0, options_.ttl_jitter.count());
  const std::lock_guard lock(jitter_mutex_);
  return deadline_after(deadline, spread(jitter_));
}

template <class K, class V, class H, class E>
Ref<const Payload<V>> Engine<K, V, H, E>::make_payload(
    V&& value, std::optional<std::chrono::nanoseconds> ttl) {
  auto payload = std::make_unique<Payload<V>>(std::move(value));
  payload->created_at = clock_->steady_now();
  if (!ttl) ttl = options_.default_ttl;
  if (ttl) payload->deadline = jittered_deadline(payload->created_at, ttl->count());
  return Ref<const Payload<V>>(payload.release());
}

template <class K, class V, class H, class E>
Ref<Entry<K, V>> Engine<K, V, H, E>::make_entry(Key key, std::uint64_t hash,
                                                const WriteIntent<V>& intent) {
  if (!intent.payload || !intent.keep_in_cache) return {};
  Ref<EntryType> entry(new EntryType(K(key)));
  entry->hash = hash;
  entry->weight = intent.weight;
  entry->expires_at = expiry_of(*intent.payload, clock_->steady_now());
  entry->payload = intent.payload;
  return entry;
}

}  // namespace tarmac::internal
