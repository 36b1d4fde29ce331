#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/fifo.h>
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

// 3 and 4 take the room above, which a full cache would have filled: newcomers replace each other.
TEST(Slru, FillsTheUpperSegmentsWithTheNewestOfWhatItTakesOver) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U}) cache.request(key);
  cache.swap_strategy(make_slru(kHalves));
  for (const std::uint64_t key : {5U, 6U, 7U}) cache.request(key);
  EXPECT_THAT(cache.drain(), ElementsAre(6, 7, 3, 4));
}

// A cache that is half empty has nothing in the upper half but what was hit.
TEST(Slru, LeavesRoomAboveInACacheThatIsNotFull) {
  StrategyReplay cache(make_lru(), 8);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U}) cache.request(key);
  cache.swap_strategy(make_slru(kHalves));
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 4, 1));
}

// That fifo knows of no hits does not mean that there were none: newcomers find the room above.
TEST(Slru, LiftsNothingWhoseHitsNobodyRecorded) {
  const auto fifo = make_fifo();
  std::array<EntryNode, 6> nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].inserted_at = nodes[i].accessed_at = static_cast<std::uint32_t>(i);
    nodes[i].hash = i;
  }
  for (std::size_t i = 0; i < 4; ++i) fifo->on_insert(nodes[i]);
  const auto slru = make_slru(kHalves);
  slru->on_resize({.amount = 4});
  std::array<EntryNode*, 4> order{};
  pass_on(*fifo, *slru, order);
  for (std::size_t i = 4; i < nodes.size(); ++i) {
    slru->on_remove(*slru->choose_victim(), RemovalCause::evicted);
    slru->on_insert(nodes[i]);
  }
  for (const std::size_t left : {2U, 3U, 4U, 5U}) {
    EntryNode* const victim = slru->choose_victim();
    EXPECT_EQ(victim, &nodes[left]);
    slru->on_remove(*victim, RemovalCause::evicted);
  }
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
