#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

TEST(Fifo, EvictsInOrderOfArrivalHoweverOftenAnEntryIsUsed) {
  StrategyReplay cache(make_fifo(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U, 1U, 1U, 4U}) cache.request(key);
  EXPECT_FALSE(cache.contains(1));
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 4));
}

TEST(Fifo, DoesNotAskForHits) { EXPECT_EQ(make_fifo()->tracking(), AccessTracking::none); }

TEST(Fifo, LeavesAnUpdatedEntryItsTurn) {
  StrategyReplay cache(make_fifo(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(1, 2, 3));
}

TEST(Fifo, OrdersWhatItTakesOverByArrival) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_fifo());
  EXPECT_THAT(cache.drain(), ElementsAre(1, 2, 3, 4));
}

// Trap C5.
TEST(Fifo, KeepsTheLastTenArrivalsWhenItShrinks) {
  StrategyReplay cache(make_fifo(), 1'000);
  for (std::uint64_t key = 0; key < 1'000; ++key) cache.request(key);
  cache.request(0);
  cache.resize(10);
  EXPECT_THAT(cache.drain(), ElementsAre(990, 991, 992, 993, 994, 995, 996, 997, 998, 999));
}

}  // namespace
}  // namespace tarmac
