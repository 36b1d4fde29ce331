// The queue of write-back when memory runs out: nothing is lost, and what is in flight needs none.
#include <gmock/gmock.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "failing_memory.h"
#include "write_back_queue.h"

namespace tarmac::internal {
namespace {

using ::testing::ElementsAre;

class WriteBackQueueMemoryTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kKeys = 20;
  static constexpr std::int64_t kAll = 1'000'000;

  /// A name longer than what fits into a string itself.
  static std::string name_of(std::size_t key) { return std::string(30, 'k') + std::to_string(key); }
  void put_all() {
    for (std::size_t key = 0; key < kKeys; ++key) put(key);
  }
  void put(std::size_t key) {
    queue_->put({.key = name_of(key), .value = "v", .stamp = ++stamp_, .expires_at = {}}, 0);
  }
  /// Each key once, whatever was in flight before.
  void expect_all_can_be_taken() {
    std::size_t taken = 0;
    while (!queue_->take_due(batch_, kAll, true).empty()) {
      taken += batch_.writes().size();
      queue_->settle_done(batch_);
    }
    EXPECT_EQ(taken, kKeys);
    EXPECT_EQ(queue_->size(), 0U);
  }

  std::unique_ptr<WriteBackQueue> queue_ = std::make_unique<WriteBackQueue>(
      WriteBackQueue::Settings{.loss_window = 100, .batch_max = 256, .retry_max = 1, .seed = 7});
  WriteBackQueue::Batch batch_;
  std::uint64_t stamp_ = 0;
};

TEST_F(WriteBackQueueMemoryTest, TakesEverythingOrNothing) {
  std::size_t failures = 0;
  for (const bool are_retries : {false, true}) {
    for (std::uint64_t request = 1; request < 200; ++request) {
      put_all();
      if (are_retries) {
        static_cast<void>(queue_->take_due(batch_, kAll, true));
        queue_->settle_failed(batch_, {.now = 0});
      }
      WriteBackQueue::Batch batch;
      FailingMemory::restart(request);
      try {
        const FailingMemory failing;
        static_cast<void>(queue_->take_due(batch, kAll, true));
        queue_->settle_failed(batch, {.now = 0});
      } catch (const std::bad_alloc&) {
        ++failures;
        ASSERT_FALSE(queue_->in_flight());
        ASSERT_EQ(queue_->size(), kKeys);
      }
      expect_all_can_be_taken();
      queue_ = std::make_unique<WriteBackQueue>(
          WriteBackQueue::Settings{.loss_window = 100, .batch_max = 256, .retry_max = 1});
    }
  }
  EXPECT_GT(failures, 10U) << "it has to fail somewhere";
}

TEST_F(WriteBackQueueMemoryTest, WhatIsInFlightNeedsNoneToBeSettled) {
  for (const bool is_stored : {true, false}) {
    put_all();
    static_cast<void>(queue_->take_due(batch_, kAll, true));
    for (std::size_t key = 0; key < kKeys; ++key) put(key);  // While the older ones fly.
    FailingMemory::restart(1);
    {
      const FailingMemory failing;
      is_stored ? queue_->settle_done(batch_) : queue_->settle_failed(batch_, {.now = 0});
    }
    EXPECT_FALSE(FailingMemory::has_failed());
    expect_all_can_be_taken();
  }
}

// Goal: the same for two batches at once, after some that have used up what was made ready.
TEST_F(WriteBackQueueMemoryTest, EachOfTwoBatchesHasWhatItNeeds) {
  WriteBackQueue::Batch other;
  for (int round = 0; round < 5; ++round) {
    put_all();
    static_cast<void>(queue_->take_fresh(batch_));
    queue_->put({.key = "other", .value = "v", .stamp = ++stamp_, .expires_at = {}}, 0);
    static_cast<void>(queue_->take_fresh(other));
    ASSERT_FALSE(other.empty());
    put(0);
    FailingMemory::restart(1);
    {
      const FailingMemory failing;
      queue_->settle_failed(batch_, {.now = 0});
      queue_->settle_failed(other, {.now = 0});
    }
    ASSERT_FALSE(FailingMemory::has_failed());
    while (!queue_->take_due(batch_, kAll, true).empty()) queue_->settle_done(batch_);
    ASSERT_EQ(queue_->size(), 0U);
  }
}

TEST_F(WriteBackQueueMemoryTest, SetsApartWhatIsNamedOrNothing) {
  std::size_t failures = 0;
  for (std::uint64_t request = 1; request < 20; ++request) {
    put_all();
    static_cast<void>(queue_->take_fresh(batch_));
    const std::vector<std::string> named{name_of(3), name_of(1)};
    FailingMemory::restart(request);
    std::size_t apart = 0;
    try {
      const FailingMemory failing;
      apart = queue_->set_apart(batch_, named).size();
      ASSERT_EQ(apart, 2U);
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    ASSERT_EQ(batch_.writes().size(), kKeys);
    ASSERT_EQ(queue_->pending(name_of(1))->key, name_of(1));
    queue_->settle_last_failed(batch_, apart, {.now = 0});
    queue_->settle_failed(batch_, {.now = 0});
    expect_all_can_be_taken();
  }
  EXPECT_GT(failures, 3U) << "it has to fail somewhere";
}

// Or a restore would leave a part of what is owed, and no way to tell which.
TEST_F(WriteBackQueueMemoryTest, KeepsWhatItHasIfOthersCannotBePutInItsPlace) {
  std::uint64_t request = 1;
  for (bool has_failed = true; has_failed; ++request) {
    put_all();
    std::vector<StoreWrite> others(2);
    others[0].key = "x";
    others[1].key = "y";
    FailingMemory::restart(request);
    try {
      const FailingMemory failing;
      queue_->adopt(*queue_->with(std::move(others), 0));
    } catch (const std::bad_alloc&) {
      ASSERT_EQ(queue_->size(), kKeys);
    }
    has_failed = FailingMemory::has_failed();
    if (has_failed) expect_all_can_be_taken();
  }
  EXPECT_GT(request, 3U) << "it has to fail somewhere";
  EXPECT_EQ(queue_->size(), 2U);
  static_cast<void>(queue_->take_fresh(batch_));
  std::vector<std::string> keys;
  for (const auto& write : batch_.writes()) keys.push_back(write.key);
  EXPECT_THAT(keys, ElementsAre("x", "y"));
}

}  // namespace
}  // namespace tarmac::internal
