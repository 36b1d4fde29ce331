#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/clockproplus.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <vector>

namespace tarmac {
namespace {

using testing::count_misses;
using ::testing::ElementsAre;
using testing::StrategyReplay;

using Keys = std::vector<std::uint64_t>;

Keys from_to(std::uint64_t first, std::uint64_t last) {
  Keys keys;
  for (std::uint64_t key = first; key <= last; ++key) keys.push_back(key);
  return keys;
}

/// What drain() yields after `keys` in a cache of five, of which two are cold: small enough to be
/// followed by hand. Cold entries leave first, and then hot ones, as long as nothing is marked.
Keys order_after(const Keys& keys, const ClockProPlusOptions& options = {}) {
  StrategyReplay cache(make_clockproplus(options), 5);
  cache.count_misses(keys);
  return cache.drain();
}

TEST(ClockProPlus, AsksForMarksOnly) {
  EXPECT_EQ(make_clockproplus()->tracking(), AccessTracking::mark);
}

TEST(ClockProPlus, FillsTheHotShareFirstAndEvictsTheOldestColdEntry) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5}), ElementsAre(4, 5, 1, 2, 3));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7}), ElementsAre(6, 7, 1, 2, 3));
}

TEST(ClockProPlus, MakesAMarkedColdEntryHotInItsTestPeriod) {
  // 6 finds 4 marked; 1, the oldest hot entry, gives way to it, and 5 leaves.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 4, 6}), ElementsAre(1, 6, 2, 3, 4));
}

TEST(ClockProPlus, SparesMarkedHotEntriesAndTakesTheirMarksDown) {
  // As above, but 1 is marked, so that 2 gives way.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 4, 1, 6}), ElementsAre(2, 6, 3, 1, 4));
}

TEST(ClockProPlus, MakesAKeyThatComesBackHot) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 4}), ElementsAre(6, 1, 2, 3, 4));
  // Without a memory, 4 is one newcomer more.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 4}, {.ghosts = 0}), ElementsAre(6, 4, 1, 2, 3));
}

TEST(ClockProPlus, KeepsTheGhostsThatLeftLast) {
  // Room for two: 7 makes a ghost of 5, and 8 one of 6, for which 4 is forgotten. The eviction for
  // the key that comes back makes one more, for which 5 is.
  const ClockProPlusOptions two_ghosts = {.ghosts = 0.4};
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 8, 6}, two_ghosts), ElementsAre(8, 1, 2, 3, 6));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 8, 4}, two_ghosts), ElementsAre(8, 4, 1, 2, 3));
}

TEST(ClockProPlus, GivesADemotedEntryThatIsUsedAgainANewTestPeriod) {
  // After 6, the line is 2 3 5' 1 6' 4 (5 has left, 1 was demoted, 2 3 4 are hot). 1 is used, and
  // spared by 7: its test begins, and 6 leaves. Used again, it takes the place of 2.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 4, 6, 1, 7}), ElementsAre(1, 7, 2, 3, 4));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 4, 6, 1, 7, 1, 8}), ElementsAre(2, 8, 3, 4, 1));
}

TEST(ClockProPlus, CountsAnUpdateAsAUse) {
  StrategyReplay cache(make_clockproplus(), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5});
  cache.update(4);
  cache.request(6);
  EXPECT_FALSE(cache.contains(5));
  EXPECT_TRUE(cache.contains(4));
}

TEST(ClockProPlus, HitsInALoopOverMoreThanFits) {
  Keys keys;
  for (int round = 0; round < 20; ++round) {
    for (const std::uint64_t key : from_to(1, 110)) keys.push_back(key);
  }
  EXPECT_EQ(count_misses(make_lru(), 100, keys), keys.size());
  EXPECT_LE(count_misses(make_clockproplus(), 100, keys), 110U + 19U * 12U);
}

TEST(ClockProPlus, KeepsItsHotEntriesThroughAScan) {
  StrategyReplay cache(make_clockproplus(), 100);
  cache.count_misses(from_to(1, 98));
  cache.count_misses(from_to(1'000, 100'000));
  for (const std::uint64_t key : from_to(1, 98)) EXPECT_TRUE(cache.contains(key)) << key;
}

// Goal: the cold share adapts. Method: each key is used again once, 15 misses later, and never
// after: with two cold entries its ghost comes back, which widens the cold share until the key is
// still there.
TEST(ClockProPlus, WidensTheColdShareWhenGhostsComeBack) {
  Keys keys;
  for (std::uint64_t key = 100; key < 20'000; ++key) {
    keys.push_back(key);
    keys.push_back(key - 15);
  }
  const std::uint64_t fixed = count_misses(make_clockproplus({.cold_share_max = 0.01}), 100, keys);
  const std::uint64_t adapting = count_misses(make_clockproplus(), 100, keys);
  EXPECT_LT(adapting, fixed * 3 / 4);
}

// Trap C5.
TEST(ClockProPlus, KeepsTheEntriesUsedLastWhenItShrinks) {
  StrategyReplay cache(make_clockproplus(), 100);
  cache.count_misses(from_to(1, 98));
  cache.resize(10);
  EXPECT_THAT(cache.drain(), ElementsAre(89, 90, 91, 92, 93, 94, 95, 96, 97, 98));
}

TEST(ClockProPlus, OrdersWhatItTakesOverByLastUseAndPrefersWhatWasHitForTheHotShare) {
  StrategyReplay cache(make_lru(), 5);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_clockproplus());
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 5, 2, 1));
}

// Goal: what the cache fetches ahead is what leaves, as long as nothing is hit: in a full cache,
// where ghosts and hot entries stand between the cold ones, and while the line is emptied.
TEST(ClockProPlus, ForeseesTheNextVictimAndTheOneAfter) {
  std::vector<EntryNode> nodes(200);
  const auto clock = make_clockproplus({.cold_share_min = 0.3});
  clock->on_resize({.amount = nodes.size()});
  std::uint64_t hash = 0;
  const auto insert = [&](EntryNode& node) {
    node.hash = ++hash;
    clock->on_insert(node);
  };
  for (EntryNode& node : nodes) insert(node);
  EvictionStrategy::Outlook ahead;
  for (int i = 0; i < 1'000; ++i) {
    EntryNode* const victim = clock->choose_victim();
    if (i > 0) ASSERT_EQ(ahead.next, victim);
    const EntryNode* const after = ahead.after;
    clock->on_remove(*victim, RemovalCause::evicted);
    ahead = clock->outlook();
    if (i > 0) ASSERT_EQ(after, ahead.next);
    insert(*victim);
  }
  while (EntryNode* const victim = clock->choose_victim()) {
    clock->on_remove(*victim, RemovalCause::evicted);
    ahead = clock->outlook();
    // Once the cold ones have left, the next is sought among the hot ones.
    if (ahead.next != nullptr) ASSERT_EQ(ahead.next, clock->choose_victim());
  }
}

TEST(ClockProPlus, RefusesOptionsOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_clockproplus({.cold_share_min = -0.1})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_clockproplus({.cold_share_min = 0.6})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_clockproplus({.cold_share_max = 1.1})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_clockproplus({.ghosts = 1e9})), ConfigError);
}

}  // namespace
}  // namespace tarmac
