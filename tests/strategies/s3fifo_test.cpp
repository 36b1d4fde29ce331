#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/s3fifo.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

// Of 20 entries, 2 are the small queue's share, and 18 the main one's.
constexpr std::uint64_t kCapacity = 20;

void fill(StrategyReplay& cache) {
  for (std::uint64_t key = 1; key <= kCapacity; ++key) cache.request(key);
}

std::uint64_t last_to_leave(StrategyReplay& cache) { return cache.drain().back(); }

TEST(S3Fifo, EvictsNewEntriesInOrderOfArrivalUnlessTheyWereHitTwice) {
  StrategyReplay cache(make_s3fifo(), kCapacity);
  fill(cache);
  for (const std::uint64_t key : {1U, 2U, 2U, 21U}) cache.request(key);
  EXPECT_FALSE(cache.contains(1));
  EXPECT_TRUE(cache.contains(2));
  EXPECT_EQ(last_to_leave(cache), 2U);
}

TEST(S3Fifo, TakesOneHitForEnoughWithThatThreshold) {
  S3FifoOptions options;
  options.threshold = 1;
  StrategyReplay cache(make_s3fifo(options), kCapacity);
  fill(cache);
  for (const std::uint64_t key : {1U, 21U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));
  EXPECT_EQ(last_to_leave(cache), 1U);
}

TEST(S3Fifo, PutsWhatComesBackIntoTheMainQueue) {
  StrategyReplay cache(make_s3fifo(), kCapacity);
  fill(cache);
  cache.request(21);  // Evicts 1.
  cache.request(1);   // Evicts 2.
  EXPECT_FALSE(cache.contains(2));
  EXPECT_EQ(last_to_leave(cache), 1U);
}

TEST(S3Fifo, RemembersNoKeyWithoutGhosts) {
  S3FifoOptions options;
  options.ghost_share = 0;
  StrategyReplay cache(make_s3fifo(options), kCapacity);
  fill(cache);
  for (const std::uint64_t key : {21U, 1U, 22U}) cache.request(key);
  EXPECT_EQ(last_to_leave(cache), 22U);
}

TEST(S3Fifo, ForgetsWhatIsOlderThanItsShareOfGhosts) {
  StrategyReplay cache(make_s3fifo(), kCapacity);
  for (std::uint64_t key = 1; key <= kCapacity + 19; ++key) cache.request(key);  // 19 left: 18 fit.
  cache.request(1);
  cache.request(100);
  EXPECT_EQ(last_to_leave(cache), 100U);
}

// Where the small queue fills the cache, all keys so far are in it; else only the first two.
TEST(S3Fifo, FillsTheMainQueueIfToldTo) {
  for (const bool fill_main : {false, true}) {
    S3FifoOptions options;
    options.fill_main = fill_main;
    StrategyReplay cache(make_s3fifo(options), kCapacity);
    fill(cache);
    for (const std::uint64_t key : {21U, 22U, 23U}) cache.request(key);
    EXPECT_EQ(cache.contains(3), fill_main);
  }
}

TEST(S3Fifo, CountsAnUpdateAsAHit) {
  StrategyReplay cache(make_s3fifo(), kCapacity);
  fill(cache);
  cache.update(1);
  cache.request(1);
  cache.request(21);
  EXPECT_TRUE(cache.contains(1));
}

// What is larger than the small queue's share is kept, and is the next to leave.
TEST(S3Fifo, LetsALargeEntryPassThroughTheSmallQueue) {
  const auto strategy = make_s3fifo();
  strategy->on_resize({.amount = 100, .in_weight = true});
  std::array<EntryNode, 3> nodes = {EntryNode{.weight = 5, .hash = 1},
                                    EntryNode{.weight = 50, .hash = 2},
                                    EntryNode{.weight = 5, .hash = 3}};
  for (EntryNode& node : nodes) {
    strategy->on_arrival(node);
    strategy->on_insert(node);
  }
  for (EntryNode& node : nodes) {
    EXPECT_EQ(strategy->choose_victim(), &node);
    strategy->on_remove(node, RemovalCause::evicted);
  }
  EXPECT_EQ(strategy->choose_victim(), nullptr);
}

TEST(S3Fifo, TakesOverWhatWasHitIntoTheMainQueue) {
  StrategyReplay cache(make_lru(), 5);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 5U, 3U, 3U, 1U, 1U, 5U}) cache.request(key);
  cache.swap_strategy(make_s3fifo());
  EXPECT_THAT(cache.drain(), ElementsAre(2, 4, 5, 3, 1));
}

TEST(S3Fifo, RefusesOptionsOutOfRange) {
  for (const S3FifoOptions& wrong :
       {S3FifoOptions{.small_share = 0}, S3FifoOptions{.small_share = 1},
        S3FifoOptions{.ghost_share = -0.1}, S3FifoOptions{.ghost_share = 11},
        S3FifoOptions{.threshold = 0}, S3FifoOptions{.threshold = 4}}) {
    EXPECT_THROW(static_cast<void>(make_s3fifo(wrong)), ConfigError);
  }
}

}  // namespace
}  // namespace tarmac
