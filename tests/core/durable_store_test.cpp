// A durable cache with a store behind it: what was promised to the store survives, too.
#include <gmock/gmock.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>

#include "durable_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tarmac::testing::FaultyStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class DurableStore : public DurableTest {
 protected:
  /// Writes nothing until it is flushed.
  static WriteBackOptions lazy() {
    return {.loss_window_max = hours(1), .shutdown_limit = seconds(0)};
  }
  /// With a store that nothing reaches on the way: a policy's end may still write a batch.
  void crash() {
    store_->fail_keys([](std::string_view) { return true; });
    DurableTest::crash();
    store_->fail_keys({});
  }
  void use_write_back() { cache_->set_write_policy(write_back(store_, lazy())); }
  void use_write_through() { cache_->set_write_policy(write_through(store_)); }

  std::shared_ptr<FaultyStore> store_ = std::make_shared<FaultyStore>(make_memory_store());
};

TEST_F(DurableStore, WriteThroughIsLoggedThenStoredThenNoted) {
  use_write_through();
  cache_->set("a", "1");
  cache_->erase("a");
  EXPECT_THAT(logged(), ElementsAre("put a=1 dirty", "stored a", "erase a dirty", "stored a"));
  cache_->set("b", "2");
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("b", "2")));
}

TEST_F(DurableStore, WhatTheStoreRefusesDoesNotReturn) {
  use_write_through();
  cache_->set("a", "1", {.ttl = seconds(60)});
  store_->fail_next_writes(2);
  EXPECT_THROW(cache_->set("a", "2"), StoreError);
  EXPECT_THROW(cache_->set("b", "2"), StoreError);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
  clock_->advance(seconds(10));
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(cache_->inspect("a")->remaining_ttl, std::chrono::nanoseconds(seconds(50)));
  EXPECT_FALSE(cache_->inspect("a")->dirty);
}

TEST_F(DurableStore, ALogThatCannotTakeARefusedWriteBackSaysSo) {
  use_write_through();
  store_->fail_keys([this](std::string_view) {
    disk_->fail_appends(1);
    return true;
  });
  EXPECT_THROW(cache_->set("a", "2"), DurabilityError);
  EXPECT_FALSE(cache_->contains("a"));
}

TEST_F(DurableStore, DirtyEntriesAreDirtyAgainAndReachTheStore) {
  use_write_back();
  cache_->set("a", "1");
  cache_->set("b", "2", {.ttl = seconds(60)});
  cache_->set("gone", "3");
  cache_->erase("gone");
  crash();
  EXPECT_TRUE(cache_->inspect("a")->dirty);
  EXPECT_EQ(cache_->stats().dirty_writes_pending, 3U);
  EXPECT_THAT(content_of(*store_), IsEmpty());
  use_write_back();
  EXPECT_EQ(cache_->stats().dirty_writes_pending, 3U);
  EXPECT_TRUE(cache_->flush().complete());
  EXPECT_THAT(content_of(*store_), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_FALSE(cache_->inspect("a")->dirty);
  reopen();
  EXPECT_FALSE(cache_->inspect("a")->dirty) << "that it was stored is in the log";
  EXPECT_EQ(cache_->stats().dirty_writes_pending, 0U);
}

TEST_F(DurableStore, DebtsSurviveEvictionClearAndAnImage) {
  options_.max_entries = 2;
  reopen();
  use_write_back();
  for (const auto* key : {"a", "b", "c"}) cache_->set(key, "1");
  cache_->clear();
  cache_->erase("x");
  cache_->set("d", "4");
  for (const bool with_image : {false, true}) {
    if (with_image) cache_->compact();
    crash();
    EXPECT_THAT(content(), ElementsAre(Pair("d", "4"))) << with_image;
    EXPECT_EQ(cache_->stats().dirty_writes_pending, 5U) << with_image;
  }
  use_write_back();
  EXPECT_TRUE(cache_->flush().complete());
  EXPECT_THAT(content_of(*store_),
              ElementsAre(Pair("a", "1"), Pair("b", "1"), Pair("c", "1"), Pair("d", "4")));
}

TEST_F(DurableStore, ANewerWriteReplacesADebtEvenBeforeAPolicyCame) {
  use_write_back();
  cache_->set("a", "1");
  cache_->set("b", "1");
  crash();
  cache_->set("a", "2");
  EXPECT_TRUE(cache_->inspect("a")->dirty);
  cache_->erase("b");
  crash();
  use_write_back();
  EXPECT_TRUE(cache_->flush().complete());
  EXPECT_THAT(content_of(*store_), ElementsAre(Pair("a", "2")));
}

TEST_F(DurableStore, AValueTooLargeForTheCacheStillReachesTheStore) {
  options_.max_bytes = 100;
  reopen();
  use_write_back();
  cache_->set("a", "small");
  EXPECT_EQ(cache_->set("a", std::string(200, 'x')), SetOutcome::too_large);
  crash();
  EXPECT_FALSE(cache_->contains("a"));
  use_write_through();
  EXPECT_THAT(content_of(*store_), ElementsAre(Pair("a", std::string(200, 'x'))));
}

TEST_F(DurableStore, ADebtThatHasExpiredIsWrittenAsARemoval) {
  use_write_back();
  cache_->set("a", "1", {.ttl = seconds(1)});
  clock_->advance(seconds(2));
  crash();
  use_write_through();
  EXPECT_THAT(content_of(*store_), IsEmpty());
  EXPECT_EQ(cache_->stats().dirty_writes_pending, 0U);
}

TEST_F(DurableStore, APolicyThatCannotTakeTheDebtsIsNotInstalled) {
  use_write_back();
  cache_->set("a", "1");
  crash();
  store_->fail_next_writes(1);
  EXPECT_THROW(use_write_through(), StoreError);
  EXPECT_EQ(cache_->describe().write_policy, "none");
  EXPECT_TRUE(cache_->inspect("a")->dirty);
  use_write_through();
  EXPECT_FALSE(cache_->inspect("a")->dirty);
}

TEST_F(DurableStore, ARestoreBringsStoreAndLogToTheSameContent) {
  use_write_through();
  cache_->set("a", "1");
  const auto snapshot = cache_->take_snapshot();
  cache_->set("a", "2");
  cache_->set("b", "2");
  disk_->fail_images(1);
  EXPECT_THROW(cache_->restore_snapshot(snapshot), DurabilityError);
  EXPECT_THAT(content_of(*store_), ElementsAre(Pair("a", "2"), Pair("b", "2")))
      << "the store is as before";
  cache_->restore_snapshot(snapshot);
  EXPECT_THAT(content_of(*store_), ElementsAre(Pair("a", "1")));
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
}

TEST_F(DurableStore, ARestoredDebtIsOwedAfterACrash) {
  use_write_back();
  cache_->set("a", "1");
  const auto snapshot = cache_->take_snapshot();
  EXPECT_TRUE(cache_->flush().complete());
  cache_->restore_snapshot(snapshot);
  EXPECT_TRUE(cache_->inspect("a")->dirty);
  crash();
  EXPECT_TRUE(cache_->inspect("a")->dirty);
}

}  // namespace
}  // namespace tarmac::core_tests
