// Two batches at once: what write-back does when more waits than one call of the store takes.
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "write_back_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kBatch = 64;

class WriteBackOverlapTest : public WriteBackTest {
 protected:
  WriteBackOverlapTest() { make({.loss_window_max = 1h, .batch_max = kBatch}); }

  void set_many(std::uint64_t first, std::uint64_t count, const std::string& value = "v") {
    for (auto i = first; i < first + count; ++i) static_cast<void>(set(key_of(i), value));
  }
  /// The first thread has written its batch and waits for work; the second hangs with the next.
  void let_first_thread_sleep() {
    store_->block_writes();
    set_many(0, 2 * kBatch);
    store_->await_blocked(2);
    store_->block_writes_of(key_of(kBatch));
    await_idle();
  }
  static std::string key_of(std::uint64_t number) { return "k" + std::to_string(number); }
  [[nodiscard]] std::vector<StoreWrite> batch(std::size_t place) const {
    return store_->batches().at(place);
  }
};

TEST_F(WriteBackOverlapTest, TakesASecondFullBatchWhileTheStoreHasTheFirst) {
  store_->block_writes();
  set_many(0, 4 * kBatch + 5);
  auto flushed = std::async(std::launch::async, [&] { return policy_->flush(kLong); });
  store_->await_blocked(2);
  std::set<std::string> keys;
  for (std::size_t place : {0U, 1U}) {
    for (const auto& write : batch(place)) keys.insert(write.key);
  }
  EXPECT_EQ(keys.size(), 2 * kBatch) << "no key is in both";
  EXPECT_EQ(store_->attempts(), 2U) << "and there is no third";
  EXPECT_EQ(policy_->stats().dirty_pending, 4 * kBatch + 5);
  store_->release_writes();
  const auto report = flushed.get();
  EXPECT_TRUE(report.complete()) << report.error;
  // Of all, not of the flush: it may have begun when much was written already.
  EXPECT_EQ(policy_->stats().flushed, 4 * kBatch + 5);
  EXPECT_EQ(store_->size(), 4 * kBatch + 5);
  EXPECT_EQ(store_->attempts(), 5U);
}

TEST_F(WriteBackOverlapTest, LeavesABatchThatIsNotFullToOneThread) {
  store_->block_writes();
  set_many(0, kBatch);
  store_->await_blocked(1);
  set_many(kBatch, kBatch - 1);
  auto flushed = std::async(std::launch::async, [&] { return policy_->flush(kLong); });
  EXPECT_EQ(store_->attempts(), 1U);
  store_->release_writes();
  EXPECT_TRUE(flushed.get().complete());
  EXPECT_EQ(batch(1).size(), kBatch - 1);
}

// Trap I4: a newer write of a key that flies waits, whichever thread flies it.
TEST_F(WriteBackOverlapTest, KeepsTheOrderOfEachKey) {
  store_->block_writes();
  set_many(0, 2 * kBatch, "old");
  store_->await_blocked(2);
  set_many(0, 2 * kBatch, "new");
  EXPECT_EQ(policy_->pending(key_of(0))->value, "new");
  EXPECT_EQ(store_->attempts(), 2U);
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  for (std::uint64_t i = 0; i < 2 * kBatch; ++i) EXPECT_EQ(stored(key_of(i)), "new");
  for (std::uint64_t i = 0; i < 2 * kBatch; ++i) EXPECT_EQ(store_->attempts_for(key_of(i)), 2U);
}

// Goal: the loss window holds for a key that was written again while the second thread had it, and
// the first sleeps. Method: the window is over when the second ends; then no clock wakes the first.
TEST_F(WriteBackOverlapTest, WakesTheFirstThreadForWhatWaitedForTheSecond) {
  let_first_thread_sleep();
  static_cast<void>(set(key_of(kBatch), "new"));
  clock_->advance(1h);
  EXPECT_EQ(store_->attempts(), 2U);
  store_->release_writes();
  store_->await_attempts(3);
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored(key_of(kBatch)), "new");
  EXPECT_EQ(store_->attempts(), 3U) << "the flush had nothing to do";
}

// The same for what the second could not store and what is due at once: it is tried in parts.
TEST_F(WriteBackOverlapTest, WakesTheFirstThreadForWhatTheSecondCouldNotStore) {
  store_->refuse_keys([](std::string_view key) { return key == key_of(kBatch); }, false);
  let_first_thread_sleep();
  store_->release_writes();
  store_->await_attempts(2 + kBatch / 4);
  store_->refuse_keys({});
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(store_->size(), 2 * kBatch);
}

TEST_F(WriteBackOverlapTest, FlushesWhatOneOfTheTwoCouldNotStore) {
  for (const bool permanent : {false, true}) {
    const auto bad = [](std::string_view key) { return key == "k3" || key == "k100"; };
    permanent ? store_->refuse_keys(bad) : store_->fail_keys(bad);
    store_->block_writes();
    set_many(0, 3 * kBatch, permanent ? "b" : "a");
    store_->await_blocked(2);
    store_->release_writes();
    const auto report = policy_->flush(kLong);
    EXPECT_EQ(report.still_dirty, 2U);
    EXPECT_THAT(report.error, HasSubstr("told to"));
    store_->fail_keys({});
    store_->refuse_keys({});
    EXPECT_TRUE(policy_->flush(kLong).complete());
    EXPECT_EQ(stored("k3"), permanent ? "b" : "a");
    EXPECT_EQ(stored("k100"), permanent ? "b" : "a");
  }
}

// Goal: what is stored is told to be clean last of all, though one thread may have failed with it
// and the other succeeded. Method: batches of both threads fail, and are tried again at once.
TEST_F(WriteBackOverlapTest, TellsTheStatesOfAVersionInTheirOrder) {
  for (int round = 0; round < 20; ++round) {
    store_->fail_next_writes(3);
    set_many(0, 6 * kBatch, std::to_string(round));
    while (!policy_->flush(kLong).complete()) clock_->advance(10s);
    for (std::uint64_t i = 0; i < 6 * kBatch; ++i) {
      const auto stamp = static_cast<std::uint64_t>(round) * 6 * kBatch + i + 1;
      EXPECT_EQ(host_.states(key_of(i), stamp).back(), EntryState::clean) << round;
    }
  }
  EXPECT_EQ(policy_->stats().dirty_pending, 0U);
}

TEST_F(WriteBackOverlapTest, LeavesBothThreadsToAStoreThatHangs) {
  store_->block_writes();
  set_many(0, 3 * kBatch);
  store_->await_blocked(2);
  std::thread destroyer([&] { policy_.reset(); });
  clock_->await_waiters(1);
  clock_->advance(5s);
  destroyer.join();
  const auto errors = host_.errors();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.back(), HasSubstr("closed with 192 writes not stored"));
  store_->release_writes();
}

TEST_F(WriteBackOverlapTest, TakesAnImageBackWhenBothHaveLanded) {
  set_many(0, 1, "kept");
  ASSERT_TRUE(policy_->flush(kLong).complete());
  const auto image = policy_->image();
  store_->block_writes();
  set_many(0, 3 * kBatch, "gone");
  store_->await_blocked(2);
  auto back = std::async(std::launch::async, [&] { policy_->put_back(*image); });
  clock_->await_waiters(1);
  store_->release_writes();
  back.get();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(store_->size(), 1U);
  EXPECT_EQ(stored(key_of(0)), "kept");
}

// The other thread would wait for the slot, and the slot for the other thread's batch.
TEST_F(WriteBackOverlapTest, RefusesAnImageInASlotWhileTheOtherHasABatch) {
  const auto image = policy_->image();
  std::string told;
  bool first = true;
  host_.set_slot([&] {
    if (!std::exchange(first, false)) return;
    try {
      policy_->put_back(*image);
    } catch (const StoreError& error) {
      told = error.what();
    }
  });
  let_first_thread_sleep();
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  policy_.reset();
  EXPECT_THAT(told, HasSubstr("cannot wait for the batch under way"));
  EXPECT_EQ(store_->size(), 2 * kBatch);
}

// Goal: for the thread sanitizer, and that nothing is lost. Method: writers, flushes and a store
// that fails now and then, with batches enough for both threads.
TEST_F(WriteBackOverlapTest, LosesNothingUnderManyWriters) {
  constexpr std::uint64_t kKeys = 2'000;
  constexpr int kWriters = 3;
  std::atomic<std::uint64_t> stamp{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (auto i = static_cast<std::uint64_t>(writer); i < kKeys; i += kWriters) {
        for (int twice = 0; twice < 2; ++twice) {
          static_cast<void>(policy_->on_write({.key = key_of(i),
                                               .value = std::to_string(twice),
                                               .stamp = ++stamp,
                                               .expires_at = std::nullopt,
                                               .hash = 0}));
        }
        if (i % 200 == 0) store_->fail_next_writes(1);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  while (!policy_->flush(kLong).complete()) clock_->advance(10s);
  EXPECT_EQ(store_->size(), kKeys);
  for (std::uint64_t i = 0; i < kKeys; ++i) EXPECT_EQ(stored(key_of(i)), "1");
  policy_.reset();
}

}  // namespace
}  // namespace tarmac
