#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>

namespace tarmac::testing {
namespace {

using ::testing::ElementsAre;

TEST(StrategyReplay, CountsMissesOfASequenceWorkedOutByHand) {
  // Capacity 2: 1 miss, 2 miss, 1 hit, 3 miss (2 leaves), 2 miss (1 leaves), 3 hit.
  constexpr std::array<std::uint64_t, 6> kKeys = {1, 2, 1, 3, 2, 3};
  EXPECT_EQ(count_misses(make_lru(), 2, kKeys), 4U);
}

// Inserting first would make the newcomer, with its count of one, its own victim.
TEST(StrategyReplay, EvictsBeforeItInserts) {
  StrategyReplay cache(make_lfu({.ageing = false}), 2);
  for (const std::uint64_t key : {1U, 1U, 2U, 2U, 3U}) cache.request(key);
  EXPECT_TRUE(cache.contains(3));
  EXPECT_FALSE(cache.contains(1));
  EXPECT_EQ(cache.size(), 2U);
}

TEST(StrategyReplay, EvictsOnlyWhatIsTooMuchWhenItShrinks) {
  StrategyReplay cache(make_lru(), 5);
  for (std::uint64_t key = 0; key < 5; ++key) cache.request(key);
  cache.resize(2);
  EXPECT_EQ(cache.size(), 2U);
  cache.resize(3);
  cache.request(9);
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 9));
}

TEST(StrategyReplay, ErasesOnlyWhatIsThere) {
  StrategyReplay cache(make_lru(), 2);
  cache.request(1);
  EXPECT_FALSE(cache.erase(2));
  EXPECT_TRUE(cache.erase(1));
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace tarmac::testing
