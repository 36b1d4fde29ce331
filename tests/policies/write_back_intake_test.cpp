// Write-back over a cache that sets writes aside until it is asked for them.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/manual_clock.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using testing::FaultyStore;
using testing::ManualClock;

/// Hand-moved, and remembers until when the policy's own threads last wanted to sleep.
class WatchedClock final : public Clock {
 public:
  [[nodiscard]] SteadyNanos steady_now() const noexcept override { return clock_.steady_now(); }
  [[nodiscard]] WallNanos wall_now() const noexcept override { return clock_.wall_now(); }
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyNanos deadline, const std::function<bool()>& ready) override {
    if (std::this_thread::get_id() != test_) {
      const std::lock_guard guard(mutex_);
      last_ = deadline;
      changed_.notify_all();
    }
    return clock_.wait_until(lock, condition, deadline, ready);
  }
  void advance(std::chrono::nanoseconds duration) { clock_.advance(duration); }
  [[nodiscard]] bool await_deadline(SteadyNanos deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return last_ == deadline; });
  }

 private:
  const std::thread::id test_ = std::this_thread::get_id();
  ManualClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  SteadyNanos last_ = 0;
};

/// Keeps what is set aside on one shelf.
class ShelfHost final : public WritePolicyHost {
 public:
  explicit ShelfHost(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {}

  void serve(WritePolicy& policy) {
    intake_ = policy.intake();
    policy.attach(*this);
  }
  /// False if there was no place for it.
  bool set(std::string key) {
    std::optional<SteadyNanos> since;
    {
      const std::lock_guard lock(mutex_);
      if (!intake_->reserve()) return false;
      if (shelf_.empty()) since = since_ = clock_->steady_now();
      shelf_.push_back({.key = std::move(key),
                        .value = "v",
                        .stamp = ++stamp_,
                        .expires_at = std::nullopt,
                        .hash = 0});
    }
    if (since || intake_->wants_call()) intake_->call(since);
    return true;
  }
  void await_shelf_below(std::size_t size) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return shelf_.size() < size; });
  }
  void await_flushed(std::uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return flushed_ >= count; });
  }

  [[nodiscard]] std::string_view cache_name() const noexcept override { return "shelf"; }
  [[nodiscard]] const std::shared_ptr<Clock>& clock() const noexcept override { return clock_; }
  void on_flush_state(const StoreWrite&, EntryState) noexcept override {}
  SteadyNanos hand_over(std::size_t) override {
    const std::lock_guard turn(turn_);
    std::vector<StoreWrite> writes;
    SteadyNanos since = 0;
    {
      const std::lock_guard lock(mutex_);
      writes.swap(shelf_);
      since = since_;
      changed_.notify_all();
    }
    if (!writes.empty()) intake_->take(writes, since);
    return kNever;
  }
  void on_flushed(std::uint64_t writes, std::int64_t) noexcept override {
    const std::lock_guard lock(mutex_);
    flushed_ += writes;
    changed_.notify_all();
  }
  void on_store_error(std::string_view) noexcept override {}
  void on_dead_letter(std::string_view) noexcept override {}

 private:
  const std::shared_ptr<Clock> clock_;
  WriteIntake* intake_ = nullptr;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<StoreWrite> shelf_;
  SteadyNanos since_ = 0;
  std::uint64_t stamp_ = 0;
  std::uint64_t flushed_ = 0;
};

class WriteBackIntakeTest : public ::testing::Test {
 protected:
  void make(WriteBackOptions options) {
    policy_ = write_back(store_, options);
    host_.serve(*policy_);
  }
  [[nodiscard]] bool is_stored(const std::string& key) const {
    return store_->load(key, 0).has_value();
  }
  EntryState set_at_once(std::string key) {
    return policy_->on_write(
        {.key = std::move(key), .value = "v", .stamp = 100, .expires_at = {}, .hash = 0});
  }

  std::shared_ptr<WatchedClock> clock_ = std::make_shared<WatchedClock>();
  std::shared_ptr<FaultyStore> store_ = std::make_shared<FaultyStore>(make_memory_store());
  ShelfHost host_{clock_};
  std::unique_ptr<WritePolicy> policy_;
};

TEST_F(WriteBackIntakeTest, AFlushStoresWhatIsSetAside) {
  make({.loss_window_max = 1h});
  ASSERT_TRUE(host_.set("a"));
  ASSERT_TRUE(host_.set("b"));
  const auto report = policy_->flush(1min);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.flushed, 2U);
  EXPECT_TRUE(is_stored("a"));
  EXPECT_TRUE(is_stored("b"));
  EXPECT_EQ(policy_->stats().dirty_pending, 0U);
}

TEST_F(WriteBackIntakeTest, TheLossWindowBeginsWhenAWriteIsSetAside) {
  make({.loss_window_max = 100ms});
  const auto due = clock_->steady_now() + std::chrono::nanoseconds(100ms).count();
  ASSERT_TRUE(host_.set("a"));
  EXPECT_TRUE(clock_->await_deadline(due));
  clock_->advance(60ms);
  EXPECT_EQ(policy_->stats().oldest_dirty_nanoseconds, std::chrono::nanoseconds(60ms).count());
  ASSERT_TRUE(host_.set("b"));
  EXPECT_EQ(store_->attempts(), 0U);
  clock_->advance(40ms);
  host_.await_flushed(2);
  EXPECT_EQ(store_->attempts(), 1U) << "together";
}

TEST_F(WriteBackIntakeTest, AFullBatchStartsBeforeItsTime) {
  make({.loss_window_max = 1h, .batch_max = 4});
  for (const auto* key : {"a", "b", "c", "d"}) ASSERT_TRUE(host_.set(key));
  host_.await_flushed(4);
  EXPECT_TRUE(is_stored("d"));
}

TEST_F(WriteBackIntakeTest, ThereAreNoMorePlacesThanMayBeDirty) {
  make({.loss_window_max = 1h, .dirty_max = 3, .block_max = 0ns});
  store_->block_writes();
  for (const auto* key : {"a", "b", "c"}) ASSERT_TRUE(host_.set(key));
  EXPECT_FALSE(host_.set("d"));
  EXPECT_THROW(set_at_once("d"), StoreError);
  EXPECT_EQ(policy_->stats().dirty_pending, 3U);
  EXPECT_EQ(set_at_once("a"), EntryState::dirty) << "it has a place";
  store_->release_writes();
  ASSERT_TRUE(policy_->flush(1min).complete());
  EXPECT_TRUE(host_.set("d"));
}

TEST_F(WriteBackIntakeTest, ManyWritesOfOneKeyLeaveRoomForAnother) {
  make({.loss_window_max = 1h, .dirty_max = 3, .block_max = 0ns});
  store_->block_writes();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(host_.set("a"));
  EXPECT_EQ(set_at_once("b"), EntryState::dirty);
  EXPECT_EQ(policy_->stats().dirty_pending, 2U);
  EXPECT_TRUE(host_.set("c"));
  EXPECT_FALSE(host_.set("d"));
  store_->release_writes();
}

TEST_F(WriteBackIntakeTest, AWriterThatWaitsForRoomGetsItFromWhatIsSetAside) {
  make({.loss_window_max = 1h, .dirty_max = 3, .block_max = 1h});
  for (const auto* key : {"a", "b", "c"}) ASSERT_TRUE(host_.set(key));
  EXPECT_EQ(set_at_once("d"), EntryState::dirty);
  EXPECT_TRUE(is_stored("a"));
}

TEST_F(WriteBackIntakeTest, TheDestructorStoresWhatIsSetAside) {
  make({.loss_window_max = 1h});
  ASSERT_TRUE(host_.set("a"));
  policy_.reset();
  EXPECT_TRUE(is_stored("a"));
}

// A thread that went on looking for what it had been told of would never sleep again.
TEST_F(WriteBackIntakeTest, SleepsForGoodWhenSomebodyElseHasFetchedEverything) {
  make({.loss_window_max = 100ms});
  ASSERT_TRUE(host_.set("a"));
  ASSERT_TRUE(policy_->flush(1min).complete());
  clock_->advance(100ms);
  EXPECT_TRUE(clock_->await_deadline(kNever));
}

TEST_F(WriteBackIntakeTest, SomebodyFetchesWhileTheStoreKeepsBothThreads) {
  constexpr std::size_t kBatch = 64;
  make({.loss_window_max = 1h, .batch_max = kBatch});
  store_->block_writes();
  std::size_t number = 0;
  const auto set = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(host_.set(std::to_string(number++)));
  };
  set(kBatch);
  store_->await_blocked(1);
  set(kBatch);
  store_->await_blocked(2);
  for (int i = 0; i < 5; ++i) {
    set(10'000);
    host_.await_shelf_below(6'000);
  }
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(1min).complete());
  EXPECT_EQ(store_->size(), number);
}

}  // namespace
}  // namespace tarmac
