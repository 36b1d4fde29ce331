#include <gtest/gtest.h>
#include <tarmac/demo/demo_clock.h>

#include <future>

namespace tarmac::demo {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(DemoClock, StandsStillUntilItIsMovedAndMovesBothClocks) {
  DemoClock clock;
  const auto steady = clock.steady_now();
  const auto wall = clock.wall_now();
  EXPECT_EQ(clock.steady_now(), steady);
  clock.advance(seconds(90));
  EXPECT_EQ(clock.steady_now() - steady, nanoseconds(seconds(90)).count());
  EXPECT_EQ(clock.wall_now() - wall, nanoseconds(seconds(90)).count());
  EXPECT_EQ(clock.passed(), seconds(90));
}

TEST(DemoClock, HoldsAtACenturyInsteadOfOverflowing) {
  DemoClock clock;
  clock.advance(nanoseconds::max());
  clock.advance(nanoseconds::max());
  EXPECT_EQ(clock.passed(), hours(24 * 365 * 100));
  EXPECT_GT(clock.wall_now(), 0);
}

TEST(DemoClock, WakesAWaiterAtItsDeadline) {
  DemoClock clock;
  const auto deadline = clock.steady_now() + nanoseconds(seconds(10)).count();
  std::mutex mutex;
  std::condition_variable condition;
  auto waiter = std::async(std::launch::async, [&] {
    std::unique_lock lock(mutex);
    return clock.wait_until(lock, condition, deadline, [] { return false; });
  });
  // Whether the waiter waits already or comes later, it must not miss the time.
  clock.advance(seconds(4));
  clock.advance(seconds(6));
  EXPECT_FALSE(waiter.get());
}

TEST(DemoClock, ReturnsWhenWhatIsWaitedForHappens) {
  DemoClock clock;
  std::mutex mutex;
  std::condition_variable condition;
  bool happened = false;
  auto waiter = std::async(std::launch::async, [&] {
    std::unique_lock lock(mutex);
    return clock.wait_until(lock, condition, kNever, [&] { return happened; });
  });
  {
    const std::lock_guard lock(mutex);
    happened = true;
  }
  condition.notify_all();
  EXPECT_TRUE(waiter.get());
}

}  // namespace
}  // namespace tarmac::demo
