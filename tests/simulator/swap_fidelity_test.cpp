#include "swap_fidelity.h"

#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/scratch_folder.h>

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
      EXPECT_EQ(swap.imitated, swap.from_the_start) << swap.to;
      EXPECT_EQ(swap.at_best, swap.from_the_start) << swap.to;
    }
  }
}

// Where it cannot be: random has no order to be true to, so that a cold start comes as near as
// chance has it; and fifo records no hits, without which lirs and frd cannot tell what to keep for
// long. Then it must at least not cost much more than a cold start.
bool can_be_nearer(const SwapFidelity& swap) {
  return swap.to != "random" && !(swap.from == "fifo" && (swap.to == "lirs" || swap.to == "frd"));
}

TEST(SwapFidelity, IsNearerThanAColdStart) {
  std::vector<StrategyChoice> strategies;
  for (const StrategyDescription& row : catalog()) {
    if (row.name != "ttl") strategies.push_back({std::string(row.name), {}});
  }
  const auto swaps = measure_swaps(strategies, strategies, {{shipped_trace(), 625}});
  EXPECT_EQ(swaps.size(), strategies.size() * strategies.size());
  for (const SwapFidelity& swap : swaps) {
    const std::string which = swap.from + " to " + swap.to;
    if (can_be_nearer(swap)) {
      EXPECT_TRUE(swap.is_nearer_than_cold()) << which << ": " << swap.difference() * 100
                                              << " points, cold " << swap.cold_difference() * 100;
    } else {
      EXPECT_GT(swap.swapped, swap.cold - 0.02) << which;
    }
  }
  EXPECT_THAT(fidelity_table(swaps), ::testing::HasSubstr("| `fifo` | `lru` | 1 | "));
}

SwapFidelity fifo_to_lru(const std::string& keys) {
  const testing::ScratchFolder folder;
  const auto trace = folder.write("trace.csv", "key\n" + keys);
  return measure_swaps(parse_strategies("fifo"), parse_strategies("lru"), {{trace, 2}}).front();
}

// At the middle lru would hold 1 and 3, fifo holds 2 and 3.
TEST(SwapFidelity, OfAPerfectImitationLacksWhatTheOldCacheDidNotHoldOnce) {
  const SwapFidelity swap = fifo_to_lru("1\n2\n1\n3\n1\n2\n1\n1\n");
  EXPECT_EQ(swap.from_the_start, 0.75);
  EXPECT_EQ(swap.imitated, 0.5);
  EXPECT_EQ(swap.at_best, 0.5) << "2 gives way to 1 before it is requested";
  EXPECT_EQ(swap.swapped, 0.5);
  EXPECT_TRUE(swap.is_as_the_imitation());
  EXPECT_TRUE(swap.is_imitation_worse());
  EXPECT_TRUE(swap.is_out_of_reach());
}

// 1 leaves before it is requested: its room is for 2.
TEST(SwapFidelity, AtBestUsesTheRoomOfWhatIsLacking) {
  const SwapFidelity swap = fifo_to_lru("1\n2\n1\n3\n3\n2\n1\n1\n");
  EXPECT_EQ(swap.from_the_start, 0.5);
  EXPECT_EQ(swap.imitated, 0.5);
  EXPECT_EQ(swap.at_best, 0.75);
  EXPECT_EQ(swap.swapped, 0.75);
  EXPECT_TRUE(swap.is_as_the_imitation());
  EXPECT_FALSE(swap.is_out_of_reach());
}

SwapFidelity swap_to(const std::string& to, double swapped, double from_the_start, double cold) {
  SwapFidelity swap;
  swap.from = "fifo";
  swap.to = to;
  swap.trace = "some";
  swap.capacity = 10;
  swap.window = 100;
  swap.swapped = swapped;
  swap.from_the_start = from_the_start;
  swap.cold = cold;
  swap.imitated = from_the_start - 0.02;
  swap.at_best = from_the_start - 0.005;
  return swap;
}

TEST(SwapFidelity, IsSummedUpByWhatTookOver) {
  const std::vector<SwapFidelity> swaps = {
      swap_to("arc", 0.50, 0.505, 0.40), swap_to("arc", 0.55, 0.50, 0.49),
      swap_to("arc", 0.30, 0.50, 0.40), swap_to("lru", 0.49, 0.51, 0.30)};
  const std::string summary = fidelity_summary(swaps);
  EXPECT_THAT(summary, ::testing::HasSubstr("| `arc` | 3 | 33.3 % | 33.3 % | 33.3 % | -20.00 | "
                                            "-0.50 | +5.00 | 33.3 % | 33.3 % | 66.7 % | 100.0 % | "
                                            "0.0 % |\n"));
  EXPECT_THAT(summary, ::testing::HasSubstr("| all | 4 | 25.0 % | 50.0 % | 25.0 % | -20.00 | "
                                            "-0.50 | +5.00 | 50.0 % | 25.0 % | 75.0 % | 100.0 % | "
                                            "0.0 % |\n"));
  EXPECT_THAT(
      fidelity_csv({swaps.front()}),
      ::testing::EndsWith("\nfifo,arc,some,10,100,0.500000,0.505000,0.400000,0.485000,0.500000\n"));
}

}  // namespace
}  // namespace tarmac::simulator_tests
