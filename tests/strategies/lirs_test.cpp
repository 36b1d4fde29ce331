#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/lirs.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <limits>
#include <vector>

namespace tarmac {
namespace {

using testing::count_misses;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StrategyReplay;
using ::testing::ThrowsMessage;

using Keys = std::vector<std::uint64_t>;

// Of five entries, three are LIR and two HIR: small enough to be followed by hand.
constexpr LirsOptions kTwoOfFive = {.hir_share = 0.4};

Keys from_to(std::uint64_t first, std::uint64_t last) {
  Keys keys;
  for (std::uint64_t key = first; key <= last; ++key) keys.push_back(key);
  return keys;
}

/// What drain() yields after `keys`: HIR entries by their turn, then LIR entries by last use.
Keys order_after(const Keys& keys, const LirsOptions& options = kTwoOfFive) {
  StrategyReplay cache(make_lirs(options), 5);
  cache.count_misses(keys);
  return cache.drain();
}

TEST(Lirs, FillsTheLirShareFirstAndEvictsFromTheQueue) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5}), ElementsAre(4, 5, 1, 2, 3));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 1, 2}), ElementsAre(4, 5, 3, 1, 2));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7}), ElementsAre(6, 7, 1, 2, 3));
}

TEST(Lirs, MakesAnEntryOfTheQueueLirThatTheStackStillKnows) {
  // 4 was last used after 1, the oldest LIR, which therefore changes places with it.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 4}), ElementsAre(5, 1, 2, 3, 4));
}

TEST(Lirs, MakesAKeyThatComesBackLirIfTheStackStillKnowsIt) {
  // 6 evicts 4, and 4 then evicts 5; 1 gives its LIR place to 4.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 4}), ElementsAre(6, 1, 2, 3, 4));
  // The same without a memory: 4 is one newcomer more.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 4}, {.hir_share = 0.4, .ghosts = 0}),
              ElementsAre(6, 4, 1, 2, 3));
}

TEST(Lirs, LearnsNothingFromASecondUseRightAfterTheFirst) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 5, 5}), ElementsAre(4, 5, 1, 2, 3));
}

TEST(Lirs, ForgetsWhatIsOlderThanEveryLirEntry) {
  // The LIR entries are used again, so that all places below theirs go: of 4, which has left, and
  // of 5 and 6 in the queue. Used again, 5 takes its next turn, and no LIR place.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 1, 2, 3, 5}), ElementsAre(6, 5, 1, 2, 3));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 1, 2, 3, 4}), ElementsAre(6, 4, 1, 2, 3));
  // The next use finds it in the stack.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 1, 2, 3, 5, 1, 5}), ElementsAre(6, 2, 3, 1, 5));
}

TEST(Lirs, KeepsTheGhostsThatLeftLast) {
  // Room for one ghost: 7 evicts 5, and 4 is forgotten.
  const LirsOptions one_ghost = {.hir_share = 0.4, .ghosts = 0.2};
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 5}, one_ghost), ElementsAre(7, 1, 2, 3, 5));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 4}, one_ghost), ElementsAre(7, 4, 1, 2, 3));
}

TEST(Lirs, BoundsTheStackAsAWhole) {
  // In a stack of six places there is one for a ghost besides the five entries.
  const LirsOptions six_places = {.hir_share = 0.4, .ghosts = 100, .stack = 1.2};
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 5}, six_places), ElementsAre(7, 1, 2, 3, 5));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 4}, six_places), ElementsAre(7, 4, 1, 2, 3));
}

TEST(Lirs, CountsAnUpdateAsAUse) {
  StrategyReplay cache(make_lirs(kTwoOfFive), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5});
  cache.update(1);
  cache.update(4);
  EXPECT_THAT(cache.drain(), ElementsAre(5, 2, 3, 1, 4));
}

// A loop over a tenth more than fits is where LRU never hits; LIRS lets the LIR share stay.
TEST(Lirs, HitsInALoopOverMoreThanFits) {
  Keys keys;
  for (int round = 0; round < 20; ++round) {
    for (const std::uint64_t key : from_to(1, 110)) keys.push_back(key);
  }
  EXPECT_EQ(count_misses(make_lru(), 100, keys), keys.size());
  EXPECT_EQ(count_misses(make_lirs(), 100, keys), 110U + 19U * 11U);
}

TEST(Lirs, KeepsItsLirEntriesThroughAScan) {
  StrategyReplay cache(make_lirs(), 100);
  cache.count_misses(from_to(1, 99));
  cache.count_misses(from_to(1'000, 100'000));
  for (const std::uint64_t key : from_to(1, 99)) EXPECT_TRUE(cache.contains(key)) << key;
}

// Trap C5: the LIR share shrinks with the cache, and those used last stay.
TEST(Lirs, KeepsTheLirEntriesUsedLastWhenItShrinks) {
  StrategyReplay cache(make_lirs({.hir_share = 0.1}), 100);
  cache.count_misses(from_to(1, 100));
  cache.resize(10);
  EXPECT_THAT(cache.drain(), ElementsAre(81, 82, 83, 84, 85, 86, 87, 88, 89, 90));
}

TEST(Lirs, FillsALargerLirShareWhenItGrows) {
  StrategyReplay cache(make_lirs(kTwoOfFive), 5);
  cache.count_misses(from_to(1, 5));
  cache.resize(10);  // Six LIR, four HIR.
  cache.count_misses(from_to(6, 10));
  EXPECT_THAT(cache.drain(), ElementsAre(4, 5, 9, 10, 1, 2, 3, 6, 7, 8));
}

TEST(Lirs, OrdersWhatItTakesOverByLastUseAndPutsWhatWasNeverHitIntoTheQueue) {
  StrategyReplay cache(make_lru(), 5);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_lirs(kTwoOfFive));
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 5, 2, 1));
}

// A ninth of the capacity is HIR, so that an entry of weight 9 of 10 fits the LIR share exactly.
TEST(Lirs, NeverMakesAnEntryLirThatIsHeavierThanTheShare) {
  const auto lirs = make_lirs({.hir_share = 0.1});
  lirs->on_resize({.amount = 10, .in_weight = true});
  std::array<EntryNode, 3> nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].hash = i;
  nodes[0].weight = 9;
  nodes[1].weight = 1;
  nodes[2].weight = 1;
  for (EntryNode& node : nodes) lirs->on_insert(node);
  EXPECT_EQ(lirs->choose_victim(), &nodes[1]);  // The first is LIR, and the others in the queue.
  nodes[0].weight = 10;
  lirs->on_update(nodes[0], 9);
  lirs->on_remove(nodes[1], RemovalCause::evicted);
  lirs->on_remove(nodes[2], RemovalCause::evicted);
  EXPECT_EQ(lirs->choose_victim(), &nodes[0]);
  EXPECT_EQ(lirs->outlook().next, &nodes[0]);  // In the queue, where outlook() looks.
}

TEST(Lirs, RefusesOptionsOutOfRange) {
  EXPECT_THAT([] { static_cast<void>(make_lirs({.hir_share = 1.5})); },
              ThrowsMessage<ConfigError>(HasSubstr("hir_share must be from 0 to 1, not 1.5")));
  EXPECT_THROW(static_cast<void>(make_lirs({.ghosts = -1})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_lirs({.stack = 10'001})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_lirs({.ghosts = std::numeric_limits<double>::quiet_NaN()})),
               ConfigError);
}

}  // namespace
}  // namespace tarmac
