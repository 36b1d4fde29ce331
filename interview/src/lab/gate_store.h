// Stores for experiments: one that holds writes back, and one that takes its time.
#pragma once

#include "lab/stopwatch.h"

#include <tarmac/core/backing_store.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace tarmac::interview {

/// Passes everything on to a store in memory. With the gate closed, write() waits before it does.
class GateStore final : public BackingStore {
 public:
  explicit GateStore(std::shared_ptr<BackingStore> inner) : inner_(std::move(inner)) {}

  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// Writes that wait at the gate.
  [[nodiscard]] int waiting() const { return waiting_; }

  [[nodiscard]] std::string_view name() const noexcept override { return "gate"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos now) override {
    return inner_->load(key, now);
  }
  void write(std::span<const StoreWrite> batch) override {
    {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.wait(lock, [this] { return open_; });
      --waiting_;
    }
    inner_->write(batch);
  }
  void scan(const std::function<void(std::string_view, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }

 private:
  const std::shared_ptr<BackingStore> inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::atomic<int> waiting_{0};
};

/// Every call of write() costs as much as a round trip does, and is counted.
class SlowStore final : public BackingStore {
 public:
  SlowStore(std::shared_ptr<BackingStore> inner, std::int64_t nanoseconds)
      : inner_(std::move(inner)), nanoseconds_(nanoseconds) {}

  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t writes() const { return writes_; }

  [[nodiscard]] std::string_view name() const noexcept override { return "slow"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos now) override {
    return inner_->load(key, now);
  }
  void write(std::span<const StoreWrite> batch) override {
    ++calls_;
    writes_ += batch.size();
    take_time(nanoseconds_);
    inner_->write(batch);
  }
  void scan(const std::function<void(std::string_view, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }

 private:
  const std::shared_ptr<BackingStore> inner_;
  const std::int64_t nanoseconds_;
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> writes_{0};
};

}  // namespace tarmac::interview
