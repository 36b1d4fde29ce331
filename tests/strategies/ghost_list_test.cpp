#include "ghost_list.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace tarmac::internal {
namespace {

TEST(GhostList, ForgetsTheOldestWhenItIsFull) {
  GhostList ghosts;
  ghosts.set_limit(2);
  for (const std::uint64_t hash : {1U, 2U, 3U}) ghosts.push(hash, 1);
  EXPECT_FALSE(ghosts.contains(1));
  EXPECT_TRUE(ghosts.contains(2));
  EXPECT_TRUE(ghosts.contains(3));
  EXPECT_EQ(ghosts.amount(), 2U);
}

TEST(GhostList, MakesAHashThatIsPushedAgainTheNewest) {
  GhostList ghosts;
  ghosts.set_limit(2);
  for (const std::uint64_t hash : {1U, 2U, 1U, 3U}) ghosts.push(hash, 1);
  EXPECT_TRUE(ghosts.contains(1));
  EXPECT_FALSE(ghosts.contains(2));
}

TEST(GhostList, BoundsTheCostsNotTheNumber) {
  GhostList ghosts;
  ghosts.set_limit(10);
  ghosts.push(1, 4);
  ghosts.push(2, 4);
  ghosts.push(3, 5);
  EXPECT_FALSE(ghosts.contains(1));
  EXPECT_EQ(ghosts.amount(), 9U);
  ghosts.push(4, 11);  // More than the limit: it is not worth all the others.
  EXPECT_FALSE(ghosts.contains(4));
  EXPECT_EQ(ghosts.size(), 2U);
}

// Weights may be 0, and such hashes would grow without bound.
TEST(GhostList, CountsACostOfNothingAsOne) {
  GhostList ghosts;
  ghosts.set_limit(3);
  for (std::uint64_t hash = 0; hash < 100; ++hash) ghosts.push(hash, 0);
  EXPECT_EQ(ghosts.size(), 3U);
}

TEST(GhostList, RemembersNothingWithALimitOfZero) {
  GhostList ghosts;
  ghosts.set_limit(0);
  ghosts.push(1, 1);
  EXPECT_TRUE(ghosts.empty());
  EXPECT_FALSE(ghosts.remove(1));
}

TEST(GhostList, ForgetsTheOldestWhenItsLimitShrinks) {
  GhostList ghosts;
  ghosts.set_limit(100);
  for (std::uint64_t hash = 0; hash < 100; ++hash) ghosts.push(hash, 1);
  ghosts.set_limit(1);
  EXPECT_EQ(ghosts.size(), 1U);
  EXPECT_TRUE(ghosts.contains(99));
}

// Goal: places that ghosts have left are used again while an old ghost stays, so that a list which
// is not full needs no more memory. Method: far more come and go behind an old one than fit.
TEST(GhostList, KeepsAnOldGhostWhileOthersComeAndGo) {
  GhostList ghosts;
  ghosts.set_limit(100);
  for (std::uint64_t hash = 0; hash < 10; ++hash) ghosts.push(hash, 1);
  for (std::uint64_t hash = 10; hash < 10'000; ++hash) {
    ghosts.push(hash, 1);
    ASSERT_TRUE(ghosts.remove(hash));
  }
  EXPECT_EQ(ghosts.size(), 10U);
  for (std::uint64_t hash = 0; hash < 10; ++hash) {
    ghosts.pop_oldest();
    ASSERT_FALSE(ghosts.contains(hash));
    ASSERT_EQ(ghosts.size(), 9 - hash);
  }
}

// Goal: any mixture of calls does what a plain list does, through several doublings. Method: hashes
// from a small range, so that they come back, and half of them alike in their low bits.
TEST(GhostList, DoesWhatAPlainListDoes) {
  std::mt19937_64 random(1);
  GhostList ghosts;
  std::deque<std::uint64_t> plain;
  std::size_t limit = 200;
  ghosts.set_limit(limit);
  const auto forget = [&plain](std::uint64_t hash) { return std::erase(plain, hash) > 0; };
  for (int step = 0; step < 50'000; ++step) {
    const std::uint64_t number = random() % 600;
    const std::uint64_t hash = number % 2 == 0 ? number : number << 40U;
    const std::uint64_t kind = random() % 100;
    if (kind < 60) {
      forget(hash);
      plain.push_back(hash);
      ghosts.push(hash, 1);
    } else if (kind < 85) {
      ASSERT_EQ(ghosts.remove(hash), forget(hash));
    } else if (kind < 95 && !plain.empty()) {
      plain.pop_front();
      ghosts.pop_oldest();
    } else if (kind == 99) {
      limit = 1 + random() % 400;
      ghosts.set_limit(limit);
    }
    while (plain.size() > limit) plain.pop_front();
    ASSERT_EQ(ghosts.size(), plain.size());
    ASSERT_EQ(ghosts.contains(hash), std::ranges::find(plain, hash) != plain.end());
  }
  ghosts.clear();
  EXPECT_TRUE(ghosts.empty());
  EXPECT_EQ(ghosts.amount(), 0U);
}

}  // namespace
}  // namespace tarmac::internal
