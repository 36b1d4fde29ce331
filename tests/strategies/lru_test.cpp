#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

TEST(Lru, EvictsTheEntryNotUsedForTheLongestTime) {
  StrategyReplay cache(make_lru(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U, 1U, 4U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));
  EXPECT_THAT(cache.drain(), ElementsAre(3, 1, 4));
}

TEST(Lru, CountsAnUpdateAsAUse) {
  StrategyReplay cache(make_lru(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1));
}

// Trap C5: shrinking keeps what was used last, in the right order and number.
TEST(Lru, KeepsTheMostRecentTenWhenItShrinks) {
  StrategyReplay cache(make_lru(), 1'000);
  for (std::uint64_t key = 0; key < 1'000; ++key) cache.request(key);
  for (const std::uint64_t key : {7U, 500U, 3U}) cache.request(key);
  cache.resize(10);
  EXPECT_THAT(cache.drain(), ElementsAre(993, 994, 995, 996, 997, 998, 999, 7, 500, 3));
}

TEST(Lru, OrdersWhatItTakesOverByLastUse) {
  StrategyReplay cache(make_fifo(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_lru());
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 2, 1));
}

// Trap D12: a coarse clock gives many entries one tick; the order given then decides.
TEST(Lru, KeepsTheGivenOrderAmongEqualTicks) {
  std::array<EntryNode, 4> nodes;
  nodes[3].accessed_at = 0xFFFF'FFFFU;  // One tick before the others, across the wrap.
  std::array<EntryNode*, 4> order = {&nodes[2], &nodes[0], &nodes[3], &nodes[1]};
  const auto lru = make_lru();
  lru->take_over(order);
  lru->hand_over(order);
  EXPECT_THAT(order, ElementsAre(&nodes[3], &nodes[2], &nodes[0], &nodes[1]));
}

}  // namespace
}  // namespace tarmac
