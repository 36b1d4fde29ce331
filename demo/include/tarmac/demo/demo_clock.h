// The clock of a scenario, which moves when a step says so.
#pragma once

#include <tarmac/core/clock.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>

namespace tarmac::demo {

/// Stands still until advance(), so that a scenario about an hour takes no time and always goes the
/// same way.
///
/// - Thread-safety: every member may be called from any thread.
/// - Ownership: whoever waits on it must have returned before it is destroyed.
class DemoClock final : public Clock {
 public:
  [[nodiscard]] SteadyNanos steady_now() const noexcept override { return kStart + passed_; }
  [[nodiscard]] WallNanos wall_now() const noexcept override { return kWallStart + passed_; }
  /// Time since the scenario began.
  [[nodiscard]] std::chrono::nanoseconds passed() const noexcept {
    return std::chrono::nanoseconds(passed_);
  }

  /// Moves both clocks, to a century after the start at most, and wakes who waits. Requires:
  /// `duration` is not negative, and the caller holds no mutex that somebody waits with.
  void advance(std::chrono::nanoseconds duration);

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyNanos deadline, const std::function<bool()>& ready) override;

 private:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* condition;
  };

  /// Not zero, so that "an hour ago" is a time too.
  static constexpr SteadyNanos kStart = 1'000'000'000'000'000;
  /// 2024-01-01T00:00:00Z.
  static constexpr WallNanos kWallStart = 1'704'067'200'000'000'000;
  /// A century: damaged times in a trace must not overflow the clocks.
  static constexpr std::int64_t kPassedMax = 100LL * 365 * 86'400 * 1'000'000'000;

  std::atomic<std::int64_t> passed_{0};
  /// Taken before the mutex of a waiter, never after it.
  std::mutex mutex_;
  std::list<Waiter> waiters_;
};

}  // namespace tarmac::demo
