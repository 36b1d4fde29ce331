#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/ttl.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <random>
#include <vector>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

class TtlTest : public ::testing::Test {
 protected:
  TtlTest() {
    for (EntryNode& node : nodes_) ttl_->on_insert(node);
  }
  ~TtlTest() override { drain(); }
  TtlTest(const TtlTest&) = delete;
  TtlTest& operator=(const TtlTest&) = delete;

  void move(std::size_t node, SteadyNanos expires_at) {
    nodes_[node].expires_at = expires_at;
    ttl_->on_access(nodes_[node]);
  }

  std::vector<std::ptrdiff_t> drain() {
    std::vector<std::ptrdiff_t> left;
    while (EntryNode* const victim = ttl_->choose_victim()) {
      ttl_->on_remove(*victim, RemovalCause::evicted);
      left.push_back(victim - nodes_.data());
    }
    return left;
  }

  std::array<EntryNode, 4> nodes_ = {EntryNode{.expires_at = 30}, EntryNode{}, EntryNode{},
                                     EntryNode{.expires_at = 20}};
  std::unique_ptr<EvictionStrategy> ttl_ = make_ttl();
};

TEST_F(TtlTest, EvictsTheSoonestToExpireAndThenTheOldestWithoutADeadline) {
  EXPECT_THAT(drain(), ElementsAre(3, 0, 1, 2));
}

TEST_F(TtlTest, FollowsADeadlineThatAHitMoves) {
  move(3, 40);
  EXPECT_THAT(drain(), ElementsAre(0, 3, 1, 2));
}

TEST_F(TtlTest, FollowsAnEntryThatGetsADeadlineOrLosesIt) {
  nodes_[1].expires_at = 25;
  ttl_->on_update(nodes_[1], 1);
  nodes_[3].expires_at = kNever;
  ttl_->on_update(nodes_[3], 1);
  EXPECT_THAT(drain(), ElementsAre(1, 0, 2, 3));
}

TEST_F(TtlTest, LeavesEntriesInPlaceWhenAHitMovesNothing) {
  move(1, kNever);
  move(0, 30);
  EXPECT_THAT(drain(), ElementsAre(3, 0, 1, 2));
}

TEST(Ttl, EvictsEqualDeadlinesInTheOrderOfArrival) {
  StrategyReplay cache(make_ttl(), 4);
  for (const std::uint64_t key : {4U, 1U, 3U, 2U}) cache.request(key, 100);
  cache.request(4);
  EXPECT_THAT(cache.drain(), ElementsAre(4, 1, 3, 2));
}

TEST(Ttl, OrdersWhatItTakesOverByDeadlineAndThenByArrival) {
  StrategyReplay cache(make_lru(), 5);
  cache.request(1);
  cache.request(2, 50);
  cache.request(3);
  cache.request(4, 40);
  cache.request(5, 50);
  for (const std::uint64_t key : {1U, 2U}) cache.request(key);
  cache.swap_strategy(make_ttl());
  EXPECT_THAT(cache.drain(), ElementsAre(4, 2, 5, 1, 3));
}

// Goal: what the cache fetches ahead is what leaves. Method: any deadlines in any order, so that
// the soonest hangs now above its successor and now below, and entries without one behind them.
TEST(Ttl, ForeseesTheNextVictimAndTheOneAfter) {
  std::mt19937_64 random(5);
  std::vector<EntryNode> nodes(200);
  const auto ttl = make_ttl();
  EXPECT_EQ(ttl->outlook().next, nullptr);
  for (EntryNode& node : nodes) {
    if (random() % 4 != 0) node.expires_at = static_cast<SteadyNanos>(random() % 100);
    ttl->on_insert(node);
  }
  for (auto left = nodes.size(); left > 0; --left) {
    const auto ahead = ttl->outlook();
    EntryNode* const victim = ttl->choose_victim();
    EXPECT_EQ(ahead.next, victim);
    ttl->on_remove(*victim, RemovalCause::evicted);
    ASSERT_EQ(ahead.after, ttl->choose_victim());
  }
}

}  // namespace
}  // namespace tarmac
