#include "swap_fidelity.h"

#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

Request request(std::uint64_t key, std::uint64_t size = 1) {
  Request result;
  result.key = key;
  result.size = size;
  return result;
}

TEST(ReplaySwap, KeepsEveryObjectAndTheOrder) {
  StrategyReplay replay(strategy_registry().make("fifo"), {100, true});
  replay.play(request(1, 40));
  replay.play(request(2, 30));
  replay.play(request(3, 20));
  replay.swap_strategy(strategy_registry().make("lru"));
  EXPECT_EQ(replay.objects(), 3U);
  EXPECT_EQ(replay.used(), 90U);
  EXPECT_EQ(replay.result().evictions, 0U);
  EXPECT_TRUE(replay.play(request(1)));
  replay.play(request(4, 25));
  EXPECT_FALSE(replay.play(request(2, 5))) << "2 was the least recently used when 4 came";
  EXPECT_TRUE(replay.play(request(1)));
}

TEST(ReplaySwap, RefusesNoStrategyAndStaysAsItWas) {
  StrategyReplay replay(strategy_registry().make("fifo"), {2, false});
  replay.play(request(1));
  EXPECT_THROW(replay.swap_strategy(nullptr), ConfigError);
  EXPECT_TRUE(replay.play(request(1)));
}

// Goal: what a strategy knows survives a swap. Method: on the trace everybody has, every strategy
// that needs nothing but its entries to go on (one that takes over from itself goes on as if
// nothing had been), and the pairs of them.
TEST(SwapFidelity, OfAStrategyThatTakesOverFromItselfIsPerfect) {
  const auto strategies = parse_strategies("fifo,lru");
  for (const SwapFidelity& swap : measure_swaps(strategies, strategies, {{shipped_trace(), 208}})) {
    EXPECT_GT(swap.window, 2'000U);
    if (swap.from == swap.to) {
      EXPECT_EQ(swap.swapped, swap.from_the_start) << swap.to;
    }
  }
}

TEST(SwapFidelity, IsNearerThanAColdStart) {
  std::vector<StrategyChoice> strategies;
  for (const StrategyDescription& row : catalog()) {
    if (row.name != "ttl") strategies.push_back({std::string(row.name), {}});
  }
  const auto swaps = measure_swaps(strategies, strategies, {{shipped_trace(), 625}});
  EXPECT_EQ(swaps.size(), strategies.size() * strategies.size());
  for (const SwapFidelity& swap : swaps) {
    EXPECT_TRUE(swap.is_nearer_than_cold())
        << swap.from << " to " << swap.to << ": " << swap.difference() * 100 << " points, cold "
        << swap.cold_difference() * 100;
  }
  EXPECT_THAT(fidelity_table(swaps), ::testing::HasSubstr("| `fifo` | `lru` | 1 | "));
}

}  // namespace
}  // namespace tarmac::simulator_tests
