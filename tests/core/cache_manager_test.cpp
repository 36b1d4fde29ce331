#include <tarmac/core/cache_manager.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_registry.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class CacheManagerTest : public ::testing::Test {
 protected:
  static CacheOptions options() { return quiet_options(clock()); }
  static std::shared_ptr<ManualClock> clock() {
    static const auto shared = std::make_shared<ManualClock>();
    return shared;
  }
  StringCache cache_{options()};
};

TEST_F(CacheManagerTest, ReturnsWhatWasSetUntilItIsErased) {
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.set("a", "1"), SetOutcome::stored);
  EXPECT_EQ(cache_.get("a"), "1");
  cache_.set("a", "2");
  EXPECT_EQ(cache_.get("a"), "2");
  EXPECT_EQ(cache_.size(), 1U);
  EXPECT_TRUE(cache_.erase("a"));
  EXPECT_FALSE(cache_.erase("a"));
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_EQ(cache_.weight(), 0U);
}

TEST_F(CacheManagerTest, KeepsEmptyKeysAndKeysWithZeroBytes) {
  const std::string with_zero("a\0b", 3);
  cache_.set("", "empty");
  cache_.set(with_zero, "zero");
  cache_.set("a", "short");
  EXPECT_EQ(cache_.get(""), "empty");
  EXPECT_EQ(cache_.get(with_zero), "zero");
  EXPECT_EQ(cache_.get("a"), "short");
}

TEST_F(CacheManagerTest, VisitShowsTheValueInPlaceAndTellsAMiss) {
  cache_.set("a", "1");
  std::string seen;
  EXPECT_TRUE(cache_.visit("a", [&seen](const std::string& value) { seen = value; }));
  EXPECT_EQ(seen, "1");
  EXPECT_FALSE(cache_.visit("b", [](const std::string&) { FAIL() << "called for a miss"; }));
  EXPECT_EQ(cache_.stats().hits, 1U);
  EXPECT_EQ(cache_.stats().misses, 1U);
}

TEST_F(CacheManagerTest, AVisitedValueStaysWhateverHappensToItsEntry) {
  cache_.set("a", "old");
  cache_.visit("a", [this](const std::string& value) {
    cache_.set("a", "new");
    cache_.clear();
    EXPECT_EQ(value, "old");
  });
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(CacheManagerTest, AHitMayDependOnSomethingElseAndElseIsNoLookUpAtAll) {
  const auto yes = [] { return true; };
  cache_.set("a", "1");
  cache_.set("soon", "gone", {.ttl = seconds(1)});
  EXPECT_EQ(cache_.get_hit("a", yes), "1");
  EXPECT_EQ(cache_.get_hit("a", [] { return false; }), std::nullopt);
  EXPECT_EQ(cache_.get_hit("b", yes), std::nullopt);
  EXPECT_EQ(cache_.get_hit("soon", yes), "gone");
  clock()->advance(seconds(2));
  EXPECT_EQ(cache_.get_hit("soon", yes), std::nullopt);
  EXPECT_EQ(cache_.stats().hits, 2U);
  EXPECT_EQ(cache_.stats().misses, 0U);
  EXPECT_EQ(cache_.inspect("a")->visits, 1U) << "the strategy has heard of it";
  const auto listening = cache_.events().connect(EventType::entry_get_hit, [](const Event&) {});
  EXPECT_EQ(cache_.get_hit("a", yes), std::nullopt) << "get() tells the slot";
}

TEST_F(CacheManagerTest, ContainsAndInspectAreNeitherCountedNorTold) {
  auto small = options();
  small.max_entries = 2;
  StringCache cache(small);
  cache.set("a", "1");
  cache.set("b", "2");
  EXPECT_TRUE(cache.contains("a"));
  EXPECT_TRUE(cache.inspect("a").has_value());
  EXPECT_FALSE(cache.contains("x"));
  EXPECT_FALSE(cache.inspect("x").has_value());
  EXPECT_EQ(cache.stats().hits + cache.stats().misses, 0U);
  cache.set("c", "3");
  EXPECT_FALSE(cache.contains("a")) << "looking at it must not make it newer";
}

TEST_F(CacheManagerTest, InspectTellsWhatTheCacheKnows) {
  cache_.set("a", "123", {.ttl = seconds(10), .weight = 7});
  static_cast<void>(cache_.get("a"));
  static_cast<void>(cache_.get("a"));
  clock()->advance(seconds(4));
  const auto info = cache_.inspect("a");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->state, EntryState::clean);
  EXPECT_FALSE(info->dirty);
  EXPECT_EQ(info->visits, 2U);
  EXPECT_EQ(info->age, seconds(4));
  EXPECT_EQ(info->remaining_ttl, seconds(6));
  EXPECT_EQ(info->weight, 7U);
  cache_.set("b", "x");
  EXPECT_EQ(cache_.inspect("b")->remaining_ttl, std::nullopt);
  EXPECT_GT(cache_.inspect("b")->stamp, info->stamp);
}

TEST_F(CacheManagerTest, WeighsKeysAndValuesByTheirBytesUnlessTold) {
  cache_.set("ab", "cde");
  EXPECT_EQ(cache_.weight(), 5U);
  cache_.set("ab", "c");
  EXPECT_EQ(cache_.weight(), 3U);
  cache_.set("x", "", {.weight = 100});
  EXPECT_EQ(cache_.weight(), 103U);
  StringCache by_length(options(),
                        [](const std::string&, const std::string& v) { return v.size() * 10; });
  by_length.set("k", "four");
  EXPECT_EQ(by_length.weight(), 40U);
}

TEST_F(CacheManagerTest, RefusesWhatIsHeavierThanTheWholeCacheAndKeepsTheOthers) {  // trap C3
  auto bounded = options();
  bounded.max_bytes = 10;
  StringCache cache(bounded);
  cache.set("a", "1");
  cache.set("b", "old");
  EXPECT_EQ(cache.set("b", std::string(10, 'x')), SetOutcome::too_large);
  EXPECT_EQ(cache.get("b"), std::nullopt) << "the value before must not be seen again";
  EXPECT_EQ(cache.get("a"), "1");
  EXPECT_EQ(cache.set("c", "", {.weight = 11}), SetOutcome::too_large);
  EXPECT_EQ(cache.weight(), 2U);
  EXPECT_EQ(cache.stats().rejected, 2U);
  EXPECT_EQ(cache.stats().evictions, 0U);
  EXPECT_EQ(cache.set("c", std::string(9, 'x')), SetOutcome::stored) << "exactly as heavy fits";
  EXPECT_EQ(cache.set("d", "", {.weight = std::uint64_t{1} << 32U}), SetOutcome::too_large);
}

TEST_F(CacheManagerTest, ComputeReadsModifiesAndWritesAsOne) {
  const auto append = [](std::optional<std::string> now) { return now.value_or("") + "x"; };
  EXPECT_EQ(cache_.compute("k", append), "x");
  EXPECT_EQ(cache_.compute("k", append), "xx");
  EXPECT_EQ(cache_.get("k"), "xx");
  EXPECT_EQ(cache_.compute("k", [](auto) { return std::optional<std::string>(); }), std::nullopt);
  EXPECT_FALSE(cache_.contains("k"));
  const auto before = cache_.stats();
  EXPECT_EQ(cache_.compute("k", [](auto) { return std::optional<std::string>(); }), std::nullopt);
  EXPECT_EQ(cache_.stats().deletes, before.deletes) << "nothing was there";
  EXPECT_EQ(cache_.stats().sets, 2U);
  EXPECT_EQ(cache_.stats().hits + cache_.stats().misses, 1U) << "compute is no get";
}

TEST_F(CacheManagerTest, ComputeTakesOptionsLikeSet) {
  cache_.compute("k", [](auto) { return std::string("v"); }, {.ttl = seconds(3), .weight = 9});
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, seconds(3));
  EXPECT_EQ(cache_.weight(), 9U);
}

TEST_F(CacheManagerTest, AComputeThatThrowsChangesNothingAndFreesTheKey) {
  cache_.set("k", "1");
  EXPECT_THROW(cache_.compute("k", [](auto) -> std::string { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(cache_.get("k"), "1");
  EXPECT_EQ(cache_.compute("k", [](auto v) { return *v + "2"; }), "12");
}

TEST_F(CacheManagerTest, AComputeMayUseOtherKeysButNotWriteItsOwn) {  // trap F5
  cache_.set("other", "1");
  cache_.compute("k", [this](auto) {
    cache_.set("other", "2");
    EXPECT_EQ(cache_.get("k"), std::nullopt) << "reading its own key is no deadlock";
    return cache_.compute("third", [](auto) { return std::string("3"); }).value();
  });
  EXPECT_EQ(cache_.get("k"), "3");
  EXPECT_EQ(cache_.get("other"), "2");
  EXPECT_THROW(cache_.compute("k",
                              [this](auto) {
                                cache_.set("k", "mine");
                                return std::string("yours");
                              }),
               UsageError);
  EXPECT_EQ(cache_.get("k"), "3");
  EXPECT_THROW(cache_.compute("k",
                              [this](auto) {
                                cache_.clear();
                                return std::string("again and again");
                              }),
               UsageError);
  EXPECT_EQ(cache_.get("k"), "3");
  cache_.set("k", "free");
  EXPECT_EQ(cache_.get("k"), "free");
}

TEST_F(CacheManagerTest, EraseIfRemovesWhatThePredicateHoldsFor) {
  for (int i = 0; i < 10; ++i) cache_.set(std::to_string(i), i % 2 == 0 ? "even" : "odd");
  EXPECT_EQ(cache_.erase_if([](const auto&, const auto& value) { return value == "even"; }), 5U);
  EXPECT_EQ(cache_.size(), 5U);
  EXPECT_EQ(cache_.erase_if([](const auto& key, const auto&) { return key == "1"; }), 1U);
  EXPECT_EQ(cache_.stats().deletes, 6U);
}

TEST_F(CacheManagerTest, APredicateThatThrowsLeavesTheRest) {
  for (int i = 0; i < 4; ++i) cache_.set(std::to_string(i), "v");
  int calls = 0;
  EXPECT_THROW(cache_.erase_if([&calls](const auto&, const auto&) {
    if (++calls == 3) throw std::runtime_error("no");
    return true;
  }),
               std::runtime_error);
  EXPECT_EQ(cache_.size(), 2U);
}

TEST_F(CacheManagerTest, ForEachShowsEachEntryOnceAndMayChangeTheCache) {  // trap F2
  for (int i = 0; i < 5; ++i) cache_.set(std::to_string(i), "v");
  std::vector<std::string> seen;
  cache_.for_each([&](const std::string& key, const std::string&) {
    seen.push_back(key);
    cache_.set("new" + key, "w");
    cache_.erase(key);
  });
  EXPECT_THAT(seen, UnorderedElementsAre("0", "1", "2", "3", "4"));
  EXPECT_EQ(cache_.size(), 5U);
}

TEST_F(CacheManagerTest, ResizeEvictsByTheStrategysOrder) {  // trap C5
  for (int i = 0; i < 1'000; ++i) cache_.set(std::to_string(i), "v");
  for (int i = 100; i < 110; ++i) static_cast<void>(cache_.get(std::to_string(i)));
  cache_.resize({.max_entries = 10});
  std::vector<std::string> left;
  cache_.for_each([&left](const std::string& key, const std::string&) { left.push_back(key); });
  std::sort(left.begin(), left.end());
  EXPECT_THAT(left,
              ElementsAre("100", "101", "102", "103", "104", "105", "106", "107", "108", "109"));
  EXPECT_EQ(cache_.stats().evictions, 990U);
  EXPECT_EQ(cache_.describe().capacity.max_entries, 10U);
  EXPECT_THROW(cache_.resize({.max_entries = 0}), ConfigError);
  EXPECT_EQ(cache_.describe().capacity.max_entries, 10U);
  cache_.resize({});
  for (int i = 0; i < 1'000; ++i) cache_.set(std::to_string(i), "v");
  EXPECT_EQ(cache_.size(), 1'000U);
}

TEST_F(CacheManagerTest, ResizeInBytesEvictsUntilTheWeightFits) {
  for (int i = 0; i < 10; ++i) cache_.set(std::to_string(i), "", {.weight = 10});
  cache_.resize({.max_entries = std::nullopt, .max_bytes = 35});
  EXPECT_EQ(cache_.size(), 3U);
  EXPECT_EQ(cache_.weight(), 30U);
  EXPECT_TRUE(cache_.contains("9"));
}

TEST_F(CacheManagerTest, AnExceptionOfTheWeigherChangesNothing) {
  bool fail = false;
  StringCache cache(options(), [&fail](const std::string&, const std::string&) -> std::uint64_t {
    if (fail) throw std::runtime_error("no scales");
    return 1;
  });
  cache.set("a", "1");
  fail = true;
  EXPECT_THROW(cache.set("a", "2"), std::runtime_error);
  EXPECT_THROW(cache.set("b", "2"), std::runtime_error);
  EXPECT_EQ(cache.get("a"), "1");
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.stats().sets, 1U);
}

// Goal: what was just written survives, wherever its shard is, as long as others can make room.
// Method: many shards, a bound so small that most shards are empty, every key in turn.
TEST_F(CacheManagerTest, ASetIsSeenByTheNextGetInEveryShard) {
  for (const std::uint64_t bound : {1U, 2U, 3U}) {
    auto sharded = options();
    sharded.shards = 8;
    sharded.max_entries = bound;
    StringCache cache(sharded);
    for (int i = 0; i < 200; ++i) {
      const auto key = std::to_string(i);
      cache.set(key, "v");
      ASSERT_TRUE(cache.contains(key)) << key << " of " << bound;
      ASSERT_LE(cache.size(), bound);
    }
  }
  auto heavy = options();
  heavy.shards = 8;
  heavy.max_entries = std::nullopt;
  heavy.max_bytes = 100;
  StringCache cache(heavy);
  for (int i = 0; i < 200; ++i) {
    const auto key = std::to_string(i);
    cache.set(key, "", {.weight = static_cast<std::uint64_t>(i) % 2 == 0 ? 5U : 100U});
    ASSERT_TRUE(cache.contains(key)) << key;
    ASSERT_LE(cache.weight(), 100U);
  }
}

TEST_F(CacheManagerTest, RefusesAnUnknownStrategyByName) {
  auto bad = options();
  bad.eviction = "lur";
  try {
    const StringCache cache(bad);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean \"lru\""));
  }
  bad.eviction = "lfu";
  bad.eviction_parameters.set("agening", "true");
  EXPECT_THROW(StringCache{bad}, ConfigError);
}

TEST_F(CacheManagerTest, DescribesItsParts) {
  const auto description = cache_.describe();
  EXPECT_EQ(description.name, "test");
  EXPECT_EQ(description.strategy, "lru");
  EXPECT_EQ(description.write_policy, "none");
  EXPECT_EQ(description.store, "");
  EXPECT_EQ(description.shards, 1U);
}

TEST_F(CacheManagerTest, AProbeAnswersNothingWhenTheCacheIsGone) {
  std::shared_ptr<CacheProbe> probe;
  {
    StringCache cache(options());
    probe = cache.probe();
    EXPECT_TRUE(probe->with_cache([](CacheBase& base) { EXPECT_EQ(base.name(), "test"); }));
  }
  EXPECT_FALSE(probe->with_cache([](CacheBase&) { FAIL() << "the cache is gone"; }));
}

TEST_F(CacheManagerTest, CountersNeverFallWhateverIsDone) {  // trap L2
  const auto all = [this] {
    const auto s = cache_.stats();
    return std::vector{s.hits,    s.misses,          s.evictions,         s.expirations,
                       s.sets,    s.deletes,         s.rejected,          s.strategy_swaps,
                       s.retries, s.snapshots_taken, s.snapshots_restored};
  };
  auto before = all();
  const auto check = [&] {
    const auto now = all();
    for (std::size_t i = 0; i < now.size(); ++i) EXPECT_GE(now[i], before[i]) << i;
    before = now;
  };
  cache_.set("a", "1");
  cache_.set("b", "1", {.ttl = seconds(1)});
  static_cast<void>(cache_.get("a"));
  check();
  const auto snapshot = cache_.take_snapshot();
  clock()->advance(seconds(2));
  static_cast<void>(cache_.size());
  check();
  cache_.swap_strategy("lfu");
  check();
  cache_.clear();
  check();
  cache_.restore_snapshot(snapshot);
  check();
  EXPECT_EQ(cache_.stats().snapshots_restored, 1U);
}

TEST(CacheRegistry, MakesACacheOnceAndRemembersItsTypes) {
  auto& registry = CacheRegistry::instance();
  CacheOptions options;
  options.name = "registry.first";
  auto& made = registry.create<std::string, std::string>(options);
  EXPECT_THROW((registry.create<std::string, std::string>(options)), UsageError);
  EXPECT_EQ(&(registry.get<std::string, std::string>("registry.first")), &made);
  EXPECT_THROW((static_cast<void>(registry.get<int, int>("registry.first"))), UsageError);
  EXPECT_TRUE(registry.contains("registry.first"));
  EXPECT_EQ((registry.get<std::string, std::string>("registry.second").name()), "registry.second");
  EXPECT_THAT(registry.names(), ElementsAre("registry.first", "registry.second"));
  EXPECT_TRUE(registry.remove("registry.first"));
  EXPECT_FALSE(registry.remove("registry.first"));
  EXPECT_TRUE(registry.remove("registry.second"));
  EXPECT_THROW((static_cast<void>(registry.get<std::string, std::string>("not/a name"))),
               ConfigError);
  EXPECT_FALSE(registry.contains("not/a name"));
}

TEST(CacheRegistry, GivesAllThreadsTheSameCache) {
  auto& registry = CacheRegistry::instance();
  std::vector<StringCache*> seen(8);
  {
    std::vector<std::jthread> threads;
    for (auto& one : seen) {
      threads.emplace_back(
          [&one, &registry] { one = &registry.get<std::string, std::string>("registry.shared"); });
    }
  }
  for (const auto* one : seen) EXPECT_EQ(one, seen.front());
  EXPECT_TRUE(registry.remove("registry.shared"));
}

}  // namespace
}  // namespace tarmac::core_tests
