// What a shard hands out: copies for snapshots, and what is to be destroyed after its lock.
#pragma once

#include <tarmac/core/internal/entry.h>

#include <utility>
#include <vector>

namespace tarmac::internal {

/// One entry as a snapshot keeps it.
template <class K, class V>
struct SnapshotRecord {
  Ref<Entry<K, V>> key_owner;
  Version<V> version;
  SteadyNanos expires_at;
  std::uint32_t inserted_at;
  std::uint32_t accessed_at;
  std::uint16_t visits;
};

/// The copy of one shard, due until `records` are there.
template <class K, class V>
struct ShardCopy {
  SteadyNanos taken_at = 0;
  std::vector<SnapshotRecord<K, V>> records;
};

/// What happens after the lock: entries and values are destroyed when this goes out of scope, so
/// declare it before the lock.
template <class K, class V>
class Effects {
 public:
  Effects() = default;
  Effects(const Effects&) = delete;
  Effects& operator=(const Effects&) = delete;
  ~Effects() {
    while (removed_ != nullptr) {
      auto* entry = static_cast<Entry<K, V>*>(std::exchange(removed_, removed_->timer_next));
      static_cast<void>(Ref<Entry<K, V>>::adopt(entry));
    }
  }
  /// Takes over the table's reference. Linked through the timer, which the entry has left.
  void bury(Entry<K, V>& entry) noexcept {
    entry.timer_next = removed_;
    removed_ = &entry;
  }
  void keep_until_unlocked(Ref<const Payload<V>> replaced) noexcept {
    replaced_ = std::move(replaced);
  }

 private:
  TimedNode* removed_ = nullptr;
  Ref<const Payload<V>> replaced_;
};

}  // namespace tarmac::internal
