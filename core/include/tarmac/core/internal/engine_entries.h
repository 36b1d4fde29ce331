// Engine: how versions and entries are made, and how they end. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

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
Version<V> Engine<K, V, H, E>::make_version(V&& value,
                                            std::optional<std::chrono::nanoseconds> ttl) {
  if (!ttl) ttl = options_.default_ttl;
  Version<V> version;
  version.content = Content<V>(std::move(value));
  version.created_at = ttl ? clock_->steady_now() : clock_->coarse_now();
  if (ttl) version.deadline = jittered_deadline(version.created_at, ttl->count());
  return version;
}

// Without the lock, so as to know whether a new entry will be needed: most likely right.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::is_to_be_made(const ShardType& shard, Key key, std::uint64_t hash) const {
  const EpochPin pin(this_thread_slot());
  return shard.find(key, hash) == nullptr;
}

template <class K, class V, class H, class E>
Ref<Entry<K, V>> Engine<K, V, H, E>::make_entry(Key key, std::uint64_t hash,
                                                const Version<V>& version) const {
  auto entry = EntryType::make(*shard_of(hash).arena, K(key), hash, version);
  add_timer(*entry, version.deadline);
  return entry;
}

// Requires: the shard's lock.
template <class K, class V, class H, class E>
Ref<Entry<K, V>> Engine<K, V, H, E>::make_entry_in(ShardType& shard, Key key, std::uint64_t hash,
                                                   const Version<V>& version) const {
  if constexpr (!kIsPaired<K, V>) return make_entry(key, hash, version);
  shard.find_spare();
  auto entry = shard.spares.make(*shard.arena, K(key), hash, version);
  add_timer(*entry, version.deadline);
  return entry;
}

template <class K, class V, class H, class E>
inline void Engine<K, V, H, E>::add_timer(EntryType& entry, SteadyNanos deadline) const {
  if (deadline != kNever || options_.expire_after_access) {
    entry.timer = std::make_unique<EntryTimer>(entry);
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::reclaim() {
  for (auto& shard : shards_) reclaim(*shard);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::reclaim(ShardType& shard) {
  EffectsType effects;
  {
    const std::lock_guard lock(shard.mutex);
    if (shard.limbo.empty()) return;
    shard.limbo.hasten();
  }
  // Twice: what is known to be unlinked in one epoch is free in the next but one.
  if (Epoch::try_advance()) Epoch::try_advance();
  const std::lock_guard lock(shard.mutex);
  shard.finish(effects, true);
}

// A shard that had nothing left to evict was still too small for what came: others give.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::relieve(ShardType* spared) {
  bool found = true;
  while (found && budget_.is_over()) {
    found = false;
    for (auto& shard : shards_) {
      if (shard.get() != spared) evict_one_if_over(*shard, found);
    }
    if (!found && spared != nullptr) evict_one_if_over(*spared, found);
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::evict_one_if_over(ShardType& shard, bool& found) {
  EffectsType effects;
  {
    const std::lock_guard lock(shard.mutex);
    if (!budget_.is_over()) return;
    shard.drain();
    found = shard.evict_one(0) || found;
    shard.finish(effects);
  }
  shard.events.deliver(events_);
}

}  // namespace tarmac::internal
