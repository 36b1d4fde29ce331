// Engine: the lock of one key, while a write of it is under way. Included by engine_write.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <atomic>
#include <mutex>
#include <optional>

namespace tarmac::internal {

// The key's lock, taken with the stamp of the write that it is held for.
template <class K, class V, class H, class E>
class Engine<K, V, H, E>::KeyHold {
 public:
  /// Waits for the key under `lock`, which is the shard's, and keeps it locked after that. `key`
  /// must stay where it is.
  KeyHold(ShardType& shard, std::unique_lock<std::mutex>& lock, Key key, std::uint64_t hash)
      : shard_(shard), key_(key), hash_(hash) {
    shard_.key_locks.wait_until_free(lock, key, hash);
    stamp_ = ++shard_.last_stamp;
    stamps_renewed_ = shard_.stamps_renewed.load(std::memory_order_relaxed);
    shard_.key_locks.lock(key_, hash, stamp_);
  }
  ~KeyHold() {
    if (released_) return;
    const std::lock_guard lock(shard_.mutex);
    shard_.key_locks.unlock(key_);
  }
  KeyHold(const KeyHold&) = delete;
  KeyHold& operator=(const KeyHold&) = delete;

  [[nodiscard]] ShardType& shard() noexcept { return shard_; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t stamp() const noexcept { return stamp_; }
  /// For whoever has passed the gate: a restore that came before may have given the key a newer
  /// stamp than this write had, which comes after it, and the store would take it for the older.
  [[nodiscard]] std::uint64_t stamp_inside() {
    if (shard_.stamps_renewed.load(std::memory_order_relaxed) == stamps_renewed_) return stamp_;
    const std::lock_guard lock(shard_.mutex);
    stamps_renewed_ = shard_.stamps_renewed.load(std::memory_order_relaxed);
    stamp_ = ++shard_.last_stamp;
    shard_.key_locks.change_stamp(key_, stamp_);
    return stamp_;
  }
  /// Requires: the shard's lock. The state that a write gets whose flush overtook it.
  [[nodiscard]] std::optional<EntryState> early_state() {
    return shard_.key_locks.early_state_of(key_);
  }

  /// Requires: the shard's lock. The key is free before this goes: nothing more comes of the write.
  void release() noexcept {
    shard_.key_locks.unlock(key_);
    released_ = true;
  }

  /// Epoch at which the decision was made, if one was.
  std::optional<std::uint64_t> decided_at_epoch;
  /// An entry made beforehand. Destroyed when the key is free: a value's destructor may write it.
  Ref<EntryType> spare;

 private:
  ShardType& shard_;
  const held_key_t<K, E> key_;  ///< of a text only a view: `key` outlives this
  std::uint64_t hash_;
  std::uint64_t stamp_ = 0;
  std::uint64_t stamps_renewed_ = 0;
  bool released_ = false;
};

}  // namespace tarmac::internal
