// How old the oldest of many writes is, against a list of all of them.
#include "late_writes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace tarmac::internal {
namespace {

class LateWritesTest : public ::testing::Test {
 protected:
  void add(std::uint64_t ticket, SteadyNanos since) {
    late_.add(ticket, since);
    const auto [known, is_new] = all_.emplace(ticket, since);
    if (!is_new) known->second = std::min(known->second, since);
  }
  void drop_below(std::uint64_t ticket) {
    late_.drop_below(ticket);
    all_.erase(all_.begin(), all_.lower_bound(ticket));
  }
  [[nodiscard]] SteadyNanos oldest() const {
    auto oldest = kNever;
    for (const auto& [ticket, since] : all_) oldest = std::min(oldest, since);
    return oldest;
  }

  LateWrites late_;
  std::map<std::uint64_t, SteadyNanos> all_;
};

TEST_F(LateWritesTest, KnowsTheOldestOfAFew) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 50; ++i) {
      add(random() % 100, static_cast<SteadyNanos>(random() % 100));
      ASSERT_EQ(late_.oldest_since(), oldest());
      if (random() % 8 == 0) drop_below(random() % 100);
      ASSERT_EQ(late_.oldest_since(), oldest());
    }
    drop_below(100);
    ASSERT_EQ(late_.oldest_since(), kNever);
  }
}

// Of very many it says too old rather than too young, and only of those that came last.
TEST_F(LateWritesTest, NeverSaysThatTheOldestIsYounger) {
  constexpr std::uint64_t kCount = 1'000;
  for (std::uint64_t i = 0; i < kCount; ++i) add(i, static_cast<SteadyNanos>(i));
  for (std::uint64_t i = 0; i < kCount; ++i) {
    drop_below(i);
    ASSERT_LE(late_.oldest_since(), oldest());
    if (i < 60) {
      ASSERT_EQ(late_.oldest_since(), oldest());
    }
  }
  drop_below(kCount);
  EXPECT_EQ(late_.oldest_since(), kNever);
  add(kCount, 5);
  EXPECT_EQ(late_.oldest_since(), 5);
}

}  // namespace
}  // namespace tarmac::internal
