// Engine: look-ups. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>
#include <tarmac/core/internal/engine_quick_read.h>

namespace tarmac::internal {

template <class K, class V, class H, class E>
template <class Use>
bool Engine<K, V, H, E>::read(Key key, Use&& use) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  if constexpr (Quick::kServes) {
    ThreadSlot* const thread = current_thread_slot;
    if (thread != nullptr && EpochPin::is_unpinned(*thread) &&
        !events_.has_slots(EventType::entry_get_hit)) [[likely]] {
      return Quick::read(*this, shard, key, hash, *thread, use);
    }
    return Quick::read_with_care(*this, shard, key, hash, use);
  } else {
    return read_with_care(shard, key, hash, use);
  }
}

template <class K, class V, class H, class E>
template <class Use>
inline bool Engine<K, V, H, E>::read_with_care(ShardType& shard, Key key, std::uint64_t hash,
                                               Use& use) {
  if (!events_.has_slots(EventType::entry_get_hit)) [[likely]] {
    ThreadSlot& thread = this_thread_slot();
    const EpochPin pin(thread);
    auto& log = shard.hit_log();
    const auto found = shard.look_up(key, hash);
    if (found.live) [[likely]] {
      counters_.add(thread, Counter::hits);
      shard.record_hit(found, thread, log);
      found.with_value(use);
      return true;
    }
    if (found.entry == nullptr && !events_.has_slots(EventType::entry_get_miss)) [[likely]] {
      counters_.add(thread, Counter::misses);
      return false;
    }
  }
  const auto found = read_locked(shard, key, hash);
  if (found) use(found.value());
  return static_cast<bool>(found);
}

template <class K, class V, class H, class E>
template <class Usable, class Use>
void Engine<K, V, H, E>::read_hit(Key key, Usable& usable, Use&& use) {
  if (events_.has_slots(EventType::entry_get_hit)) return;
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  ThreadSlot& thread = this_thread_slot();
  const EpochPin pin(thread);
  shard.table.prefetch_to_read(hash);
  if (!usable()) return;
  auto& log = shard.hit_log();
  const auto found = shard.look_up(key, hash);
  if (!found.live) return;
  counters_.add(thread, Counter::hits);
  shard.record_hit(found, thread, log);
  found.with_value(std::forward<Use>(use));
}

// A look-up with the shard's lock, where more is to be done than to look: an entry has expired, or
// somebody listens.
template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::read_locked(ShardType& shard, Key key, std::uint64_t hash) {
  Content<V> found;
  {
    EffectsType effects;
    const std::lock_guard lock(shard.mutex);
    auto* entry = shard.find(key, hash);
    const SteadyNanos now = clock_->steady_now();
    if (entry != nullptr && shard.is_expired(*entry, now)) {
      shard.remove(*entry, RemovalCause::expired, now);
      shard.finish(effects);
      entry = nullptr;
    }
    if (entry != nullptr) {
      found = entry->cell.content();
      shard.hit(*entry, now);
      shard.announce(EventType::entry_get_hit, *entry, now);
    } else if (events_.has_slots(EventType::entry_get_miss)) {
      shard.announce_miss(Ref<EntryType>(new EntryType(K(key), hash, Version<V>{})), now);
    }
  }
  counters_.add(this_thread_slot(), found ? Counter::hits : Counter::misses);
  shard.events.deliver(events_);
  return found;
}

template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::contains(Key key) const {
  const auto hash = hash_of(key);
  const auto& shard = shard_of(hash);
  const EpochPin pin(this_thread_slot());
  return shard.look_up(key, hash).live;
}

template <class K, class V, class H, class E>
std::optional<Version<V>> Engine<K, V, H, E>::peek(Key key) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  auto* entry = shard.find(key, hash);
  if (entry == nullptr || shard.is_expired(*entry, clock_->steady_now())) return std::nullopt;
  return entry->version();
}

template <class K, class V, class H, class E>
std::optional<EntryInfo> Engine<K, V, H, E>::inspect(Key key) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  shard.drain_all();
  auto* entry = shard.find(key, hash);
  const auto now = clock_->steady_now();
  if (entry == nullptr || shard.is_expired(*entry, now)) return std::nullopt;
  EntryInfo info;
  info.state = entry->life.state();
  info.visits = entry->visits;
  info.age = std::chrono::nanoseconds(now - entry->created_at);
  const auto expires_at = shard.expiry_of(*entry);
  if (expires_at != kNever) info.remaining_ttl = std::chrono::nanoseconds(expires_at - now);
  info.weight = entry->weight;
  info.dirty = info.state == EntryState::dirty || info.state == EntryState::flushing;
  info.stamp = entry->stamp;
  return info;
}

}  // namespace tarmac::internal
