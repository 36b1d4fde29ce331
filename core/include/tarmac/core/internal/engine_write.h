// Engine: the way of a write. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

// The key's lock, taken with the stamp of the write that it is held for.
template <class K, class V, class H, class E>
class Engine<K, V, H, E>::KeyHold {
 public:
  /// Waits for the key under `lock`, which is the shard's, and keeps it locked after that.
  KeyHold(ShardType& shard, std::unique_lock<std::mutex>& lock, Key key, std::uint64_t hash)
      : shard_(shard), key_(key), hash_(hash) {
    shard_.key_locks.wait_until_free(lock, key, hash);
    stamp_ = ++shard_.last_stamp;
    shard_.key_locks.lock(key_, hash, stamp_);
  }
  ~KeyHold() {
    const std::lock_guard lock(shard_.mutex);
    shard_.key_locks.unlock(key_);
  }
  KeyHold(const KeyHold&) = delete;
  KeyHold& operator=(const KeyHold&) = delete;

  [[nodiscard]] ShardType& shard() noexcept { return shard_; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t stamp() const noexcept { return stamp_; }
  /// Requires: the shard's lock. The state that a write gets whose flush overtook it.
  [[nodiscard]] std::optional<EntryState> early_state() {
    return shard_.key_locks.early_state_of(key_);
  }

  /// Epoch at which the decision was made, if one was.
  std::optional<std::uint64_t> decided_at_epoch;

 private:
  ShardType& shard_;
  const K key_;
  std::uint64_t hash_;
  std::uint64_t stamp_ = 0;
};

template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::apply(ShardType& shard, Key key, std::uint64_t hash,
                                      const WriteIntent<V>& intent, Ref<EntryType> fresh,
                                      EffectsType& effects) {
  const SteadyNanos now = clock_->steady_now();
  auto* entry = shard.find(key, hash);
  if (entry != nullptr && entry->expires_at <= now) {
    shard.remove(*entry, RemovalCause::expired, effects, now);
    entry = nullptr;
  }
  Mutation<V> mutation;
  if (entry != nullptr) mutation.before = entry->version();
  const auto* present = entry != nullptr ? entry->payload.get() : nullptr;
  if (intent.expected && *intent.expected != present) return mutation;
  mutation.applied = true;
  if (!fresh || fresh->expires_at <= now) {
    if (entry != nullptr) {
      shard.remove(*entry, fresh ? RemovalCause::expired : intent.removal_cause, effects, now);
    }
    return mutation;
  }
  mutation.stamp = fresh->stamp;
  if (entry != nullptr) {
    shard.update(*entry, *fresh, effects, now);
  } else {
    shard.insert(std::move(fresh), effects, now);
  }
  return mutation;
}

template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::write(Key key, WriteIntent<V> intent) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  auto fresh = make_entry(key, hash, intent);
  const SteadyNanos deadline = fresh ? fresh->expires_at : kNever;
  Mutation<V> mutation;
  EffectsType effects;  // Before the hold: a value's destructor may write this key.
  std::optional<KeyHold> hold;
  {
    std::unique_lock lock(shard.mutex);
    shard.key_locks.wait_until_free(lock, key, hash);
    if (active_policy_.load(std::memory_order_relaxed) == nullptr) {
      if (fresh) fresh->stamp = ++shard.last_stamp;
      mutation = apply(shard, key, hash, intent, std::move(fresh), effects);
    } else {
      hold.emplace(shard, lock, key, hash);
    }
  }
  if (hold) mutation = write_and_release(hold, key, intent, effects);
  after_unlock(shard);
  wake_sweeper(deadline);
  return mutation;
}

// Gives the key's lock back before anybody is told, or a slot that writes this key would wait for
// itself.
template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::write_and_release(std::optional<KeyHold>& hold, Key key,
                                                  const WriteIntent<V>& intent,
                                                  EffectsType& effects) {
  try {
    auto mutation = write_held(*hold, key, intent, effects);
    hold.reset();
    return mutation;
  } catch (const StoreError& error) {
    hold.reset();
    announce(EventType::store_error, error.what(), 1, 0);
    throw;
  }
}

// The store first, then the cache: if the store refuses, nothing has changed.
template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::write_held(KeyHold& hold, Key key, const WriteIntent<V>& intent,
                                           EffectsType& effects) {
  auto& shard = hold.shard();
  auto fresh = make_entry(key, hold.hash(), intent);
  if (intent.expected) {  // Nobody else can write the key, so a conflict now is a conflict.
    const std::lock_guard lock(shard.mutex);
    const auto* entry = shard.find(key, hold.hash());
    const bool present = entry != nullptr && !is_expired(*entry);
    if (*intent.expected != (present ? entry->payload.get() : nullptr)) return {};
  }
  const Gate::Passage passage(gate_);
  const auto is_outdated = [&] {  // Requires the shard's lock.
    return hold.decided_at_epoch && *hold.decided_at_epoch != shard.epoch;
  };
  EntryState state = EntryState::clean;
  bool in_store = false;
  std::optional<Version<V>> loaded;
  if (auto* policy = active_policy_.load(std::memory_order_relaxed)) {
    {
      const std::lock_guard lock(shard.mutex);
      if (is_outdated()) return {};
    }
    if (intent.load_before && !peek(key)) loaded = load_stored(*policy, key);
    state = policy->on_write(encode(key, hold.hash(), intent, hold.stamp()));
    in_store = true;
  }
  const std::lock_guard lock(shard.mutex);
  // With a store the write has happened, and a clear() that came after it stands.
  Mutation<V> mutation;
  mutation.applied = in_store;
  if (is_outdated()) return mutation;
  if (fresh) {
    fresh->stamp = hold.stamp();
    move_to(*fresh, state);
    if (const auto early = hold.early_state()) move_to(*fresh, *early);
  }
  auto unconditional = intent;
  unconditional.expected.reset();  // An eviction since the check is no conflict.
  mutation = apply(shard, key, hold.hash(), unconditional, std::move(fresh), effects);
  if (!mutation.before && loaded) {
    mutation.before = std::move(loaded);
    mutation.loaded = true;
  }
  return mutation;
}

template <class K, class V, class H, class E>
template <class Decide>
void Engine<K, V, H, E>::write_decided(Key key, Decide&& decide) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  SteadyNanos deadline = kNever;
  // Again only if the cache was cleared or restored meanwhile.
  for (Mutation<V> mutation; !mutation.applied;) {
    // Values before the hold: a destructor may write this key.
    EffectsType effects;
    std::optional<Version<V>> current;
    WriteIntent<V> intent;
    std::optional<KeyHold> hold;
    {
      std::unique_lock lock(shard.mutex);
      hold.emplace(shard, lock, key, hash);
      hold->decided_at_epoch = shard.epoch;
      const auto* entry = shard.find(key, hash);
      if (entry != nullptr && !is_expired(*entry)) current = entry->version();
    }
    intent = decide(std::as_const(current));
    if (intent.payload) deadline = expiry_of(*intent.payload, clock_->steady_now());
    mutation = write_and_release(hold, key, intent, effects);
  }
  after_unlock(shard);
  wake_sweeper(deadline);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::after_unlock(ShardType& shard) {
  if (budget_.is_over()) relieve(&shard);
  shard.events.deliver(events_);
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
    found = shard.evict_one(effects, clock_->steady_now()) || found;
  }
  shard.events.deliver(events_);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::wake_sweeper(SteadyNanos deadline) {
  if (sweeper_ && deadline != kNever) sweeper_->wake(deadline);
}

}  // namespace tarmac::internal
