// Engine: writes that the log takes while the shard's lock is held. Included by
// engine_durable.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <type_traits>

namespace tarmac::internal {

// A key is held because its record may have to wait for the disk, which nobody may under the
// shard's lock. Where the record is stored in the file's memory, the whole write is as short as one
// without a log: nothing comes between its place in the log and its being seen.
template <class K, class V, class H, class E>
struct Engine<K, V, H, E>::AtOnce {
  /// False: nothing was done, and the write has to go the long way.
  [[nodiscard]] static bool write(Engine& engine, Key key, std::uint64_t hash,
                                  WriteIntent<V>& intent, Ref<EntryType>& spare,
                                  EffectsType& effects, Mutation<V>& mutation) {
    if constexpr (std::is_same_v<K, std::string> && std::is_same_v<V, std::string>) {
      if (!engine.log_ || intent.expected) return false;
      if (!log_and_apply(engine, key, hash, intent, spare, effects, mutation)) return false;
      engine.tend_log();
      return true;
    }
    return false;
  }

 private:
  // Passed before the shard's lock is taken, and without waiting for anybody in between: whoever
  // closes the gate takes the shards' locks, and a key may be held by one who waits at the gate.
  static bool log_and_apply(Engine& engine, Key key, std::uint64_t hash, WriteIntent<V>& intent,
                            Ref<EntryType>& spare, EffectsType& effects, Mutation<V>& mutation) {
    const Gate::OpenPassage passage(engine.gate_);
    if (!passage) return false;
    if (engine.active_policy_.load(std::memory_order_relaxed) != nullptr) return false;
    if (!engine.log_->debts().empty()) return false;
    auto& shard = engine.shard_of(hash);
    const auto lock = spin_then_wait(shard.mutex);
    if (shard.key_locks.is_held(key, hash)) return false;
    // Before the log has the write, since memory may run out.
    if (intent.keeps() && !spare && shard.find(key, hash) == nullptr) {
      spare = engine.make_entry_in(shard, key, hash, intent.next);
    }
    intent.next.stamp = shard.last_stamp + 1;
    if (!engine.log_->commit_at_once(record_as_is(key, intent, *engine.clock_))) return false;
    ++shard.last_stamp;
    mutation = engine.apply(shard, key, hash, intent, EntryState::clean, spare);
    shard.finish(effects);
    return true;
  }
};

}  // namespace tarmac::internal
