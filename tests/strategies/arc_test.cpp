#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/arc.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

// With two entries. The return of 2, which had left the first list, raises its target to 1, so that
// the second gives 1; the return of 1 lowers it again, so that the first gives 3.
TEST(Arc, MovesItsTargetByWhatComesBack) {
  StrategyReplay cache(make_arc(), 2);
  for (const std::uint64_t key : {1U, 2U, 1U, 3U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));
  cache.request(2);
  EXPECT_FALSE(cache.contains(1));
  EXPECT_TRUE(cache.contains(3));
  cache.request(1);
  EXPECT_FALSE(cache.contains(3));
  EXPECT_THAT(cache.drain(), ElementsAre(2, 1));
}

TEST(Arc, EvictsWhatWasUsedOnceFirst) {
  StrategyReplay cache(make_arc(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U, 3U}) cache.request(key);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 4, 1, 3));
}

TEST(Arc, CountsAnUpdateAsAHit) {
  StrategyReplay cache(make_arc(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1));
}

// Goal: in weight, the target moves by the weight of what comes back. Method: an entry of 50 comes
// back to a first list of 50, which is then no longer over its target; by 1 it would still be.
TEST(Arc, MovesItsTargetByTheWeightOfWhatComesBack) {
  const auto arc = make_arc();
  arc->on_resize({.amount = 100, .in_weight = true});
  std::array<EntryNode, 3> nodes = {EntryNode{.weight = 50, .hash = 1},
                                    EntryNode{.weight = 50, .hash = 2},
                                    EntryNode{.weight = 50, .hash = 3}};
  const auto bring = [&](EntryNode& node) {
    arc->on_arrival(node);
    arc->on_insert(node);
  };
  bring(nodes[0]);
  bring(nodes[1]);
  arc->on_access(nodes[1]);
  arc->on_remove(nodes[0], RemovalCause::evicted);
  bring(nodes[2]);
  arc->on_arrival(nodes[0]);
  EXPECT_EQ(arc->choose_victim(), &nodes[1]);
}

TEST(Arc, TakesOverWhatWasHitIntoTheSecondList) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_arc());
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 2, 1));
}

}  // namespace
}  // namespace tarmac
