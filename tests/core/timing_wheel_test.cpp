#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/internal/timing_wheel.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace tarmac::internal {
namespace {

constexpr SteadyNanos kOrigin = 5'000'000'123;
constexpr std::int64_t kTick = TimingWheel::kTickNanos;

/// The wheel beside a sorted container that cannot be wrong.
class WheelAndOracle {
 public:
  explicit WheelAndOracle(std::size_t nodes) : nodes_(nodes) {}

  void schedule(std::size_t index, SteadyNanos deadline) {
    forget(index);
    nodes_[index].expires_at = deadline;
    wheel_.schedule(nodes_[index]);
    if (deadline != kNever) oracle_.emplace(deadline, &nodes_[index]);
  }
  void cancel(std::size_t index) {
    forget(index);
    wheel_.cancel(nodes_[index]);
  }
  /// What a hit does under expire-after-access: later, without telling the wheel.
  void postpone(std::size_t index, SteadyNanos deadline) {
    if (nodes_[index].timer_list == TimedNode::kNoTimer) return;
    if (deadline <= nodes_[index].expires_at) return;
    forget(index);
    nodes_[index].expires_at = deadline;
    oracle_.emplace(deadline, &nodes_[index]);
  }
  /// Pops all that is due and compares.
  void pop_all(SteadyNanos now) {
    std::multiset<const TimedNode*> popped;
    while (TimedNode* node = wheel_.pop_due(now)) popped.insert(node);
    std::multiset<const TimedNode*> expected;
    while (!oracle_.empty() && oracle_.begin()->first <= now) {
      expected.insert(oracle_.begin()->second);
      oracle_.erase(oracle_.begin());
    }
    RC_ASSERT(popped == expected);
    RC_ASSERT(wheel_.size() == oracle_.size());
    RC_ASSERT(wheel_.empty() == oracle_.empty());
    if (oracle_.empty()) {
      RC_ASSERT(wheel_.next_due() == kNever);
    } else {
      RC_ASSERT(wheel_.next_due() > now);
      // Whoever sleeps until next_due() comes at most a tick late.
      RC_ASSERT(wheel_.next_due() <= deadline_after(oracle_.begin()->first, kTick));
    }
  }

 private:
  void forget(std::size_t index) {
    auto [at, end] = oracle_.equal_range(nodes_[index].expires_at);
    for (; at != end; ++at) {
      if (at->second != &nodes_[index]) continue;
      oracle_.erase(at);
      return;
    }
  }

  TimingWheel wheel_{kOrigin};
  std::vector<TimedNode> nodes_;
  std::multimap<SteadyNanos, const TimedNode*> oracle_;
};

/// A span of any magnitude: nanoseconds, a tick, each level's reach, and beyond the last.
std::int64_t any_span() {
  const int bits = *rc::gen::inRange(0, 62);
  const auto below = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << bits);
  // Just before, at and after a border is where wheels go wrong.
  const auto border = (std::int64_t{1} << bits) + *rc::gen::inRange<std::int64_t>(-2, 3);
  return std::max<std::int64_t>(0, *rc::gen::element(below, border));
}

// Goal: a node leaves when its deadline has passed, and never before, at every border of every
// level (64, 4096, ... ticks) and beyond the last one. Method: random operations against a sorted
// container.
TEST(TimingWheel, GivesExactlyWhatASortedContainerGives) {  // trap B5
  const bool held = rc::check("wheel against std::multimap", [] {
    constexpr std::size_t kNodes = 24;
    WheelAndOracle both(kNodes);
    SteadyNanos now = kOrigin;
    const auto steps = *rc::gen::inRange(1, 120);
    for (int step = 0; step < steps; ++step) {
      const auto index = *rc::gen::inRange<std::size_t>(0, kNodes);
      switch (*rc::gen::inRange(0, 8)) {
        case 0:
          both.cancel(index);
          break;
        case 1:
          both.postpone(index, deadline_after(now, any_span()));
          break;
        case 2:
        case 3: {
          now = std::min(deadline_after(now, any_span()), kNever - 2);
          both.pop_all(now);
          break;
        }
        default:
          both.schedule(index, deadline_after(now, any_span()));
      }
    }
    both.pop_all(kNever - 1);
  });
  EXPECT_TRUE(held);
}

TEST(TimingWheel, IsExactToTheNanosecondAtEachBorderOfItsLevels) {  // trap B5
  for (int level = 0; level <= 7; ++level) {
    for (const std::int64_t around : {-1, 0, 1}) {
      const std::int64_t ticks = (std::int64_t{1} << (6 * level)) + around;
      for (const std::int64_t inside : {std::int64_t{0}, kTick - 1}) {
        if (ticks > (std::numeric_limits<std::int64_t>::max() / kTick) - 2) continue;
        TimingWheel wheel(kOrigin);
        TimedNode node;
        node.expires_at = deadline_after(kOrigin, ticks * kTick + inside);
        wheel.schedule(node);
        EXPECT_EQ(wheel.pop_due(node.expires_at - 1), nullptr) << level << " " << around;
        EXPECT_EQ(wheel.pop_due(node.expires_at), &node) << level << " " << around;
        EXPECT_TRUE(wheel.empty());
      }
    }
  }
}

TEST(TimingWheel, SleepingFromOneNextDueToTheNextFindsAFarDeadline) {
  TimingWheel wheel(kOrigin);
  TimedNode node;
  node.expires_at = deadline_after(kOrigin, std::int64_t{200} * 365 * 24 * 3600 * 1'000'000'000);
  wheel.schedule(node);
  int looks = 0;
  SteadyNanos now = kOrigin;
  TimedNode* due = nullptr;
  while (due == nullptr && looks < 1'000) {
    now = wheel.next_due();
    due = wheel.pop_due(now);
    ++looks;
  }
  EXPECT_EQ(due, &node);
  EXPECT_LT(now - node.expires_at, 2 * kTick);
  EXPECT_LT(looks, 200);
}

TEST(TimingWheel, TakesOutANodeThatNoLongerExpires) {
  TimingWheel wheel(kOrigin);
  TimedNode node;
  node.expires_at = kOrigin + 10;
  wheel.schedule(node);
  node.expires_at = kNever;
  wheel.schedule(node);
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.pop_due(kNever - 1), nullptr);
  EXPECT_EQ(wheel.next_due(), kNever);
}

}  // namespace
}  // namespace tarmac::internal
