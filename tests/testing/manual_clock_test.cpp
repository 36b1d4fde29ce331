#include <gtest/gtest.h>
#include <tarmac/testing/manual_clock.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace tarmac::testing {
namespace {

using namespace std::chrono_literals;

constexpr SteadyNanos kDeadline = ManualClock::kSteadyStart + 1'000;

/// A thread in wait_until(), with what it waits on.
class Sleeper {
 public:
  Sleeper(ManualClock& clock, SteadyNanos deadline)
      : thread_([this, &clock, deadline] {
          std::unique_lock lock(mutex_);
          woken_by_ready_ = clock.wait_until(lock, condition_, deadline, [this] { return ready_; });
          woken_at_ = clock.steady_now();
        }) {}

  void make_ready() {
    {
      const std::lock_guard lock(mutex_);
      ready_ = true;
    }
    condition_.notify_all();
  }

  /// What wait_until() returned.
  bool join() {
    thread_.join();
    return woken_by_ready_;
  }
  /// The time when it returned. Requires: join() was called.
  [[nodiscard]] SteadyNanos woken_at() const { return woken_at_; }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool ready_ = false;
  bool woken_by_ready_ = false;
  SteadyNanos woken_at_ = 0;
  std::thread thread_;  // Last: it uses the others.
};

TEST(ManualClock, StandsStillUntilItIsMoved) {
  ManualClock clock;
  const SteadyNanos steady = clock.steady_now();
  const WallNanos wall = clock.wall_now();
  EXPECT_EQ(clock.steady_now(), steady);
  clock.advance(5ms);
  EXPECT_EQ(clock.steady_now() - steady, 5'000'000);
  EXPECT_EQ(clock.wall_now() - wall, 5'000'000);
}

// Trap B1 needs it: an administrator sets the wall clock back, and the steady one knows nothing.
TEST(ManualClock, JumpsTheWallAlone) {
  ManualClock clock;
  clock.jump_wall(-24h);
  EXPECT_EQ(clock.wall_now(), ManualClock::kWallStart - 86'400'000'000'000);
  EXPECT_EQ(clock.steady_now(), ManualClock::kSteadyStart);
}

TEST(ManualClock, DoesNotWaitForWhatIsReadyOrOver) {
  ManualClock clock;
  std::mutex mutex;
  std::condition_variable condition;
  std::unique_lock lock(mutex);
  EXPECT_TRUE(clock.wait_until(lock, condition, kNever, [] { return true; }));
  EXPECT_FALSE(clock.wait_until(lock, condition, clock.steady_now(), [] { return false; }));
  EXPECT_TRUE(lock.owns_lock());
}

TEST(ManualClock, WakesAWaiterAtItsDeadlineAndNotBefore) {
  ManualClock clock;
  Sleeper sleeper(clock, kDeadline);
  clock.await_waiters(1);
  clock.advance(999ns);
  clock.advance(1ns);
  EXPECT_FALSE(sleeper.join());
  EXPECT_EQ(sleeper.woken_at(), kDeadline);
}

TEST(ManualClock, LetsAWaiterWithoutDeadlineWaitForItsCondition) {
  ManualClock clock;
  Sleeper sleeper(clock, kNever);
  clock.await_waiters(1);
  clock.advance(100'000h);
  sleeper.make_ready();
  EXPECT_TRUE(sleeper.join());
}

TEST(ManualClock, DoesNotEndAWaitThatOnlySawTimePass) {
  ManualClock clock;
  Sleeper sleeper(clock, kDeadline);
  clock.await_waiters(1);
  clock.advance(999ns);
  sleeper.make_ready();
  EXPECT_TRUE(sleeper.join());
}

// Goal: no wake-up is lost between a waiter's look at the time and its sleep, and advance() never
// touches a mutex whose owner is gone. Method: many short waits, each on a mutex of its own that
// dies at once, against a thread that only ever moves the clock; a lost wake-up hangs the test.
TEST(ManualClock, LosesNoWakeUpOfWaitersThatComeAndGo) {
  constexpr int kThreads = 4;
  constexpr int kWaits = 2'000;
  ManualClock clock;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&clock, &done] {
      for (int wait = 0; wait < kWaits; ++wait) {
        auto mutex = std::make_unique<std::mutex>();
        auto condition = std::make_unique<std::condition_variable>();
        std::unique_lock lock(*mutex);
        EXPECT_FALSE(
            clock.wait_until(lock, *condition, clock.steady_now() + 10, [] { return false; }));
        lock.unlock();
      }
      ++done;
    });
  }
  while (done < kThreads) clock.advance(3ns);
  for (std::thread& thread : threads) thread.join();
}

// Each round trip needs exactly one advance() to be seen.
TEST(ManualClock, ReachesEveryWaiterThatWasAwaited) {
  ManualClock clock;
  for (int round = 0; round < 200; ++round) {
    const SteadyNanos deadline = clock.steady_now() + 1;
    Sleeper first(clock, deadline);
    Sleeper second(clock, deadline);
    clock.await_waiters(2);
    clock.advance(1ns);
    EXPECT_FALSE(first.join());
    EXPECT_FALSE(second.join());
  }
}

}  // namespace
}  // namespace tarmac::testing
