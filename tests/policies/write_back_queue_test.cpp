// The queue of write-back by itself: order, coalescing, splitting, pauses.
#include "write_back_queue.h"

#include <gmock/gmock.h>

#include <new>
#include <string>
#include <vector>

#include "failing_memory.h"

namespace tarmac::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kWindow = 100;

StoreWrite value_of(std::string key, std::uint64_t stamp) {
  return {.key = std::move(key),
          .value = std::to_string(stamp),
          .stamp = stamp,
          .expires_at = std::nullopt,
          .hash = 0};
}

class WriteBackQueueTest : public ::testing::Test {
 protected:
  void put(const std::string& key, SteadyNanos now = 0) {
    queue_.put(value_of(key, ++stamp_), now);
  }
  static std::vector<std::string> keys(std::span<const StoreWrite> batch) {
    std::vector<std::string> result;
    for (const auto& write : batch) result.push_back(write.key);
    return result;
  }
  /// Of the batch in flight the store has named some as bad. Which of them were in it.
  std::vector<std::string> part(const std::vector<std::string>& named, const char* reason,
                                WriteBackQueue::Failure failure) {
    const auto apart = queue_.set_apart(batch_, named);
    auto result = keys(apart);
    failure.each_alone = true;
    if (reason != nullptr) failure.condemned = std::make_shared<const std::string>(reason);
    queue_.settle_last_failed(batch_, apart.size(), failure);
    return result;
  }

  WriteBackQueue queue_{{.loss_window = kWindow,
                         .batch_max = 256,
                         .retry_initial = 1'000,
                         .retry_max = 10'000,
                         .seed = 7}};
  WriteBackQueue::Batch batch_;
  std::uint64_t stamp_ = 0;
};

TEST_F(WriteBackQueueTest, HandsOutNothingBeforeItsTime) {
  EXPECT_EQ(queue_.next_due(), kNever);
  put("a", 50);
  EXPECT_EQ(queue_.next_due(), 50 + kWindow);
  EXPECT_THAT(queue_.take_due(batch_, 50 + kWindow - 1, false), IsEmpty());
  EXPECT_THAT(keys(queue_.take_due(batch_, 50 + kWindow, false)), ElementsAre("a"));
}

TEST_F(WriteBackQueueTest, KeepsThePlaceOfAKeyThatIsWrittenAgain) {
  put("a", 0);
  put("b", 1);
  put("a", 99);
  EXPECT_EQ(queue_.next_due(), kWindow);
  const auto batch = queue_.take_due(batch_, kWindow, false);
  EXPECT_THAT(keys(batch), ElementsAre("a", "b"));
  EXPECT_EQ(batch.front().stamp, 3U);
}

// What several threads hand over comes in blocks, and not in the order in which they were begun.
TEST_F(WriteBackQueueTest, KeepsTheTimeOfAWriteThatComesAfterYoungerOnes) {
  put("young", 50);
  put("old", 10);
  EXPECT_EQ(queue_.oldest_since(), 10);
  EXPECT_EQ(queue_.next_due(), 10 + kWindow);
  EXPECT_THAT(queue_.take_due(batch_, 10 + kWindow - 1, false), IsEmpty());
  EXPECT_THAT(keys(queue_.take_due(batch_, 10 + kWindow, false)), ElementsAre("young", "old"));
  queue_.settle_done(batch_);
  put("next", 60);
  EXPECT_EQ(queue_.next_due(), 60 + kWindow) << "in its turn again";
}

TEST_F(WriteBackQueueTest, KeepsTheTimeOfAnOldWriteBehindAFullBatch) {
  for (int i = 0; i < 300; ++i) put(std::to_string(i), 50);
  put("old", 10);
  ASSERT_EQ(queue_.take_due(batch_, 10 + kWindow, false).size(), 256U);
  EXPECT_EQ(queue_.next_due(), 10 + kWindow);
  queue_.settle_done(batch_);
  EXPECT_THAT(keys(queue_.take_due(batch_, 10 + kWindow, false)), ::testing::Contains("old"));
}

// While writers keep the queue filled there is always one that came late. It must not go on
// standing for the oldest when it has been taken.
TEST_F(WriteBackQueueTest, KnowsTheOldestThoughSomeAlwaysComeLate) {
  for (SteadyNanos now = 100; now < 20'000; now += 100) {
    put("in time " + std::to_string(now), now);
    put("late " + std::to_string(now), now - 50);
    if (now < 3'000) continue;
    static_cast<void>(queue_.take_for_round(batch_, 1, queue_.last_ticket() - 40));
    queue_.settle_done(batch_);
    ASSERT_EQ(queue_.fresh(), 40U);
    ASSERT_EQ(queue_.oldest_since(), now - 19 * 100 - 50);
    ASSERT_EQ(queue_.next_due(), now - 19 * 100 - 50 + kWindow);
  }
}

// One that waited for the older write of its key comes back before what is older than it is.
TEST_F(WriteBackQueueTest, KnowsTheOldestBehindOneThatHasComeBack) {
  put("a", 0);
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  put("a", 90);
  put("b", 40);
  queue_.settle_done(batch_);
  EXPECT_EQ(queue_.oldest_since(), 40);
  EXPECT_EQ(queue_.next_due(), 40 + kWindow);
}

TEST_F(WriteBackQueueTest, TakesManyAsItTakesOne) {
  std::vector<StoreWrite> writes;
  for (std::uint64_t i = 1; i <= 100; ++i) writes.push_back(value_of(std::to_string(i % 40), i));
  queue_.put_all(writes, 5);
  EXPECT_EQ(queue_.size(), 40U);
  EXPECT_EQ(queue_.pending("0")->stamp, 80U);
  EXPECT_EQ(queue_.pending("20")->stamp, 100U);
  EXPECT_EQ(queue_.next_due(), 5 + kWindow);
}

// Goal: at whichever request memory runs out, what is given again is queued once, and can be taken.
TEST_F(WriteBackQueueTest, LosesNothingWhenMemoryRunsOut) {
  constexpr std::uint64_t kKeys = 200;
  std::uint64_t request = 1;
  for (bool has_failed = true; has_failed; ++request) {
    WriteBackQueue queue{{.loss_window = kWindow, .batch_max = 256}};
    FailingMemory::restart(request);
    for (std::uint64_t stamp = 1; stamp <= kKeys; ++stamp) {
      const auto key = std::to_string(stamp);
      const auto put_one = [&] {
        auto write = value_of(key, stamp);
        const FailingMemory failing;
        queue.put(std::move(write), 0);
      };
      try {
        put_one();
      } catch (const std::bad_alloc&) {
        ASSERT_FALSE(queue.contains(key));
        put_one();
      }
    }
    has_failed = FailingMemory::has_failed();
    ASSERT_EQ(queue.size(), kKeys);
    ASSERT_EQ(queue.fresh(), kKeys);
    WriteBackQueue::Batch batch;
    ASSERT_EQ(queue.take_due(batch, kWindow, false).size(), kKeys) << "request " << request;
    queue.settle_done(batch);
  }
  EXPECT_GT(request, 10U) << "it has to fail somewhere";
}

TEST_F(WriteBackQueueTest, IgnoresAWriteOlderThanTheOneThatWaitsOrFlies) {
  queue_.put(value_of("a", 5), 0);
  queue_.put(value_of("a", 4), 0);
  EXPECT_EQ(queue_.pending("a")->stamp, 5U);
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  queue_.put(value_of("a", 4), 0);
  EXPECT_EQ(queue_.pending("a")->stamp, 5U);
  queue_.settle_done(batch_);
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(WriteBackQueueTest, KeepsTheNewerWriteWhicheverWayTheOlderOneEnds) {
  for (const bool fails : {false, true}) {
    put("a", 0);
    static_cast<void>(queue_.take_due(batch_, kWindow, false));
    put("a", kWindow);
    const auto newest = stamp_;
    if (fails) {
      queue_.settle_failed(batch_, {.now = kWindow, .round = 0});
    } else {
      queue_.settle_done(batch_);
    }
    EXPECT_EQ(queue_.size(), 1U);
    const auto batch = queue_.take_due(batch_, 1'000'000, false);
    ASSERT_EQ(batch.size(), 1U);
    EXPECT_EQ(batch.front().stamp, newest);
    queue_.settle_done(batch_);
    EXPECT_EQ(queue_.size(), 0U);
  }
}

TEST_F(WriteBackQueueTest, SplitsWhatFailsDownToSingleKeys) {
  for (int i = 0; i < 300; ++i) put("k" + std::to_string(i));
  SteadyNanos now = kWindow;
  EXPECT_EQ(queue_.take_due(batch_, now, false).size(), 256U);
  queue_.settle_failed(batch_, {.now = now, .round = 0});
  EXPECT_EQ(queue_.take_due(batch_, now, false).size(), 44U)
      << "the fresh ones do not wait for the others";
  queue_.settle_done(batch_);
  for (const std::size_t expected : {16U, 16U}) {
    now += 10'000;
    EXPECT_EQ(queue_.take_due(batch_, now, false).size(), expected);
    EXPECT_TRUE(batch_.is_retry());
    queue_.settle_failed(batch_, {.now = now, .round = 0});
  }
  // 14 groups of 16 wait, and 32 keys that must go alone.
  std::size_t groups = 0;
  std::size_t singles = 0;
  now += 100'000;
  while (queue_.size() != 0) {
    const auto size = queue_.take_due(batch_, now, false).size();
    size == 1 ? ++singles : ++groups;
    queue_.settle_done(batch_);
  }
  EXPECT_EQ(groups, 14U);
  EXPECT_EQ(singles, 32U);
}

// Goal: the good writes of a batch fly on at once; the bad are taken together, later, for good.
TEST_F(WriteBackQueueTest, PartsWhatTheStoreNamesFromTheRest) {
  for (const auto* key : {"a", "bad", "b", "worse"}) put(key);
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  EXPECT_THAT(part({"bad", "worse", "never there"}, "poison", {.now = kWindow}),
              ElementsAre("bad", "worse"));
  EXPECT_THAT(keys(batch_.writes()), ElementsAre("a", "b"));
  EXPECT_EQ(queue_.pending("a")->stamp, 1U);
  queue_.settle_done(batch_);
  EXPECT_EQ(queue_.size(), 2U);
  EXPECT_THAT(queue_.take_due(batch_, 2 * kWindow - 1, false), IsEmpty());
  EXPECT_THAT(keys(queue_.take_due(batch_, 2 * kWindow, false)), ElementsAre("bad", "worse"));
  ASSERT_EQ(batch_.condemned().size(), 2U);
  EXPECT_EQ(*batch_.condemned().front(), "poison");
  queue_.settle_done(batch_);
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(WriteBackQueueTest, TriesANewerWriteOfACondemnedKeyByItself) {
  for (const auto* key : {"bad", "worse"}) put(key);
  put("good");
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  put("worse");  // While the older one flies.
  part({"bad", "worse"}, "poison", {.now = kWindow});
  queue_.settle_done(batch_);
  put("bad");  // After it was condemned.
  std::vector<std::uint64_t> stamps;
  for (auto batch = queue_.take_due(batch_, 1'000'000, false); !batch.empty();
       batch = queue_.take_due(batch_, 1'000'000, false)) {
    EXPECT_EQ(batch.size(), 1U);
    EXPECT_THAT(batch_.condemned(), IsEmpty());
    stamps.push_back(batch.front().stamp);
    queue_.settle_done(batch_);
  }
  EXPECT_THAT(stamps, ::testing::UnorderedElementsAre(4U, 5U));
}

TEST_F(WriteBackQueueTest, TriesWhatIsNamedWithoutAReasonByItselfAfterAPause) {
  for (const auto* key : {"a", "bad", "b"}) put(key);
  static_cast<void>(queue_.take_for_round(batch_, 1, queue_.last_ticket()));
  part({"bad"}, nullptr, {.now = 0, .round = 1});
  queue_.settle_done(batch_);
  EXPECT_THAT(queue_.take_for_round(batch_, 1, queue_.last_ticket()), IsEmpty())
      << "it had its attempt";
  EXPECT_THAT(queue_.take_due(batch_, 499, false), IsEmpty()) << "half of retry_initial at least";
  EXPECT_THAT(keys(queue_.take_due(batch_, 1'000, false)), ElementsAre("bad"));
  EXPECT_THAT(batch_.condemned(), IsEmpty());
}

// Goal: a batch that is settled little by little is at every moment one that could be settled.
TEST_F(WriteBackQueueTest, SettlesLittleByLittleWhileNewerWritesCome) {
  for (int i = 0; i < 10; ++i) put("k" + std::to_string(i));
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  EXPECT_FALSE(queue_.settle_some(batch_, 4));
  EXPECT_TRUE(queue_.in_flight());
  put("k0", kWindow);  // Settled already.
  put("k9", kWindow);  // Not yet.
  EXPECT_EQ(queue_.size(), 7U);
  EXPECT_FALSE(queue_.settle_some(batch_, 4));
  EXPECT_TRUE(queue_.settle_some(batch_, 4));
  EXPECT_FALSE(queue_.in_flight());
  EXPECT_EQ(batch_.writes().size(), 10U);
  EXPECT_THAT(keys(queue_.take_due(batch_, 2 * kWindow, false)), ElementsAre("k0", "k9"));
}

TEST_F(WriteBackQueueTest, DoublesThePauseUpToItsBoundAndLeavesOutAtMostHalf) {
  const std::vector<std::int64_t> full{1'000, 2'000, 4'000, 8'000, 10'000, 10'000};
  bool varies = false;
  for (std::size_t i = 0; i < full.size(); ++i) {
    std::int64_t first = -1;
    for (int again = 0; again < 50; ++again) {
      const auto pause = queue_.pause_after(static_cast<std::uint32_t>(i + 1));
      EXPECT_GE(pause, full[i] / 2);
      EXPECT_LE(pause, full[i]);
      if (first >= 0 && pause != first) varies = true;
      first = pause;
    }
  }
  EXPECT_TRUE(varies) << "no jitter";
  EXPECT_LE(queue_.pause_after(4'000'000'000U), 10'000);
}

TEST_F(WriteBackQueueTest, GivesEachWaitingKeyOneAttemptOfItsOwnInAFlush) {
  for (int i = 0; i < 20; ++i) put("k" + std::to_string(i));
  const auto ticket = queue_.last_ticket();
  put("later");
  int attempts = 0;
  while (!queue_.take_for_round(batch_, 1, ticket).empty()) {
    ASSERT_LT(++attempts, 100);
    queue_.settle_failed(batch_, {.now = 0, .round = 1});
  }
  EXPECT_EQ(attempts, 1 + 20);
  EXPECT_EQ(queue_.owed_since(ticket), 20U);
  EXPECT_EQ(queue_.size(), 21U);
  // The next flush tries again.
  EXPECT_FALSE(queue_.take_for_round(batch_, 2, ticket).empty());
}

TEST_F(WriteBackQueueTest, CopiesTheNewestOfWhatWaitsAndWhatFlies) {
  put("flying");
  put("both");
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  put("both");
  put("waiting");
  std::vector<std::uint64_t> stamps;
  for (const auto& write : queue_.copy()) stamps.push_back(write.stamp);
  EXPECT_THAT(stamps, ::testing::UnorderedElementsAre(1U, 3U, 4U));
}

TEST_F(WriteBackQueueTest, ForgetsEverythingThatIsReplaced) {
  put("old");
  static_cast<void>(queue_.take_due(batch_, kWindow, false));
  queue_.settle_failed(batch_, {.now = 0, .round = 0});
  put("fresh");
  queue_.adopt(*queue_.with({value_of("new", 1)}, 500));
  EXPECT_FALSE(queue_.contains("old"));
  EXPECT_EQ(queue_.next_due(), 500 + kWindow);
  EXPECT_THAT(keys(queue_.take_due(batch_, 500 + kWindow, false)), ElementsAre("new"));
}

}  // namespace
}  // namespace tarmac::internal
