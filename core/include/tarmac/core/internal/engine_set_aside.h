// Engine: writes that are set aside for the write policy, and what it says of them later. Included
// by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>
#include <tarmac/core/internal/intake_call.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace tarmac::internal {

// A write that the policy takes later: with the change of the cache under one lock, so that nobody
// sees the one without the other, and with no lock of the key, since nobody waits for a store.
// False, with nothing changed, if it has to go the usual way.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::write_aside(Key key, std::uint64_t hash, WriteIntent<V>& intent,
                                     Mutation<V>& mutation) {
  if constexpr (Encodable<K> && Encodable<V>) {
    if (!intent.keeps() || intent.want_before || intent.expected) return false;
    auto& shard = shard_of(hash);
    const EncodedBytes<K> key_bytes(key);
    const EncodedBytes<V> value_bytes(intent.next.content.value());
    SetAsideWrite write{.key = key_bytes.view(), .value = value_bytes.view(), .hash = hash};
    const auto deadline = intent.next.deadline;
    if (deadline != kNever) {
      const auto now = clock_->steady_now();
      if (deadline <= now) return false;
      write.expires_at = deadline_after(clock_->wall_now(), deadline - now);
    }
    if (write.size() > SetAside::kBytesMax) return false;
    Ref<EntryType> spare;
    if (!kIsPaired<K, V> && is_to_be_made(shard, key, hash)) {
      spare = make_entry(key, hash, intent.next);
    }
    {
      EffectsType effects;  // A value's destructor may take its time, the call must not.
      IntakeCall call;
      auto lock = spin_then_wait(shard.mutex);
      shard.key_locks.wait_until_free(lock, key, hash);
      auto* intake = intake_.load(std::memory_order_relaxed);
      // Whoever closes the gate takes this lock afterwards, to fetch what was set aside.
      if (intake == nullptr || gate_.is_closed() || shard.aside.is_full()) return false;
      if (!intake->reserve()) return false;
      std::optional<SteadyNanos> since;
      try {
        since = shard.aside.reserve(write.size(), *intake, *clock_);
        if ((since || intake->wants_call()) && !call.prepare(gate_, *intake)) {
          shard.aside.take_back();
          intake->give_back(1);
          return false;
        }
        write.stamp = intent.next.stamp = ++shard.last_stamp;
        mutation = apply(shard, key, hash, intent, EntryState::dirty, spare);
      } catch (...) {
        if (write.stamp != 0 && shard.find_by_stamp(hash, write.stamp) != nullptr) {
          // It stands, though somebody was not told: nobody else would ever write it.
          shard.aside.add(write);
          call.make(since);
        } else {
          shard.aside.take_back();
          intake->give_back(1);
          // Somebody may wait for the place.
          if (call.prepare(gate_, *intake)) call.make(std::nullopt);
        }
        throw;
      }
      shard.aside.add(write);
      call.make(since);
      shard.finish(effects);
    }
    after_unlock(shard, deadline);
    return true;
  }
  return false;
}

// Of each shard the oldest block, then the next: about in the order in which the writes came, and
// no write waits for all of another shard. What comes meanwhile is left for the next time.
template <class K, class V, class H, class E>
SteadyNanos Engine<K, V, H, E>::hand_over(std::size_t most) {
  std::vector<std::uint64_t> last;
  last.reserve(shards_.size());
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    last.push_back(shard->aside.blocks_opened());
  }
  const auto first = next_handed_.load(std::memory_order_relaxed);
  auto oldest = kNever;
  for (bool handed = true; handed && most != 0;) {
    handed = false;
    oldest = kNever;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const auto index = (first + i) & shard_mask_;
      const auto count = hand_over_block(*shards_[index], most == 0 ? 0 : last[index], oldest);
      if (!count) continue;
      most -= std::min(most, *count);
      handed = true;
      // Whoever had no turn is the first the next time.
      next_handed_.store(index + 1, std::memory_order_relaxed);
    }
  }
  return oldest;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::hand_over_all(ShardType& shard) const {
  if (intake_.load(std::memory_order_relaxed) == nullptr) return;
  std::uint64_t last = 0;
  {
    const std::lock_guard lock(shard.mutex);
    last = shard.aside.blocks_opened();
    if (shard.aside.first_block() > last) return;  // What was here the policy has.
  }
  auto oldest = kNever;
  while (hand_over_block(shard, last, oldest)) continue;
}

// Hands over the shard's oldest block, if its number is `last` or less, and returns how many writes
// it had; nothing if there is no such block. `oldest` becomes what waits in the shard then, if that
// is older.
//
// One thread at a time, so that the writes of a key come in their order. A block stays in the shard
// until the policy has it: whoever looks for one of its writes under the shard's lock finds it in
// one place at least.
template <class K, class V, class H, class E>
HandedOver Engine<K, V, H, E>::hand_over_block(ShardType& shard, std::uint64_t last,
                                               SteadyNanos& oldest) const {
  const std::lock_guard turn(shard.handing);
  const SetAside::Block* block = nullptr;
  {
    const std::lock_guard lock(shard.mutex);
    if (shard.aside.first_block() > last) {
      oldest = std::min(oldest, shard.aside.oldest_since());
      return std::nullopt;
    }
    block = &shard.aside.seal_first();
  }
  std::vector<StoreWrite> writes;
  writes.reserve(block->count());
  block->for_each([&writes](const SetAsideWrite& one) { writes.push_back(one.to_store()); });
  block->intake().take(writes, block->since());
  const std::lock_guard lock(shard.mutex);
  shard.aside.drop_first();
  oldest = std::min(oldest, shard.aside.oldest_since());
  return writes.size();
}

// Each shard's lock once for some of what is its own, and not for long.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::on_flush_states(std::span<const StoreWrite> writes,
                                         EntryState state) noexcept {
  if (log_ && state == EntryState::clean) {
    for (const auto& write : writes) note_stored(write);
  }
  std::array<const StoreWrite*, 16> some{};
  std::size_t count = 0;
  for (auto& shard : shards_) {
    const auto change = [&] {
      const auto lock = spin_then_wait(shard->mutex);
      change_states(*shard, {some.data(), std::exchange(count, 0)}, state);
    };
    for (const auto& write : writes) {
      if (&shard_of(write.hash) != shard.get()) continue;
      some[count++] = &write;
      if (count == some.size()) change();
    }
    if (count != 0) change();
  }
}

// Requires: the shard's lock.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::change_states(ShardType& shard, std::span<const StoreWrite* const> writes,
                                       EntryState state) noexcept {
  const auto fetch = [](const EntryNode& node) {
    const auto& entry = static_cast<const EntryType&>(node);
    __builtin_prefetch(&entry.stamp);
    __builtin_prefetch(&entry.life, 1);
    return false;
  };
  if (writes.size() > 1) {
    // All of them are on their way from memory before the first is waited for.
    for (const auto* write : writes) shard.table.prefetch_to_read(write->hash);
    for (const auto* write : writes) static_cast<void>(shard.table.find(write->hash, fetch));
  }
  for (const auto* write : writes) {
    if (auto* entry = shard.find_by_stamp(write->hash, write->stamp)) {
      // A restore that is under way may have put a debt back that this entry had paid.
      if (is_allowed(entry->life.state(), state)) entry->life.move_to(state);
    } else if (auto* hold = shard.key_locks.find_by_stamp(write->hash, write->stamp)) {
      hold->early_state = state;
    }
  }
}

}  // namespace tarmac::internal
