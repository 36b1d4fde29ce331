#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/frd.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <set>
#include <vector>

namespace tarmac {
namespace {

using testing::count_misses;
using ::testing::ElementsAre;
using testing::StrategyReplay;

using Keys = std::vector<std::uint64_t>;

// Of five entries, three are main and two in the filter.
constexpr FrdOptions kThreeOfFive = {.main_share = 0.6};

Keys from_to(std::uint64_t first, std::uint64_t last) {
  Keys keys;
  for (std::uint64_t key = first; key <= last; ++key) keys.push_back(key);
  return keys;
}

/// What drain() yields after `keys`: the filter, then the main entries, each by last use.
Keys order_after(const Keys& keys, const FrdOptions& options = kThreeOfFive) {
  StrategyReplay cache(make_frd(options), 5);
  cache.count_misses(keys);
  return cache.drain();
}

TEST(Frd, FillsTheMainShareFirstAndEvictsFromTheFilter) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5}), ElementsAre(4, 5, 1, 2, 3));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7}), ElementsAre(6, 7, 1, 2, 3));
}

TEST(Frd, KeepsBothPartsInOrderOfLastUse) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 4, 1}), ElementsAre(5, 4, 2, 3, 1));
}

TEST(Frd, PutsAKeyThatComesBackInPlaceOfTheOldestMainEntry) {
  // 6 evicts 4; when 4 comes back it evicts 1, and the filter stays as it is.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 4}), ElementsAre(5, 6, 2, 3, 4));
  // Without a memory, 4 is one newcomer more.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 4}, {.main_share = 0.6, .ghosts = 0}),
              ElementsAre(6, 4, 1, 2, 3));
}

TEST(Frd, LeavesAnEntryInTheFilterHoweverOftenItIsHitThere) {
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 5, 5, 4, 4}), ElementsAre(5, 4, 1, 2, 3));
}

TEST(Frd, ForgetsWhatIsOlderThanEveryMainEntry) {
  // All main entries are used after 4 left, and so it comes back as a newcomer.
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 1, 2, 3, 4}), ElementsAre(6, 4, 1, 2, 3));
}

TEST(Frd, KeepsTheGhostsThatLeftLast) {
  const FrdOptions one_ghost = {.main_share = 0.6, .ghosts = 0.2};
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 5}, one_ghost), ElementsAre(6, 7, 2, 3, 5));
  EXPECT_THAT(order_after({1, 2, 3, 4, 5, 6, 7, 4}, one_ghost), ElementsAre(7, 4, 1, 2, 3));
}

TEST(Frd, CountsAnUpdateAsAUse) {
  StrategyReplay cache(make_frd(kThreeOfFive), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5});
  cache.update(4);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(5, 4, 2, 3, 1));
}

// Goal: in a loop over a tenth more than fits, the main entries stay: all but the filter hits.
TEST(Frd, HitsInALoopOverMoreThanFits) {
  Keys keys;
  for (int round = 0; round < 20; ++round) {
    for (const std::uint64_t key : from_to(1, 110)) keys.push_back(key);
  }
  EXPECT_EQ(count_misses(make_lru(), 100, keys), keys.size());
  EXPECT_EQ(count_misses(make_frd(), 100, keys), 110U + 19U * 20U);
}

TEST(Frd, KeepsItsMainEntriesThroughAScan) {
  StrategyReplay cache(make_frd(), 100);
  cache.count_misses(from_to(1, 90));
  cache.count_misses(from_to(1'000, 100'000));
  for (const std::uint64_t key : from_to(1, 90)) EXPECT_TRUE(cache.contains(key)) << key;
}

// Trap C5. The filter may keep its entries, the main share must give way.
TEST(Frd, LetsTheMainShareGiveWayWhenItShrinks) {
  StrategyReplay cache(make_frd({.main_share = 0.9}), 100);
  cache.count_misses(from_to(1, 100));
  cache.resize(10);
  EXPECT_THAT(cache.drain(), ElementsAre(100, 82, 83, 84, 85, 86, 87, 88, 89, 90));
}

TEST(Frd, OrdersWhatItTakesOverByLastUseAndPrefersWhatWasHitForTheMainShare) {
  StrategyReplay cache(make_lru(), 5);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_frd(kThreeOfFive));
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 5, 2, 1));
}

// A key that came back, but is heavier than the main share, must not evict it all.
TEST(Frd, LeavesAnEntryInTheFilterThatIsHeavierThanTheMainShare) {
  const auto frd = make_frd({.main_share = 0.5});
  frd->on_resize({.amount = 10, .in_weight = true});
  std::array<EntryNode, 3> nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].hash = i;
  nodes[0].weight = 5;
  nodes[1].weight = 6;
  nodes[2].weight = 5;
  for (EntryNode& node : nodes) frd->on_insert(node);
  frd->on_remove(nodes[1], RemovalCause::evicted);
  frd->on_arrival(nodes[1]);
  EXPECT_EQ(frd->choose_victim(), &nodes[2]);
  frd->on_insert(nodes[1]);
  EXPECT_EQ(frd->choose_victim(), &nodes[2]);
  frd->on_remove(nodes[2], RemovalCause::evicted);
  EXPECT_EQ(frd->choose_victim(), &nodes[1]);
}

// Goal: whichever part the victim comes from, the cache was told of it before, so that its memory
// could be fetched. Method: a full cache in which each third key that arrives has been there.
TEST(Frd, ForeseesTheNextVictimOfEachPart) {
  std::vector<EntryNode> nodes(201);
  const auto frd = make_frd({.main_share = 0.8});
  frd->on_resize({.amount = 200});
  EXPECT_EQ(frd->outlook().next, nullptr);
  std::uint64_t hash = 0;
  for (EntryNode& node : nodes) {
    node.hash = ++hash;
    if (&node != &nodes.back()) frd->on_insert(node);
  }
  std::set<const EntryNode*> told;
  EntryNode* outside = &nodes.back();
  std::uint64_t returned = 0;
  for (int i = 0; i < 900; ++i) {
    outside->hash = i % 3 == 2 ? returned : ++hash;
    frd->on_arrival(*outside);
    EntryNode* const victim = frd->choose_victim();
    if (i > 10) ASSERT_TRUE(told.contains(victim)) << i;
    frd->on_remove(*victim, RemovalCause::evicted);
    told.erase(victim);
    told.insert(frd->outlook().next);
    if (i % 3 == 0) returned = victim->hash;
    frd->on_insert(*outside);
    outside = victim;
  }
}

TEST(Frd, RefusesOptionsOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_frd({.main_share = -0.1})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_frd({.main_share = 1.1})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_frd({.ghosts = 1e9})), ConfigError);
}

}  // namespace
}  // namespace tarmac
