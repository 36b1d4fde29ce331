#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/clock.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

TEST(Clock, GivesAnEntryThatWasHitAnotherRound) {
  StrategyReplay cache(make_clock(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U, 1U, 4U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));
  EXPECT_THAT(cache.drain(), ElementsAre(3, 1, 4));
}

TEST(Clock, AsksForMarks) { EXPECT_EQ(make_clock()->tracking(), AccessTracking::mark); }

// Key 1 is hit three times; then three keys that are used once need its place.
bool survives_three_evictions(const ClockOptions& options) {
  StrategyReplay cache(make_clock(options), 3);
  for (const std::uint64_t key : {1U, 2U, 3U, 1U, 1U, 1U, 4U, 5U, 6U}) cache.request(key);
  return cache.contains(1);
}

TEST(Clock, CountsOneHitWithOneBitAndThreeWithTwo) {
  EXPECT_FALSE(survives_three_evictions({.bits = 1}));
  EXPECT_TRUE(survives_three_evictions({.bits = 2}));
}

TEST(Clock, CountsAnUpdateAsAHit) {
  StrategyReplay cache(make_clock(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1));
}

TEST(Clock, HandsOverWhatWasHitLast) {
  std::array<EntryNode, 3> nodes;
  const auto clock = make_clock();
  for (EntryNode& node : nodes) clock->on_insert(node);
  raise_mark(nodes[0]);
  std::array<EntryNode*, 3> order{};
  clock->hand_over(order);
  EXPECT_THAT(order, ElementsAre(&nodes[1], &nodes[2], &nodes[0]));
}

TEST(Clock, OrdersWhatItTakesOverByLastUse) {
  StrategyReplay cache(make_fifo(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_clock());
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 2, 1));
}

TEST(Clock, RefusesBitsOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_clock({.bits = 0})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_clock({.bits = 3})), ConfigError);
}

}  // namespace
}  // namespace tarmac
