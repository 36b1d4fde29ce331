#include <gtest/gtest.h>
#include <tarmac/strategies/random.h>
#include <tarmac/testing/strategy_replay.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace tarmac {
namespace {

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

// Goal: the tree stays whole whatever is removed. Method: removals anywhere, down to nothing and up
// again; each entry must be found.
TEST(Random, FindsEveryEntryAfterAnyRemovals) {
  StrategyReplay cache(make_random(), 1'000);
  for (std::uint64_t key = 0; key < 600; ++key) cache.request(key);
  for (std::uint64_t key = 0; key < 600; key += 3) cache.erase(key);
  for (std::uint64_t key = 600; key < 700; ++key) cache.request(key);
  for (std::uint64_t key = 699; key >= 650; --key) cache.erase(key);
  const auto left = cache.drain();
  EXPECT_EQ(std::set<std::uint64_t>(left.begin(), left.end()).size(), 450U);
  EXPECT_EQ(left.size(), 450U);
}

}  // namespace
}  // namespace tarmac
