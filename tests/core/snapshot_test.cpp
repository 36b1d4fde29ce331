#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <map>
#include <optional>
#include <string>
#include <thread>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using IntCache = CacheManager<int, int>;

class SnapshotTest : public ::testing::Test {
 protected:
  CacheOptions options() { return quiet_options(clock_); }
  static std::map<std::string, std::string> content(StringCache& cache) {
    std::map<std::string, std::string> all;
    cache.for_each([&all](const auto& key, const auto& value) { all[key] = value; });
    return all;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

TEST_F(SnapshotTest, ShowsNothingOfWhatHappensLater) {
  StringCache cache(options());
  cache.set("a", "1");
  cache.set("b", "2");
  const auto snapshot = cache.take_snapshot();
  cache.set("a", "changed");
  cache.erase("b");
  cache.set("c", "new");
  EXPECT_EQ(snapshot.size(), 2U);
  EXPECT_EQ(snapshot.cache_name(), "test");
  EXPECT_EQ(snapshot.strategy(), "lru");
  EXPECT_EQ(snapshot.write_policy(), "none");
  EXPECT_EQ(snapshot.store(), "");
  EXPECT_EQ(snapshot.taken_at(), clock_->wall_now());
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(cache), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  cache.set("a", "again");
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.get("a"), "1") << "a snapshot can be used more than once";
}

TEST_F(SnapshotTest, RestoresWeightsDeadlinesAndFigures) {  // trap G8
  StringCache cache(options());
  cache.set("a", "1", {.ttl = seconds(10), .weight = 5});
  cache.set("b", "2", {.weight = 6});
  const auto snapshot = cache.take_snapshot();
  const auto before = cache.stats();
  cache.clear();
  clock_->advance(seconds(4));
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.weight(), 11U);
  EXPECT_EQ(cache.inspect("a")->remaining_ttl, seconds(6)) << "time goes on for a snapshot";
  EXPECT_EQ(cache.inspect("b")->remaining_ttl, std::nullopt);
  const auto after = cache.stats();
  EXPECT_EQ(after.current_items, 2U);
  EXPECT_EQ(after.total_bytes, 11U);
  EXPECT_GE(after.deletes, before.deletes);
  EXPECT_EQ(after.snapshots_taken, 1U);
  EXPECT_EQ(after.snapshots_restored, 1U);
  clock_->advance(seconds(6));
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(cache), ElementsAre(Pair("b", "2"))) << "expired values stay dead";
  EXPECT_EQ(cache.weight(), 6U);
}

TEST_F(SnapshotTest, ARestoredTimerStillFires) {
  StringCache cache(options());
  cache.set("a", "1", {.ttl = seconds(10)});
  const auto snapshot = cache.take_snapshot();
  cache.clear();
  cache.restore_snapshot(snapshot);
  clock_->advance(seconds(10));
  EXPECT_EQ(cache.purge_expired(), 1U);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(SnapshotTest, RestoresTheStrategyAndItsOrder) {
  auto small = options();
  small.max_entries = 3;
  StringCache cache(small);
  cache.set("a", "1");
  cache.set("b", "2");
  cache.set("c", "3");
  static_cast<void>(cache.get("a"));
  const auto snapshot = cache.take_snapshot();
  cache.swap_strategy("fifo");
  cache.clear();
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.describe().strategy, "lru");
  cache.set("d", "4");
  EXPECT_THAT(content(cache), ElementsAre(Pair("a", "1"), Pair("c", "3"), Pair("d", "4")));
  static_cast<void>(cache.get("c"));
  cache.set("e", "5");
  EXPECT_THAT(content(cache), ElementsAre(Pair("c", "3"), Pair("d", "4"), Pair("e", "5")));
}

TEST_F(SnapshotTest, KeepsTheIdleDeadlineOfItsMoment) {
  auto idle = options();
  idle.expire_after_access = seconds(10);
  StringCache cache(idle);
  cache.set("k", "v");
  clock_->advance(seconds(4));
  const auto snapshot = cache.take_snapshot();
  static_cast<void>(cache.get("k"));
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.inspect("k")->remaining_ttl, seconds(6));
}

TEST_F(SnapshotTest, IsToldOnceWithItsSize) {
  StringCache cache(options());
  cache.set("a", "1");
  cache.set("b", "2");
  EventLog log(cache);
  const auto snapshot = cache.take_snapshot();
  cache.restore_snapshot(snapshot);
  const auto seen = log.take();
  ASSERT_EQ(seen.size(), 2U) << "entries that were replaced as a whole are not told one by one";
  EXPECT_EQ(seen[0].type, EventType::snapshot_taken);
  EXPECT_EQ(seen[1].type, EventType::snapshot_restored);
  EXPECT_EQ(seen[0].count, 2U);
  EXPECT_EQ(seen[1].count, 2U);
}

TEST_F(SnapshotTest, OfAnotherTypeOrEmptyIsRefusedAndChangesNothing) {
  StringCache cache(options());
  cache.set("a", "1");
  IntCache other(options());
  const auto foreign = other.take_snapshot();
  try {
    cache.restore_snapshot(foreign);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("same key and value types"));
  }
  EXPECT_EQ(Snapshot{}.size(), 0U);
  EXPECT_EQ(Snapshot{}.cache_name(), "");
  EXPECT_THROW(cache.restore_snapshot(Snapshot{}), UsageError);
  EXPECT_EQ(cache.get("a"), "1");
  EXPECT_EQ(cache.stats().snapshots_restored, 0U);
}

TEST_F(SnapshotTest, OutlivesItsCacheAndFillsAnother) {
  std::optional<Snapshot> snapshot;
  {
    auto sharded = options();
    sharded.shards = 4;
    sharded.seed = 99;
    StringCache cache(sharded);
    for (int i = 0; i < 100; ++i) cache.set(std::to_string(i), "v" + std::to_string(i));
    snapshot = cache.take_snapshot();
  }
  StringCache other(options());
  other.set("before", "gone");
  other.restore_snapshot(*snapshot);
  EXPECT_EQ(other.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(other.get(std::to_string(i)), "v" + std::to_string(i));
  EXPECT_FALSE(other.contains("before"));
}

// Goal: versions of a key grow, whichever cache a snapshot came from. Otherwise stores would drop
// the newer write.
TEST_F(SnapshotTest, StampsGrowAfterTheSnapshotOfACacheThatWasAhead) {
  StringCache ahead(options());
  for (int i = 0; i < 50; ++i) ahead.set("k", "v");
  StringCache cache(options());
  cache.restore_snapshot(ahead.take_snapshot());
  const auto restored = cache.inspect("k")->stamp;
  cache.set("k", "newer");
  EXPECT_GT(cache.inspect("k")->stamp, restored);
}

TEST_F(SnapshotTest, IntoASmallerCacheEvictsByTheStrategysOrder) {
  StringCache cache(options());
  for (int i = 0; i < 10; ++i) cache.set(std::to_string(i), "v");
  static_cast<void>(cache.get("0"));
  const auto snapshot = cache.take_snapshot();
  cache.resize({.max_entries = 3});
  cache.clear();
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(cache), ElementsAre(Pair("0", "v"), Pair("8", "v"), Pair("9", "v")));
}

TEST_F(SnapshotTest, OfAnEmptyCacheEmptiesTheCache) {
  StringCache cache(options());
  const auto snapshot = cache.take_snapshot();
  cache.set("a", "1");
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.weight(), 0U);
  cache.set("b", "2");
  EXPECT_EQ(cache.get("b"), "2");
}

// Goal: a snapshot is one moment even while it is being copied: a slot of the operations around it
// sees and changes the cache. Method: transfers keep a sum; each snapshot must have it.
TEST_F(SnapshotTest, SumsThatTransfersKeepHoldInEverySnapshot) {  // trap G7
  auto sharded = options();
  sharded.shards = 8;
  IntCache cache(sharded);
  constexpr int kAccounts = 16;
  for (int i = 0; i < kAccounts; ++i) cache.set(i, 100);
  std::vector<Snapshot> snapshots;
  for (int i = 0; i < 200; ++i) {
    const int from = i % kAccounts;
    const int to = (i * 5 + 3) % kAccounts;
    MacroCommand<int, int> transfer;
    if (from != to) {
      transfer.add(SetCommand{from, *cache.get(from) - 1}).add(SetCommand{to, *cache.get(to) + 1});
      cache.execute(transfer);
    }
    if (i % 7 == 0) snapshots.push_back(cache.take_snapshot());
  }
  for (const auto& snapshot : snapshots) {
    cache.restore_snapshot(snapshot);
    int sum = 0;
    cache.for_each([&sum](const int&, const int& value) { sum += value; });
    EXPECT_EQ(sum, kAccounts * 100);
  }
}

TEST_F(SnapshotTest, AComputeMayTakeOneButNotRestoreOne) {
  StringCache cache(options());
  cache.set("k", "1");
  std::optional<Snapshot> inside;
  cache.compute("k", [&](auto value) {
    inside = cache.take_snapshot();
    return *value + "2";
  });
  EXPECT_EQ(cache.get("k"), "12");
  EXPECT_THROW(cache.compute("k",
                             [&](auto value) {
                               cache.restore_snapshot(*inside);
                               return value;
                             }),
               UsageError);
  cache.restore_snapshot(*inside);
  EXPECT_EQ(cache.get("k"), "1");
}

}  // namespace
}  // namespace tarmac::core_tests
