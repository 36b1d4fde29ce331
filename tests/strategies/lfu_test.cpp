#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <vector>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

constexpr LfuOptions kExact = {.ageing = false};

TEST(Lfu, EvictsTheLowestCountAndAmongEqualsTheOneThatReachedItFirst) {
  StrategyReplay cache(make_lfu(kExact), 5);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U}) cache.request(key);
  for (const std::uint64_t key : {2U, 1U, 4U, 4U}) cache.request(key);
  EXPECT_THAT(cache.drain(), ElementsAre(3, 5, 2, 1, 4));
}

TEST(Lfu, CountsAnUpdateAsAUse) {
  StrategyReplay cache(make_lfu(kExact), 3);
  for (const std::uint64_t key : {1U, 2U, 3U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1));
}

TEST(Lfu, ForgetsTheCountOfAnEntryThatLeft) {
  StrategyReplay cache(make_lfu(kExact), 2);
  for (const std::uint64_t key : {1U, 1U, 1U, 2U, 2U}) cache.request(key);
  cache.erase(1);
  cache.request(1);
  EXPECT_THAT(cache.drain(), ElementsAre(1, 2));
}

// Trap C5: the ten most used of a thousand stay.
TEST(Lfu, KeepsTheMostUsedTenWhenItShrinks) {
  StrategyReplay cache(make_lfu(kExact), 1'000);
  for (std::uint64_t key = 0; key < 1'000; ++key) {
    for (std::uint64_t use = 0; use <= key; ++use) cache.request(key);
  }
  cache.resize(10);
  EXPECT_THAT(cache.drain(), ElementsAre(990, 991, 992, 993, 994, 995, 996, 997, 998, 999));
}

// Requests `count` times around the `size` keys from `first` on.
std::uint64_t misses_of_rounds(StrategyReplay& cache, std::uint64_t first, std::uint64_t size,
                               int rounds) {
  std::vector<std::uint64_t> keys;
  for (int round = 0; round < rounds; ++round) {
    for (std::uint64_t key = first; key < first + size; ++key) keys.push_back(key);
  }
  return cache.count_misses(keys);
}

// Trap D14. Goal: a hot set that is dead leaves within 60 times the capacity, and the new one then
// hits always. With a period of 10, counts are about 20, so that five halvings bring them to one.
TEST(Lfu, LetsADeadHotSetLeaveByAgeing) {
  constexpr std::uint64_t kCapacity = 100;
  StrategyReplay cache(make_lfu({.ageing = true, .ageing_period = 10}), kCapacity);
  misses_of_rounds(cache, 0, kCapacity, 200);
  const std::uint64_t while_it_leaves = misses_of_rounds(cache, 1'000, kCapacity, 60);
  EXPECT_GT(while_it_leaves, kCapacity);  // It does not leave at once: that would be LRU.
  EXPECT_EQ(misses_of_rounds(cache, 1'000, kCapacity, 10), 0U);
}

TEST(Lfu, KeepsADeadHotSetForEverWithoutAgeing) {
  constexpr std::uint64_t kCapacity = 100;
  StrategyReplay cache(make_lfu(kExact), kCapacity);
  misses_of_rounds(cache, 0, kCapacity, 200);
  misses_of_rounds(cache, 1'000, kCapacity, 60);
  EXPECT_EQ(misses_of_rounds(cache, 1'000, kCapacity, 10), 10 * kCapacity);
}

// Method: period 1 with two entries halves at every second use, so that counts meet.
TEST(Lfu, KeepsTheOrderOfEntriesWhoseCountsMeetInAHalving) {
  StrategyReplay cache(make_lfu({.ageing = true, .ageing_period = 100}), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U}) cache.request(key);
  for (const std::uint64_t key : {4U, 4U, 3U, 2U}) cache.request(key);  // Counts 1, 2, 2, 3.
  for (int use = 8; use < 400; ++use) cache.update(1);                  // The last one halves.
  EXPECT_THAT(cache.drain(), ElementsAre(3, 2, 4, 1));
}

TEST(Lfu, CountsTheVisitsOfWhatItTakesOver) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 1U, 1U, 2U, 2U, 3U, 4U, 3U}) cache.request(key);
  cache.swap_strategy(make_lfu(kExact));
  EXPECT_THAT(cache.drain(), ElementsAre(4, 2, 3, 1));
}

// Goal: with fewer buckets than different counts nothing is lost, and a new entry still leaves
// before used ones. Method: a capacity of 1 entry, and a thousand entries in spite of it.
TEST(Lfu, StaysSoundWithMoreCountsThanItReservedFor) {
  std::vector<EntryNode> nodes(1'000);
  const auto lfu = make_lfu(kExact);
  lfu->on_resize({.amount = 1});
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    lfu->on_insert(nodes[i]);
    for (std::size_t use = 0; use < i % 200 + 1; ++use) lfu->on_access(nodes[i]);
  }
  EntryNode newcomer;
  lfu->on_insert(newcomer);
  EXPECT_EQ(lfu->choose_victim(), &newcomer);
  lfu->on_remove(newcomer, RemovalCause::evicted);
  std::size_t drained = 0;
  while (EntryNode* const victim = lfu->choose_victim()) {
    lfu->on_remove(*victim, RemovalCause::evicted);
    ++drained;
  }
  EXPECT_EQ(drained, nodes.size());
}

TEST(Lfu, RefusesAPeriodOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_lfu({.ageing = true, .ageing_period = 0})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_lfu({.ageing = true, .ageing_period = 1'000'001})),
               ConfigError);
  EXPECT_NE(make_lfu({.ageing = true, .ageing_period = 1'000'000}), nullptr);
}

}  // namespace
}  // namespace tarmac
