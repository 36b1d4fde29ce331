#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/strategies/sieve.h>
#include <tarmac/testing/strategy_replay.h>

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using testing::StrategyReplay;

// The hand takes the mark off 1, evicts 2 and rests on 3.
TEST(Sieve, SparesWhatItsHandHasPassed) {
  StrategyReplay cache(make_sieve(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U, 1U, 4U}) cache.request(key);
  EXPECT_FALSE(cache.contains(2));
  for (const std::uint64_t key : {5U, 6U, 7U}) cache.request(key);  // Evict 3, 4 and 5.
  EXPECT_THAT(cache.drain(), ElementsAre(6, 7, 1));
}

TEST(Sieve, BeginsAgainAtTheOldestPastTheNewest) {
  StrategyReplay cache(make_sieve(), 2);
  for (const std::uint64_t key : {1U, 2U, 1U, 2U, 3U}) cache.request(key);
  EXPECT_FALSE(cache.contains(1));
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3));
}

TEST(Sieve, ResumesItsSweepAfterTheEntryUnderTheHandIsErased) {
  StrategyReplay cache(make_sieve(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 1U, 5U}) cache.request(key);  // Evicts 2.
  cache.erase(3);
  EXPECT_THAT(cache.drain(), ElementsAre(4, 5, 1));  // A hand reset to the oldest gives 1 first.
}

TEST(Sieve, AsksForMarks) { EXPECT_EQ(make_sieve()->tracking(), AccessTracking::mark); }

TEST(Sieve, CountsAnUpdateAsAHit) {
  StrategyReplay cache(make_sieve(), 3);
  for (const std::uint64_t key : {1U, 2U, 3U}) cache.request(key);
  cache.update(1);
  EXPECT_THAT(cache.drain(), ElementsAre(2, 3, 1));
}

TEST(Sieve, MarksWhatWasHitAmongWhatItTakesOver) {
  StrategyReplay cache(make_fifo(), 4);
  for (const std::uint64_t key : {1U, 2U, 3U, 4U, 2U, 1U}) cache.request(key);
  cache.swap_strategy(make_sieve());
  EXPECT_THAT(cache.drain(), ElementsAre(3, 4, 1, 2));
}

}  // namespace
}  // namespace tarmac
