// A store that fails, hangs and counts as a test tells it to.
#pragma once

#include <tarmac/core/backing_store.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::testing {

/// Stands before another store. A write that fails does not reach it.
///
/// - Thread-safety: every member may be called from any thread.
/// - Exceptions: StoreError where a test asked for it, and what the inner store throws.
class FaultyStore final : public BackingStore {
 public:
  /// Shares `inner`, so that a test can look behind the faults.
  explicit FaultyStore(std::shared_ptr<BackingStore> inner) : inner_(std::move(inner)) {}

  // Faults.

  /// The next `count` calls of write() fail, whatever they write.
  void fail_next_writes(std::uint64_t count);
  /// From now on a batch fails if `fails` holds for one of its keys; an empty function mends it.
  void fail_keys(std::function<bool(std::string_view key)> fails);
  /// The same with PermanentStoreError: poison. It names those keys, or none of them.
  void refuse_keys(std::function<bool(std::string_view key)> refuses, bool names_them = true);
  /// From now on load() and load_many() fail, or work again.
  void fail_loads(bool fails);
  /// From now on put_back() fails, or works again.
  void fail_put_back(bool fails);
  /// From now on write() hangs until release_writes(); then it goes on as the other faults say.
  void block_writes();
  /// The same for those of `key`; the others go on.
  void block_writes_of(std::string key);
  void release_writes();

  // What has happened.

  /// Waits until `count` calls of write() hang.
  void await_blocked(std::size_t count = 1);
  /// Waits until write() has been called `count` times.
  void await_attempts(std::uint64_t count);
  /// Calls of write() so far, failed ones included.
  [[nodiscard]] std::uint64_t attempts() const;
  /// What each of them was to write, oldest call first.
  [[nodiscard]] std::vector<std::vector<StoreWrite>> batches() const;
  /// Calls of load() so far, failed ones included.
  [[nodiscard]] std::uint64_t loads() const;
  /// How many calls wanted to write `key`.
  [[nodiscard]] std::uint64_t attempts_for(std::string_view key) const;
  [[nodiscard]] BackingStore& inner() noexcept { return *inner_; }

  // BackingStore.

  [[nodiscard]] std::string_view name() const noexcept override { return "faulty"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override;
  void write(std::span<const StoreWrite> batch) override;
  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }
  [[nodiscard]] std::shared_ptr<const StoreImage> image() override { return inner_->image(); }
  void put_back(const StoreImage& image) override;

 private:
  /// Requires: mutex_ is held. Throws what a test asked for.
  void fail_if_told(std::span<const StoreWrite> batch);

  const std::shared_ptr<BackingStore> inner_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::uint64_t failures_left_ = 0;
  std::function<bool(std::string_view)> fails_;
  std::function<bool(std::string_view)> refuses_;
  bool names_refused_ = true;
  bool loads_fail_ = false;
  std::uint64_t loads_ = 0;
  bool put_back_fails_ = false;
  bool blocking_ = false;
  /// If not empty, only what writes this one hangs.
  std::string blocked_key_;
  std::size_t blocked_ = 0;
  std::vector<std::vector<StoreWrite>> batches_;
};

}  // namespace tarmac::testing
