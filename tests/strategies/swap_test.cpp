// Swaps between all pairs of the catalogue.
#include <gtest/gtest.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/testing/strategy_replay.h>

#include <random>
#include <string>

namespace tarmac {
namespace {

using testing::StrategyReplay;

constexpr std::uint64_t kCapacity = 100;
constexpr std::uint64_t kHotKeys = 20;

/// A full cache whose first keys have been hit ten times.
void warm(StrategyReplay& cache) {
  for (std::uint64_t key = 0; key < kCapacity; ++key) cache.request(key);
  for (int round = 0; round < 10; ++round) {
    for (std::uint64_t key = 0; key < kHotKeys; ++key) cache.request(key);
  }
}

std::uint64_t hot_keys_after_a_scan(StrategyReplay& cache) {
  for (std::uint64_t key = 1'000; key < 1'000 + kCapacity; ++key) cache.request(key);
  std::uint64_t hot = 0;
  for (std::uint64_t key = 0; key < kHotKeys; ++key) hot += cache.contains(key) ? 1U : 0U;
  return hot;
}

// Trap D3: with all counts at one after the swap, the scan would evict the hot set.
TEST(Swap, ToLfuKeepsTheHotSetThroughAScanOfTheWholeCapacity) {
  for (auto* const make : {&make_lru, &make_fifo}) {
    StrategyReplay cache(make(), kCapacity);
    warm(cache);
    cache.swap_strategy(make_lfu());
    EXPECT_EQ(hot_keys_after_a_scan(cache), kHotKeys);
  }
}

// The control of the test above: the scan is one that evicts the hot set where nobody counts.
TEST(Swap, ToLruDoesNotResistTheSameScan) {
  StrategyReplay cache(make_lfu(), kCapacity);
  warm(cache);
  cache.swap_strategy(make_lru());
  EXPECT_EQ(hot_keys_after_a_scan(cache), 0U);
}

TEST(Swap, FromFifoToLruKeepsTheHotSetThroughAScanOfTheRest) {
  StrategyReplay cache(make_fifo(), kCapacity);
  warm(cache);
  cache.swap_strategy(make_lru());
  for (std::uint64_t key = 1'000; key < 1'000 + kCapacity - kHotKeys; ++key) cache.request(key);
  for (std::uint64_t key = 0; key < kHotKeys; ++key) EXPECT_TRUE(cache.contains(key)) << key;
}

// Traps D1, D2. Method: a thousand swaps through all pairs, with traffic, deadlines and erasures
// between; a swap evicts nothing.
TEST(Swap, BetweenAllPairsLosesNothing) {
  std::mt19937_64 random(5);
  for (const StrategyDescription& from : catalog()) {
    for (const StrategyDescription& to : catalog()) {
      SCOPED_TRACE(std::string(from.name) + " to " + std::string(to.name));
      StrategyReplay cache(from.make({}), 50);
      for (int swap = 0; swap < 1'000; ++swap) {
        for (int step = 0; step < 10; ++step) {
          const std::uint64_t key = random() % 100;
          cache.request(key, key % 3 == 0 ? kNever : static_cast<SteadyNanos>(random() % 1'000));
          if (step == 0) cache.erase(random() % 100);
        }
        const std::uint64_t before = cache.size();
        cache.swap_strategy(swap % 2 == 0 ? to.make({}) : from.make({}));
        ASSERT_EQ(cache.size(), before);
      }
      const std::uint64_t left = cache.size();
      EXPECT_EQ(cache.drain().size(), left);
    }
  }
}

}  // namespace
}  // namespace tarmac
