// Write-back at run time: when it writes, in which order, and what a failing store does to it.
#include <thread>
#include <vector>

#include "write_back_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(WriteBackTest, WritesAfterTheLossWindow) {
  make();
  EXPECT_EQ(set("k"), EntryState::dirty);
  clock_->advance(100ms - 1ns);
  await_idle();
  EXPECT_EQ(store_->attempts(), 0U);
  EXPECT_EQ(policy_->stats().dirty_pending, 1U);
  clock_->advance(1ns);
  host_.await_flushed(1);
  EXPECT_EQ(stored("k"), "v");
}

TEST_F(WriteBackTest, DoesNotPutOffAKeyThatIsWrittenAllTheTime) {
  make();
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(set("k", std::to_string(i)));
    clock_->advance(25ms);
  }
  host_.await_flushed(1);
  EXPECT_EQ(stored("k"), "3");
}

TEST_F(WriteBackTest, WritesAFullBatchBeforeItsTime) {
  make({.batch_max = 4});
  for (int i = 0; i < 4; ++i) static_cast<void>(set("k" + std::to_string(i)));
  host_.await_flushed(4);
  EXPECT_EQ(store_->attempts(), 1U);
}

TEST_F(WriteBackTest, StoresOnlyTheLastOfManyWritesOfAKey) {
  make();
  for (int i = 0; i < 10; ++i) static_cast<void>(set("k", std::to_string(i)));
  static_cast<void>(set("gone"));
  static_cast<void>(remove("gone"));
  EXPECT_EQ(policy_->stats().dirty_pending, 2U);
  const auto report = policy_->flush(kLong);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.flushed, 2U);
  EXPECT_EQ(report.error, "");
  EXPECT_EQ(store_->attempts_for("k"), 1U);
  EXPECT_EQ(stored("k"), "9");
  EXPECT_EQ(store_->attempts_for("gone"), 1U) << "the removal has to reach the store (trap I5)";
  EXPECT_EQ(stored("gone"), "(none)");
}

TEST_F(WriteBackTest, TellsTheEntryWhatBecomesOfIt) {
  make();
  store_->fail_next_writes(1);
  static_cast<void>(set("k"));
  EXPECT_THAT(host_.states("k", 1), IsEmpty());
  clock_->advance(100ms);
  host_.await_errors(1);
  EXPECT_THAT(host_.states("k", 1), ElementsAre(EntryState::flushing, EntryState::dirty));
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_THAT(host_.states("k", 1), ElementsAre(EntryState::flushing, EntryState::dirty,
                                                EntryState::flushing, EntryState::clean));
}

// Traps I3 and I4: while the first write is in the store, a second one comes.
TEST_F(WriteBackTest, KeepsAWriteDirtyThatComesDuringTheFlushOfItsKey) {
  make();
  store_->block_writes();
  static_cast<void>(set("k", "1"));
  clock_->advance(100ms);
  store_->await_blocked();
  EXPECT_EQ(policy_->pending("k")->value, "1") << "a miss must find what is in flight";
  EXPECT_EQ(set("k", "2"), EntryState::dirty);
  EXPECT_EQ(policy_->pending("k")->value, "2");
  clock_->advance(10s);
  EXPECT_EQ(store_->attempts(), 1U) << "a key in flight is not written twice at once";

  store_->release_writes();
  host_.await_flushed(2);
  EXPECT_EQ(stored("k"), "2");
  const auto batches = store_->batches();
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0].at(0).value, "1");
  EXPECT_EQ(batches[1].at(0).value, "2");
  EXPECT_THAT(host_.states("k", 1), ElementsAre(EntryState::flushing, EntryState::clean));
}

// Trap I4: the first write of a key fails while a newer one comes; the older is never tried again.
TEST_F(WriteBackTest, DropsAFailedWriteThatHasBeenSuperseded) {
  make();
  store_->block_writes();
  store_->fail_next_writes(1);
  static_cast<void>(set("k", "1"));
  clock_->advance(100ms);
  store_->await_blocked();
  static_cast<void>(set("k", "2"));
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored("k"), "2");
  EXPECT_EQ(store_->attempts_for("k"), 2U);
}

// Trap I6.
TEST_F(WriteBackTest, TriesAFailedBatchOnceMoreAndEachKeyOnlyOnce) {
  make();
  store_->fail_next_writes(1);
  for (const auto* key : {"a", "b", "c"}) static_cast<void>(set(key));
  clock_->advance(100ms);
  host_.await_errors(1);
  EXPECT_EQ(policy_->stats().dirty_pending, 3U);
  clock_->advance(10ms);  // The whole first pause.
  host_.await_flushed(3);
  await_idle();
  for (const auto* key : {"a", "b", "c"}) EXPECT_EQ(store_->attempts_for(key), 2U);
  const auto stats = policy_->stats();
  EXPECT_EQ(stats.dirty_pending, 0U);
  EXPECT_EQ(stats.flushed, 3U);
  EXPECT_EQ(stats.store_errors, 1U);
  EXPECT_EQ(stats.retries, 3U);
  EXPECT_THAT(host_.errors(), ElementsAre(HasSubstr("store \"faulty\" for cache \"contract\"")));
}

// Trap I7.
TEST_F(WriteBackTest, WritesEverythingElseWhenOneKeyAlwaysFails) {
  make();
  store_->fail_keys([](std::string_view key) { return key == "k0"; });
  for (int i = 0; i < 300; ++i) static_cast<void>(set("k" + std::to_string(i)));
  const auto report = policy_->flush(kLong);
  EXPECT_EQ(report.still_dirty, 1U);
  EXPECT_THAT(report.error, HasSubstr("told to fail"));
  EXPECT_EQ(store_->size(), 299U);
  // And in the background, time after time.
  for (int i = 0; i < 50; ++i) {
    static_cast<void>(set("later" + std::to_string(i)));
    clock_->advance(100ms);
    host_.await_flushed(300U + static_cast<unsigned>(i));
  }
  EXPECT_EQ(policy_->pending("k0")->value, "v");
  store_->fail_keys({});
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored("k0"), "v");
}

TEST_F(WriteBackTest, AsksAStoreThatIsDownOnceForEachPause) {
  make({.batch_max = 1});
  store_->fail_keys([](std::string_view) { return true; });
  for (int i = 0; i < 100; ++i) static_cast<void>(set("k" + std::to_string(i)));
  host_.await_errors(24);  // A full batch needs no waiting: one after the other, then a pause.
  await_idle();
  EXPECT_EQ(store_->attempts(), 24U);
  clock_->advance(10ms);
  host_.await_errors(25);
  await_idle();
  EXPECT_EQ(store_->attempts(), 25U);
  EXPECT_EQ(policy_->flush(kLong).still_dirty, 100U);
  EXPECT_EQ(store_->attempts(), 26U) << "a flush asks a store that is down once";
  store_->fail_keys({});
  clock_->advance(5s);
  host_.await_flushed(100);
  EXPECT_EQ(store_->size(), 100U);
}

// Trap I8.
TEST_F(WriteBackTest, RefusesAFurtherKeyAfterBlockMaxWhenTheQueueIsFull) {
  make({.dirty_max = 2, .block_max = 1s});
  store_->block_writes();
  static_cast<void>(set("a"));
  static_cast<void>(set("b"));
  store_->await_blocked();
  std::string told;
  std::thread writer([&] {
    try {
      static_cast<void>(set("c"));
    } catch (const StoreError& error) {
      told = error.what();
    }
  });
  await_idle();  // The writer waits for room; the policy's thread is in the store.
  clock_->advance(1s);
  writer.join();
  EXPECT_THAT(told, HasSubstr("2 writes already wait"));
  EXPECT_THAT(told, HasSubstr("retry later"));
  EXPECT_FALSE(policy_->pending("c"));
  EXPECT_EQ(policy_->stats().dirty_pending, 2U);
  EXPECT_EQ(set("a", "again"), EntryState::dirty) << "a key that waits may always be replaced";
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored("a"), "again");
}

TEST_F(WriteBackTest, LetsAWaitingWriterGoOnAsSoonAsThereIsRoom) {
  make({.dirty_max = 2, .block_max = 1h});
  store_->block_writes();
  static_cast<void>(set("a"));
  static_cast<void>(set("b"));
  store_->await_blocked();
  std::thread writer([&] { EXPECT_EQ(set("c"), EntryState::dirty); });
  await_idle();
  store_->release_writes();
  writer.join();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(store_->size(), 3U);
}

TEST_F(WriteBackTest, ReportsWhatAStoreThatHangsHasNotTaken) {
  make();
  store_->block_writes();
  static_cast<void>(set("k"));
  FlushReport report;
  std::thread flusher([&] { report = policy_->flush(5s); });
  store_->await_blocked();
  await_idle();
  clock_->advance(5s);
  flusher.join();
  EXPECT_EQ(report.still_dirty, 1U);
  EXPECT_EQ(report.elapsed, 5s);
  EXPECT_THAT(report.error, HasSubstr("limit"));
  store_->release_writes();
}

TEST_F(WriteBackTest, DoesNotWaitForItselfInASlotOfItsOwnEvents) {
  make({.dirty_max = 1, .block_max = 1h});
  FlushReport report;
  bool refused = false;
  bool first = true;
  host_.set_slot([&] {
    if (!std::exchange(first, false)) return;
    report = policy_->flush(kLong);
    static_cast<void>(set("from the slot"));  // Room: what was written has left.
    try {
      static_cast<void>(set("one too many"));
    } catch (const StoreError&) {
      refused = true;
    }
  });
  static_cast<void>(set("k"));
  host_.await_flushed(2);
  policy_.reset();  // Waits for slots that still run.
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(refused);
  EXPECT_EQ(store_->size(), 2U);
}

TEST_F(WriteBackTest, PutsAnImageBackOnlyBetweenTwoBatches) {
  make({.block_max = 1s});
  static_cast<void>(set("k", "old"));
  const auto image = policy_->image();
  store_->block_writes();
  static_cast<void>(set("k", "new"));
  clock_->advance(100ms);
  store_->await_blocked();
  std::string told;
  std::thread restorer([&] {
    try {
      policy_->put_back(*image);
    } catch (const StoreError& error) {
      told = error.what();
    }
  });
  await_idle();
  clock_->advance(1s);
  restorer.join();
  EXPECT_THAT(told, HasSubstr("busy"));
  EXPECT_EQ(policy_->pending("k")->value, "new") << "nothing may have changed";

  store_->release_writes();
  host_.await_flushed(1);
  policy_->put_back(*image);
  EXPECT_EQ(policy_->pending("k")->value, "old");
  EXPECT_EQ(stored("k"), "(none)");
  clock_->advance(100ms);
  host_.await_flushed(2);
  EXPECT_EQ(stored("k"), "old");
}

}  // namespace
}  // namespace tarmac
