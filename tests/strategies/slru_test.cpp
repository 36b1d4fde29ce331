#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/slru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <string>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

const SlruOptions kHalves = {.segments = "1:1"};

// 1 and 2 fill the lower half, 3 and 4 the upper one. The hit of 1 puts 3 down.
TEST(Slru, LiftsWhatIsHitAndLowersWhatIsTooMuch) {
  StrategyReplay cache(make_slru(kHalves), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U, 5U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));
  EXPECT_THAT(cache.drain(), ElementsAre(3, 5, 4, 1));
}

TEST(Slru, HasFourEqualSegmentsUnlessToldOtherwise) {
  StrategyReplay cache(make_slru(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U, 1U, 1U}) cache.request(key);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 4, 1));
  StrategyReplay halves(make_slru(kHalves), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U, 1U, 1U}) halves.request(key);
  EXPECT_THAT(halves.drain(), ElementsAre(2, 3, 4, 1));
}

TEST(Slru, CountsAnUpdateAsAHit) {
  StrategyReplay cache(make_slru(kHalves), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 4, 1));
}

TEST(Slru, DoesNotLiftWhatIsLargerThanTheSegmentAbove) {
  const auto slru = make_slru(kHalves);
  slru->on_resize({.amount = 10, .in_weight = true});
  std::array<EntryNode, 2> nodes = {EntryNode{.weight = 6}, EntryNode{.weight = 2}};
  for (EntryNode& node : nodes) slru->on_insert(node);
  slru->on_access(nodes[1]);
  slru->on_access(nodes[0]);
  EXPECT_EQ(slru->choose_victim(), &nodes[0]);
}

TEST(Slru, LowersWhatGrowsOverItsSegment) {
  const auto slru = make_slru(kHalves);
  slru->on_resize({.amount = 10, .in_weight = true});
  std::array<EntryNode, 2> nodes = {EntryNode{.weight = 2}, EntryNode{.weight = 2}};
  for (EntryNode& node : nodes) {
    slru->on_insert(node);
    slru->on_access(node);
  }
  nodes[0].weight = 9;
  slru->on_update(nodes[0], 2);
  EXPECT_EQ(slru->choose_victim(), &nodes[1]);
  slru->on_remove(nodes[1], RemovalCause::evicted);
  EXPECT_EQ(slru->choose_victim(), &nodes[0]);
}

TEST(Slru, TakesOverEachAsHighAsItsHitsAndTheRoomAllow) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U, 2U, 4U}) cache.request(key);
  cache.swap_strategy(make_slru(kHalves));
  EXPECT_THAT(cache.drain(), ElementsAre(3, 1, 2, 4));
  for (const std::uint64_t key : {1U, 2U, 1U, 3U, 4U}) cache.request(key);
  cache.swap_strategy(make_slru());
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 4, 1));
}

TEST(Slru, RefusesWhatIsNoListOfProportions) {
  const std::string seventeen = "1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1";
  for (const std::string& wrong :
       {std::string(), std::string("1"), std::string("1:0"), std::string("1:2:x"),
        std::string("1::2"), std::string(":1:2"), std::string("1:2:"), std::string("1:-2"),
        std::string("1 :2"), std::string("1:1000001"), seventeen}) {
    EXPECT_THROW(static_cast<void>(make_slru({.segments = wrong})), ConfigError) << wrong;
  }
  EXPECT_NE(make_slru({.segments = seventeen.substr(2)}), nullptr);
}

}  // namespace
}  // namespace tarmac
