#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/gdsf.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <vector>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

TEST(Gdsf, EvictsTheFewestUsesAndAmongEqualsTheOneUsedTheLongestTimeAgo) {
  StrategyReplay cache(make_gdsf(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 4U, 4U, 3U, 1U}) cache.request(key);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1, 4));
}

// Key 1 had three uses. With each eviction newcomers start higher: 3 at two, 4 at three, 5 at four.
TEST(Gdsf, OvertakesWhatIsNotUsedAnyMore) {
  StrategyReplay cache(make_gdsf(), 2);
  for (const std::uint64_t key : {1U, 1U, 1U, 2U, 3U, 4U}) cache.request(key);
  EXPECT_TRUE(cache.contains(1));
  cache.request(5);
  EXPECT_FALSE(cache.contains(1));
}

/// Entries of `weights` with `visits`, in the order in which they would leave.
std::vector<std::size_t> order_of(const std::vector<std::uint32_t>& weights,
                                  const std::vector<std::uint16_t>& visits, bool in_weight) {
  std::vector<EntryNode> nodes(weights.size());
  const auto gdsf = make_gdsf();
  gdsf->on_resize({.amount = 1'000, .in_weight = in_weight});
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].weight = weights[i];
    nodes[i].accessed_at = static_cast<std::uint32_t>(i);
    gdsf->on_insert(nodes[i]);
    nodes[i].visits = visits[i];
    gdsf->on_access_run(nodes[i], visits[i]);
  }
  std::vector<EntryNode*> order(nodes.size());
  gdsf->hand_over(order);
  std::vector<std::size_t> places;
  for (const EntryNode* node : order)
    places.push_back(static_cast<std::size_t>(node - nodes.data()));
  return places;
}

TEST(Gdsf, WeighsUsesAgainstSizeWhereTheCapacityIsInWeight) {
  EXPECT_THAT(order_of({10, 1, 5, 0}, {14, 0, 1, 1}, true), ElementsAre(2, 1, 0, 3));
  EXPECT_THAT(order_of({10, 1, 5, 0}, {14, 0, 1, 1}, false), ElementsAre(1, 2, 3, 0));
}

// The largest and the smallest gain there are: one use of 4 GiB, 65,536 uses of nothing.
TEST(Gdsf, HasAQueueForEveryWeightAndNumberOfUses) {
  EXPECT_THAT(order_of({0xFFFF'FFFFU, 0, 0xFFFF'FFFFU, 1'000}, {0xFFFF, 0xFFFF, 0, 999}, true),
              ElementsAre(2, 0, 3, 1));
}

TEST(Gdsf, FollowsAWeightThatChanges) {
  const auto gdsf = make_gdsf();
  gdsf->on_resize({.amount = 100, .in_weight = true});
  std::array<EntryNode, 2> nodes = {EntryNode{.weight = 9}, EntryNode{.weight = 2}};
  for (EntryNode& node : nodes) gdsf->on_insert(node);
  EXPECT_EQ(gdsf->choose_victim(), &nodes[0]);
  nodes[1].weight = 90;
  gdsf->on_update(nodes[1], 2);
  EXPECT_EQ(gdsf->choose_victim(), &nodes[1]);
}

// Goal: what the cache fetches ahead is what leaves, as long as the entries are used alike.
TEST(Gdsf, ForeseesTheNextVictimAndTheOneAfter) {
  std::vector<EntryNode> nodes(100);
  const auto gdsf = make_gdsf();
  EXPECT_EQ(gdsf->outlook().next, nullptr);
  for (EntryNode& node : nodes) gdsf->on_insert(node);
  for (auto left = nodes.size(); left > 0; --left) {
    const auto ahead = gdsf->outlook();
    EntryNode* const victim = gdsf->choose_victim();
    ASSERT_EQ(ahead.next, victim);
    gdsf->on_remove(*victim, RemovalCause::evicted);
    ASSERT_EQ(ahead.after, gdsf->choose_victim());
  }
}

TEST(Gdsf, CountsTheHitsOfWhatItTakesOver) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 1U, 1U, 2U, 2U, 3U, 4U, 3U}) cache.request(key);
  cache.swap_strategy(make_gdsf());
  EXPECT_THAT(cache.drain(), ElementsAre(4, 2, 3, 1));
}

}  // namespace
}  // namespace tarmac
