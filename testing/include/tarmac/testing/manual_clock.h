// A clock that a test moves by hand, so that no test sleeps.
#pragma once

#include <tarmac/core/clock.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>

namespace tarmac::testing {

/// Both clocks stand still until advance() or jump_wall().
///
/// - Thread-safety: every member may be called from any thread.
/// - Ownership: whoever waits on it must have returned before it is destroyed.
/// - Exceptions: none; what `ready` asks must not throw.
class ManualClock final : public Clock {
 public:
  /// Neither clock starts at zero, so that code which takes one for the other is caught.
  static constexpr SteadyNanos kSteadyStart = 1'000'000'000'000;
  static constexpr WallNanos kWallStart = 1'700'000'000'000'000'000;

  explicit ManualClock(SteadyNanos steady = kSteadyStart, WallNanos wall = kWallStart) noexcept
      : steady_(steady), wall_(wall) {}

  [[nodiscard]] SteadyNanos steady_now() const noexcept override { return steady_.load(); }
  [[nodiscard]] WallNanos wall_now() const noexcept override { return wall_.load(); }

  /// Moves both clocks forward and wakes everybody in wait_until(). On return each of them has been
  /// notified, but may not have run yet. Requires: `duration` is not negative; the caller holds no
  /// mutex that somebody waits with (it is locked here, or a wake-up could be lost).
  void advance(std::chrono::nanoseconds duration);

  /// Moves the wall clock alone, in either direction, as an administrator or a time server does.
  void jump_wall(std::chrono::nanoseconds duration) noexcept { wall_ += duration.count(); }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyNanos deadline, const std::function<bool()>& ready) override;

  /// Blocks until `count` threads or more are in wait_until(); an advance() after it reaches them.
  void await_waiters(std::size_t count);

 private:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* condition;
    int notifiers = 0;  // Calls of advance() that are about to use the two.
  };

  void notify_waiters();
  /// False, with the waiter still listed, while an advance() uses its mutex.
  bool try_leave(std::list<Waiter>::iterator waiter);
  void leave(std::list<Waiter>::iterator waiter);

  std::atomic<SteadyNanos> steady_;
  std::atomic<WallNanos> wall_;
  std::mutex mutex_;  // Never held while a waiter's mutex is being locked.
  std::condition_variable changed_;
  std::list<Waiter> waiters_;
};

}  // namespace tarmac::testing
