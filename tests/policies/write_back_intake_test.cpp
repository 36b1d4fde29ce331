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
#include <new>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "failing_memory.h"

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
      seen_.insert(deadline);
      changed_.notify_all();
    }
    return clock_.wait_until(lock, condition, deadline, ready);
  }
  void advance(std::chrono::nanoseconds duration) { clock_.advance(duration); }
  [[nodiscard]] bool await_deadline(SteadyNanos deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return last_ == deadline; });
  }
  /// The same, though another thread may want another one by now.
  [[nodiscard]] bool await_seen(SteadyNanos deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return seen_.contains(deadline); });
  }
  [[nodiscard]] bool await_deadline_between(SteadyNanos first, SteadyNanos last) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return first <= last_ && last_ <= last; });
  }

 private:
  const std::thread::id test_ = std::this_thread::get_id();
  ManualClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  SteadyNanos last_ = 0;
  std::set<SteadyNanos> seen_;
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
  /// Puts one there of which nobody has been told yet; the next hand_over() leaves it.
  void leave(std::string key) {
    const std::lock_guard lock(mutex_);
    ASSERT_TRUE(shelf_.empty() && intake_->reserve());
    since_ = clock_->steady_now();
    shelf_.push_back(
        {.key = std::move(key), .value = "v", .stamp = ++stamp_, .expires_at = {}, .hash = 0});
    leaves_ = true;
  }
  /// Lets memory run out in the next hand_over().
  void fail_once() {
    const std::lock_guard lock(mutex_);
    fails_ = true;
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
      if (std::exchange(leaves_, false)) return since_;
      if (std::exchange(fails_, false)) throw std::bad_alloc();
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
  bool leaves_ = false;
  bool fails_ = false;
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

TEST_F(WriteBackIntakeTest, AWriterThatWaitsGetsThePlaceOfAWriteThatFailed) {
  make({.loss_window_max = 1h, .dirty_max = 1, .block_max = 2h});
  auto& intake = *policy_->intake();
  ASSERT_TRUE(intake.reserve());
  std::jthread writer([&] { EXPECT_EQ(set_at_once("b"), EntryState::dirty); });
  ASSERT_TRUE(clock_->await_seen(clock_->steady_now() + std::chrono::nanoseconds(2h).count()));
  intake.give_back(1);
  intake.call(std::nullopt);
  writer.join();
  host_.await_flushed(1);
  EXPECT_TRUE(is_stored("b"));
}

// Goal: a writer is refused only if joining what is set aside makes no room. Method: while it
// waits and the store is down, places are freed and taken again by writes of one key; then its time
// is up.
TEST_F(WriteBackIntakeTest, AWriterWhoseTimeIsUpGetsTheRoomThatJoiningMakes) {
  make({.loss_window_max = 3h, .dirty_max = 3, .block_max = 1h});
  store_->block_writes();
  auto& intake = *policy_->intake();
  ASSERT_TRUE(host_.set("a"));
  ASSERT_TRUE(intake.reserve());
  ASSERT_TRUE(intake.reserve());
  std::jthread writer([&] { EXPECT_EQ(set_at_once("b"), EntryState::dirty); });
  ASSERT_TRUE(clock_->await_seen(clock_->steady_now() + std::chrono::nanoseconds(1h).count()));
  intake.give_back(2);
  // In vain if the writer, woken by something else, has been quicker.
  static_cast<void>(host_.set("a"));
  static_cast<void>(host_.set("a"));
  clock_->advance(1h);
  writer.join();
  store_->release_writes();
}

// Or everything would be written at once from then on, because somebody seems to wait for room.
TEST_F(WriteBackIntakeTest, AWriterWithoutMemoryToWaitIsNotWaitedFor) {
  make({.loss_window_max = 1h, .batch_max = 2, .dirty_max = 2, .block_max = 0ns});
  store_->block_writes();
  for (const auto* key : {"a", "b"}) ASSERT_TRUE(host_.set(key));
  store_->await_blocked();
  std::uint64_t failures = 0;
  for (bool has_failed = true; has_failed;) {
    FailingMemory::restart(failures + 1);
    try {
      const FailingMemory failing;
      static_cast<void>(set_at_once("a third one"));
      FAIL() << "there was room";
    } catch (const StoreError&) {
    } catch (const std::bad_alloc&) {
    }
    has_failed = FailingMemory::has_failed();
    if (has_failed) ++failures;
  }
  EXPECT_GT(failures, 1U);
  store_->release_writes();
  ASSERT_TRUE(policy_->flush(1min).complete());
  EXPECT_EQ(set_at_once("c"), EntryState::dirty);
  EXPECT_TRUE(clock_->await_deadline(clock_->steady_now() + std::chrono::nanoseconds(1h).count()));
  EXPECT_FALSE(is_stored("c"));
}

// Goal: at whichever request memory runs out, a place is given back once.
TEST_F(WriteBackIntakeTest, WhatIsGivenAgainHasItsPlaceOnce) {
  constexpr std::size_t kWrites = 100;
  std::uint64_t request = 1;
  for (bool has_failed = true; has_failed; ++request) {
    make({.loss_window_max = 1h});
    auto& intake = *policy_->intake();
    for (std::size_t i = 0; i < kWrites; ++i) ASSERT_TRUE(intake.reserve());
    FailingMemory::restart(request);
    for (bool is_taken = false; !is_taken;) {
      std::vector<StoreWrite> writes(kWrites);
      for (std::size_t i = 0; i < kWrites; ++i) {
        writes[i] = {.key = std::to_string(i), .value = "v", .stamp = i + 1, .expires_at = {}};
      }
      try {
        const FailingMemory failing;
        intake.take(writes, clock_->steady_now());
        is_taken = true;
      } catch (const std::bad_alloc&) {
        ASSERT_TRUE(FailingMemory::has_failed());
      }
    }
    has_failed = FailingMemory::has_failed();
    ASSERT_EQ(policy_->stats().dirty_pending, kWrites) << "request " << request;
    const auto report = policy_->flush(1min);
    ASSERT_EQ(report.flushed, kWrites) << report.error;
    ASSERT_EQ(policy_->stats().dirty_pending, 0U);
  }
  EXPECT_GT(request, 10U) << "it has to fail somewhere";
}

TEST_F(WriteBackIntakeTest, AWriteStandsThoughNoThreadCanBeStartedForIt) {
  make({.loss_window_max = 100ms});
  auto& intake = *policy_->intake();
  ASSERT_TRUE(intake.reserve());
  FailingMemory::restart(1);
  {
    const FailingMemory failing;
    intake.call(clock_->steady_now());
  }
  EXPECT_TRUE(FailingMemory::has_failed());
  EXPECT_TRUE(intake.wants_call()) << "to try again";
  const auto due = clock_->steady_now() + std::chrono::nanoseconds(100ms).count();
  intake.call(std::nullopt);
  EXPECT_TRUE(clock_->await_deadline(due));
}

TEST_F(WriteBackIntakeTest, FetchesAgainAfterAPauseWhenMemoryHasRunOut) {
  make({.loss_window_max = 1h, .batch_max = 4, .retry_initial = 1s});
  const auto now = clock_->steady_now();
  const auto second = std::chrono::nanoseconds(1s).count();
  host_.fail_once();
  for (const auto* key : {"a", "b", "c", "d"}) ASSERT_TRUE(host_.set(key));
  ASSERT_TRUE(clock_->await_deadline_between(now + second / 2, now + second));
  EXPECT_EQ(policy_->stats().dirty_pending, 4U);
  EXPECT_EQ(store_->attempts(), 0U);
  clock_->advance(1s);
  host_.await_flushed(4);
  EXPECT_TRUE(is_stored("d"));
  // As if nothing had been.
  ASSERT_TRUE(host_.set("e"));
  EXPECT_TRUE(clock_->await_deadline(now + second + 3'600 * second));
}

TEST_F(WriteBackIntakeTest, TheDestructorStoresThoughMemoryRunsOutOnce) {
  make({.loss_window_max = 1h});
  ASSERT_TRUE(host_.set("a"));
  host_.fail_once();
  policy_.reset();
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

// A flush, which is not the thread that sleeps, learns of it, and nobody else does.
TEST_F(WriteBackIntakeTest, WhatAFetchLeavesIsStoredInItsTime) {
  make({.loss_window_max = 100ms});
  ASSERT_TRUE(host_.set("a"));
  ASSERT_TRUE(policy_->flush(1min).complete());
  ASSERT_TRUE(clock_->await_deadline(kNever));
  host_.leave("b");
  static_cast<void>(policy_->flush(1min));
  const auto due = clock_->steady_now() + std::chrono::nanoseconds(100ms).count();
  ASSERT_TRUE(clock_->await_deadline(due));
  clock_->advance(100ms);
  host_.await_flushed(2);
  EXPECT_TRUE(is_stored("b"));
}

// What is queued fills a batch, but is not worth a second thread without what is set aside.
TEST_F(WriteBackIntakeTest, TheSecondThreadFetchesWhatMakesItsBatchWorthwhile) {
  constexpr std::size_t kBatch = 16;
  make({.loss_window_max = 1h, .batch_max = kBatch});
  store_->block_writes();
  for (std::size_t i = 0; i < kBatch; ++i) ASSERT_TRUE(host_.set("first" + std::to_string(i)));
  store_->await_blocked(1);
  for (std::size_t i = 0; i < kBatch; ++i) set_at_once("queued" + std::to_string(i));
  for (std::size_t i = 0; i < 64; ++i) ASSERT_TRUE(host_.set("aside" + std::to_string(i)));
  store_->await_blocked(2);
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(1min).complete());
  EXPECT_EQ(store_->size(), 2 * kBatch + 64);
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
