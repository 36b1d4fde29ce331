#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/two_q.h>
#include <tarmac/testing/strategy_replay.h>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

// One of the four is the share of the line, and two keys that left it are remembered.
TEST(TwoQ, KeepsByUseOnlyWhatComesBackInTime) {
  StrategyReplay cache(make_two_q(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 2U, 6U, 7U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));  // Its hit while it waited has counted nothing.
  cache.request(2);                 // Comes back.
  cache.request(1);                 // Comes back too late.
  EXPECT_THAT(cache.drain(), ElementsAre(6, 7, 2, 1));
}

TEST(TwoQ, OrdersWhatCameBackByLastUse) {
  StrategyReplay cache(make_two_q({.in_share = 0.25, .out_share = 1}), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 6U, 1U, 2U, 1U}) cache.request(key);
  EXPECT_THAT(cache.drain(), ElementsAre(5, 2, 1, 6));
}

TEST(TwoQ, CountsAnUpdateLikeAHit) {
  StrategyReplay cache(make_two_q({.in_share = 0.25, .out_share = 1}), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 6U, 1U, 2U}) cache.request(key);
  cache.update(1);
  cache.update(5);
  EXPECT_THAT(cache.drain(), ElementsAre(5, 2, 1, 6));
}

TEST(TwoQ, KeepsInTheLineTheLatestOfWhatItTakesOver) {
  StrategyReplay cache(make_lru(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 4U, 3U, 1U}) cache.request(key);
  cache.swap_strategy(make_two_q());
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1, 4));
}

TEST(TwoQ, RefusesSharesOutOfRange) {
  for (const TwoQOptions& wrong : {TwoQOptions{.in_share = -0.1}, TwoQOptions{.in_share = 1.1},
                                   TwoQOptions{.out_share = -1}, TwoQOptions{.out_share = 11}}) {
    EXPECT_THROW(static_cast<void>(make_two_q(wrong)), ConfigError);
  }
}

}  // namespace
}  // namespace tarmac
