#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/random.h>
#include <tarmac/testing/strategy_replay.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

TEST(Random, DoesNotAskForHits) { EXPECT_EQ(make_random()->tracking(), AccessTracking::none); }

// Goal: each entry is as likely to leave as any other, wherever it stands and however long. Method:
// a hundred thousand evictions of a hundred entries; each should be the victim a thousand times,
// give or take five standard deviations.
TEST(Random, GivesEachEntryTheSameChance) {
  std::vector<EntryNode> nodes(100);
  std::vector<int> victims(nodes.size());
  const auto random = make_random();
  for (EntryNode& node : nodes) random->on_insert(node);
  for (int i = 0; i < 100'000; ++i) {
    EntryNode* const victim = random->choose_victim();
    ++victims[static_cast<std::size_t>(victim - nodes.data())];
    random->on_remove(*victim, RemovalCause::evicted);
    random->on_insert(*victim);
  }
  const auto [fewest, most] = std::ranges::minmax(victims);
  EXPECT_GT(fewest, 1'000 - 160);
  EXPECT_LT(most, 1'000 + 160);
}

// Around a loop of n keys with room for c, a key is still there with the chance exp(-m n / c) if m
// is the share of misses; for n = 2 c that makes m = 0.797.
TEST(Random, MissesInALoopWhatTheoryPredicts) {
  StrategyReplay cache(make_random(), 500);
  for (std::uint64_t i = 0; i < 200'000; ++i) cache.request(i % 1'000);
  const double misses = static_cast<double>(cache.misses()) / 200'000;
  EXPECT_NEAR(misses, 1 - std::exp(-2 * misses), 0.005);
  EXPECT_NEAR(misses, 0.797, 0.005);
}

std::vector<std::uint64_t> victims_of(std::uint64_t seed) {
  StrategyReplay cache(make_random({.seed = seed}), 50);
  for (std::uint64_t key = 0; key < 50; ++key) cache.request(key);
  return cache.drain();
}

TEST(Random, RepeatsItselfWithTheSameSeedOnly) {
  EXPECT_EQ(victims_of(1), victims_of(1));
  EXPECT_NE(victims_of(1), victims_of(2));
}

/// Inserts the keys from `from` to `to`. Who left, in this order.
std::vector<std::uint64_t> left_for(StrategyReplay& cache, std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> left;
  for (std::uint64_t key = from; key < to; ++key) {
    std::vector<std::uint64_t> there;
    for (std::uint64_t old = 0; old < key; ++old) {
      if (cache.contains(old)) there.push_back(old);
    }
    cache.request(key);
    std::erase_if(there, [&cache](std::uint64_t old) { return cache.contains(old); });
    left.insert(left.end(), there.begin(), there.end());
  }
  return left;
}

// Whatever is known of the chances ahead, they are taken in their order, and each from as many
// entries as there are at that moment: in a full cache, after some were erased, in one that grows
// and shrinks, at a swap and to the last.
TEST(Random, GivesAnotherReleaseTheSameVictims) {
  StrategyReplay cache(make_random({.seed = 7}), 8);
  EXPECT_THAT(left_for(cache, 0, 24),
              ElementsAre(7, 4, 2, 3, 9, 1, 6, 13, 12, 15, 10, 8, 14, 0, 19, 20));
  cache.erase(23);
  EXPECT_THAT(left_for(cache, 24, 30), ElementsAre(24, 25, 5, 22, 28));
  cache.resize(11);
  EXPECT_THAT(left_for(cache, 30, 40), ElementsAre(26, 32, 17, 18, 16, 21, 35));
  cache.resize(6);
  EXPECT_THAT(left_for(cache, 40, 48), ElementsAre(27, 34, 40, 11, 41, 36, 44, 45));
  cache.swap_strategy(make_random({.seed = 8}));
  EXPECT_THAT(left_for(cache, 48, 54), ElementsAre(31, 48, 43, 39, 50, 46));
  EXPECT_THAT(cache.drain(), ElementsAre(53, 51, 42, 49, 47, 52));
}

// Goal: in a full cache, what the cache fetches ahead is what leaves. Of the entry that is about to
// come in nothing can be said yet, and what it takes the place of moves: so now and then it is not.
TEST(Random, ForeseesTheNextVictimsOfAFullCache) {
  std::vector<EntryNode> nodes(1'000);
  const auto random = make_random();
  random->on_resize({.amount = nodes.size()});
  for (EntryNode& node : nodes) random->on_insert(node);
  EvictionStrategy::Outlook before;
  int foreseen_after = 0;
  for (int i = 0; i < 2'000; ++i) {
    EntryNode* const victim = random->choose_victim();
    EXPECT_EQ(random->outlook().next, victim);
    if (i > 0 && before.next != nullptr) EXPECT_EQ(before.next, victim);
    random->on_remove(*victim, RemovalCause::evicted);
    const auto ahead = random->outlook();
    if (ahead.next == before.after) ++foreseen_after;
    before = ahead;
    random->on_insert(*victim);
  }
  EXPECT_GT(foreseen_after, 1'980);
}

// Goal: nothing is lost, whatever is removed, where the places are listed and where they hang in
// the tree below. Method: removals anywhere, down to few and up again, in entries and in weight,
// where far fewer are listed than there are; then a new capacity in entries, which lists all of
// them.
TEST(Random, FindsEveryEntryAfterAnyRemovals) {
  for (const bool in_weight : {false, true}) {
    std::vector<EntryNode> nodes(6'000);
    const auto random = make_random();
    random->on_resize({.amount = nodes.size(), .in_weight = in_weight});
    const auto insert = [&](std::size_t from, std::size_t to, std::size_t step) {
      for (std::size_t i = from; i < to; i += step) random->on_insert(nodes[i]);
    };
    const auto remove = [&](std::size_t from, std::size_t to, std::size_t step) {
      for (std::size_t i = from; i < to; i += step) {
        random->on_remove(nodes[i], RemovalCause::erased);
      }
    };
    insert(0, 6'000, 1);
    remove(0, 6'000, 3);
    insert(0, 6'000, 3);
    remove(100, 5'000, 1);
    insert(100, 4'000, 1);
    random->on_resize({.amount = 5'500});
    insert(4'000, 5'000, 1);
    remove(0, 6'000, 2);
    std::set<const EntryNode*> left;
    while (EntryNode* const victim = random->choose_victim()) {
      EXPECT_EQ((victim - nodes.data()) % 2, 1);
      left.insert(victim);
      random->on_remove(*victim, RemovalCause::evicted);
    }
    EXPECT_EQ(left.size(), 3'000U);
  }
}

}  // namespace
}  // namespace tarmac
