// Engine: the way of a write. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>
#include <tarmac/core/internal/engine_key_hold.h>

namespace tarmac::internal {

template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::apply(ShardType& shard, Key key, std::uint64_t hash,
                                      const WriteIntent<V>& intent, EntryState state,
                                      Ref<EntryType>& spare) {
  SteadyNanos now = shard.time_if_needed();
  const auto deadline = intent.next.deadline;
  if (now == 0 && (deadline != kNever || options_.expire_after_access)) now = clock_->steady_now();
  auto* entry = shard.find(key, hash);
  if (entry != nullptr && shard.is_expired(*entry, now)) {
    shard.remove(*entry, RemovalCause::expired, now);
    entry = nullptr;
  }
  Mutation<V> mutation;
  mutation.was_present = entry != nullptr;
  if (intent.want_before && entry != nullptr) mutation.before = entry->version();
  if (intent.expected && *intent.expected != (entry != nullptr ? entry->stamp : 0)) return mutation;
  mutation.applied = true;
  shard.flights.supersede(key, hash);
  if (!intent.keeps() || deadline <= now) {
    if (entry != nullptr) {
      shard.remove(*entry, intent.keeps() ? RemovalCause::expired : intent.removal_cause, now);
    }
    return mutation;
  }
  mutation.stamp = intent.next.stamp;
  if (entry != nullptr) {
    shard.update(*entry, intent.next, state, now);
    return mutation;
  }
  if (!spare) spare = make_entry_in(shard, key, hash, intent.next);
  spare->stamp = intent.next.stamp;
  if (state == EntryState::flushing) spare->life.move_to(EntryState::dirty);
  spare->life.move_to(state);
  shard.insert(std::move(spare), deadline, now);
  return mutation;
}

// The key's hash. The key's place is on its way from memory while the rest is made ready.
template <class K, class V, class H, class E>
inline std::uint64_t Engine<K, V, H, E>::expect_write(Key key) const {
  const auto hash = hash_of(key);
  const EpochPin pin(this_thread_slot());
  shard_of(hash).table.prefetch_to_insert(hash);
  return hash;
}

template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::write(Key key, std::uint64_t hash, WriteIntent<V>&& intent) {
  Mutation<V> mutation;
  const bool may_wait = intake_.load(std::memory_order_relaxed) != nullptr;
  if (may_wait && write_aside(key, hash, intent, mutation)) return mutation;
  auto& shard = shard_of(hash);
  Ref<EntryType> spare;
  // Where the shard may have memory for one at hand, it is better made there, under the lock; but
  // not after log or store have the write, since memory may run out.
  const bool is_made_there = kIsPaired<K, V> && !writes_out_.load(std::memory_order_relaxed);
  if (intent.keeps() && !is_made_there && is_to_be_made(shard, key, hash)) {
    spare = make_entry(key, hash, intent.next);
  }
  {
    EffectsType effects;  // Before the hold: a value's destructor may write this key.
    std::optional<KeyHold> hold;
    if (!AtOnce::write(*this, key, hash, intent, spare, effects, mutation)) {
      auto lock = spin_then_wait(shard.mutex);
      shard.key_locks.wait_until_free(lock, key, hash);
      if (!writes_out_.load(std::memory_order_relaxed)) {
        intent.next.stamp = ++shard.last_stamp;
        mutation = apply(shard, key, hash, intent, EntryState::clean, spare);
        shard.finish(effects);
      } else {
        hold.emplace(shard, lock, key, hash);
      }
    }
    if (hold) {
      hold->spare = std::move(spare);
      mutation = write_and_release(hold, key, intent, effects);
    }
  }
  if (!std::is_trivially_destructible_v<V> && !intent.next && mutation.applied) reclaim(shard);
  after_unlock(shard, intent.next.deadline);
  return mutation;
}

// Gives the key's lock back before anybody is told, or a slot that writes this key would wait for
// itself.
template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::write_and_release(std::optional<KeyHold>& hold, Key key,
                                                  WriteIntent<V>& intent, EffectsType& effects) {
  try {
    auto mutation = write_held(*hold, key, intent, effects);
    hold.reset();
    if (log_) tend_log();
    return mutation;
  } catch (const StoreError& error) {
    hold.reset();
    announce(EventType::store_error, error.what(), 1, 0);
    throw;
  } catch (const DurabilityError& error) {
    hold.reset();
    announce(EventType::durability_error, error.what(), 1, 0);
    throw;
  }
}

// The log and the store first, then the cache: if one refuses, nothing has changed.
template <class K, class V, class H, class E>
Mutation<V> Engine<K, V, H, E>::write_held(KeyHold& hold, Key key, WriteIntent<V>& intent,
                                           EffectsType& effects) {
  auto& shard = hold.shard();
  intent.next.stamp = hold.stamp();
  if (intent.expected) {  // Nobody else can write the key, so a conflict now is a conflict.
    const auto present = peek(key);
    if (*intent.expected != (present ? present->stamp : 0)) return {};
  }
  if (intent.keeps() && !hold.spare && is_to_be_made(shard, key, hold.hash())) {
    hold.spare = make_entry(key, hold.hash(), intent.next);
  }
  const Gate::Passage passage(gate_);
  intent.next.stamp = hold.stamp_inside();
  const auto is_outdated = [&] {  // Requires the shard's lock.
    return hold.decided_at_epoch && *hold.decided_at_epoch != shard.epoch;
  };
  EntryState state = EntryState::clean;
  bool in_store = false;
  std::optional<Version<V>> loaded;
  if (auto* policy = active_policy_.load(std::memory_order_relaxed); policy || log_) {
    if (hold.decided_at_epoch) {
      const std::lock_guard lock(shard.mutex);
      if (is_outdated()) return {};
    }
    if (policy && !policy->keeps_written_values()) intent.leave_to_store();
    hand_over_all(shard);  // Or an older write of the key would come after this one.
    if (policy && intent.want_before && !peek(key)) loaded = load_stored(*policy, key);
    state = policy && !log_ ? policy->on_write(encode(key, hold.hash(), intent.next))
                            : write_logged(hold, key, intent, policy);
    in_store = true;
  }
  const auto lock = spin_then_wait(shard.mutex);
  // With a store or a log the write has happened, and a clear() that came after it stands.
  Mutation<V> mutation;
  mutation.applied = in_store;
  if (in_store) shard.flights.supersede(key, hold.hash());
  if (is_outdated()) return mutation;
  if (const auto early = hold.early_state()) state = *early;
  intent.expected.reset();  // An eviction since the check is no conflict.
  mutation = apply(shard, key, hold.hash(), intent, state, hold.spare);
  shard.finish(effects);
  hold.release();
  if (!mutation.before && loaded) {
    mutation.before = std::move(loaded);
    mutation.loaded = true;
  }
  return mutation;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::write_decided(
    Key key, FunctionRef<WriteIntent<V>(const std::optional<Version<V>>&)> decide) {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  SteadyNanos deadline = kNever;
  // Again only if the cache was cleared or restored meanwhile.
  for (Mutation<V> mutation; !mutation.applied;) {
    // Values before the hold: a destructor may write this key.
    EffectsType effects;
    WriteIntent<V> intent;
    std::optional<Version<V>> current;
    std::optional<KeyHold> hold;
    {
      std::unique_lock lock(shard.mutex);
      hold.emplace(shard, lock, key, hash);
      hold->decided_at_epoch = shard.epoch;
      auto* entry = shard.find(key, hash);
      if (entry != nullptr && !shard.is_expired(*entry, clock_->steady_now())) {
        current = entry->version();
      }
    }
    if (!current) current = stored_for(hold, key);
    intent = decide(current);
    deadline = intent.next.deadline;
    mutation = write_and_release(hold, key, intent, effects);
  }
  after_unlock(shard, deadline);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::after_unlock(ShardType& shard, SteadyNanos deadline) {
  if (budget_.is_over()) relieve(&shard);
  shard.events.deliver(events_);
  if (options_.expire_after_access) {
    deadline = std::min(
        deadline, deadline_after(clock_->steady_now(), options_.expire_after_access->count()));
  }
  wake_sweeper(deadline);
}

}  // namespace tarmac::internal
