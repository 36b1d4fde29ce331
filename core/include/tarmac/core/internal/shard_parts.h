// What a shard is given, and what it hands out: copies for snapshots, and what is to be done after
// its lock.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/event_bus.h>
#include <tarmac/core/internal/budget.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/limbo.h>
#include <tarmac/core/internal/load_memos.h>
#include <tarmac/core/stats.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <string_view>
#include <vector>

namespace tarmac::internal {

/// What all shards of a cache share.
struct ShardServices {
  std::string_view cache_name;
  Clock& clock;
  EventBus& events;
  StripedCounters& counters;
  Budget& budget;
  /// Of expire_after_access; 0 without.
  std::int64_t idle_nanoseconds;
};

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

/// Says for as long as it lives that a shard's lock is held for long.
class BusyMark {
 public:
  explicit BusyMark(std::atomic<bool>& busy) noexcept : busy_(busy) { set(true); }
  ~BusyMark() { set(false); }
  BusyMark(const BusyMark&) = delete;
  BusyMark& operator=(const BusyMark&) = delete;

 private:
  void set(bool value) noexcept { busy_.store(value, std::memory_order_relaxed); }

  std::atomic<bool>& busy_;
};

/// What happens after the lock, so declare it before the lock: entries and values are destroyed
/// when this goes out of scope.
template <class K, class V>
struct Effects {
  Effects() = default;
  Effects(const Effects&) = delete;
  Effects& operator=(const Effects&) = delete;
  ~Effects() {
    if (advance) Epoch::try_advance();
  }

  Remains<K, V> remains;
  std::list<LoadMemo<K, V>> forgotten;
  /// Much waits for readers: the epoch should move on.
  bool advance = false;
};

}  // namespace tarmac::internal
