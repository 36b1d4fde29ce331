// The memento: a cache's content at one point in time, opaque to whoever keeps it.
#pragma once

#include <tarmac/core/clock.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tarmac {

namespace internal {

/// The part of a snapshot that does not depend on the types of key and value.
struct SnapshotBase {
  SnapshotBase() = default;
  SnapshotBase(const SnapshotBase&) = delete;
  SnapshotBase& operator=(const SnapshotBase&) = delete;
  virtual ~SnapshotBase() = default;

  std::string cache_name;
  std::string strategy;
  std::string write_policy;
  std::string store;
  std::size_t size = 0;
  WallNanos taken_at = 0;
};

}  // namespace internal

/// Made by CacheManager::take_snapshot(), used by restore_snapshot(). Semantically a deep copy:
/// what happens to the cache later does not show in it. Values, which never change, are shared with
/// it.
///
/// - Thread-safety: as for a std::shared_ptr to something constant. Copies are cheap.
/// - Ownership: keeps its values in memory; may outlive the cache.
class Snapshot {
 public:
  /// An empty snapshot, which cannot be restored.
  Snapshot() = default;

  [[nodiscard]] std::size_t size() const noexcept { return data_ ? data_->size : 0; }
  [[nodiscard]] WallNanos taken_at() const noexcept { return data_ ? data_->taken_at : 0; }
  [[nodiscard]] std::string cache_name() const { return data_ ? data_->cache_name : ""; }
  /// The parts at work when it was taken; `store` is empty without one.
  [[nodiscard]] std::string strategy() const { return data_ ? data_->strategy : ""; }
  [[nodiscard]] std::string write_policy() const { return data_ ? data_->write_policy : ""; }
  [[nodiscard]] std::string store() const { return data_ ? data_->store : ""; }

 private:
  template <class K, class V, class HashFunction, class Equal>
  friend class CacheManager;

  explicit Snapshot(std::shared_ptr<const internal::SnapshotBase> data) : data_(std::move(data)) {}

  std::shared_ptr<const internal::SnapshotBase> data_;
};

}  // namespace tarmac
