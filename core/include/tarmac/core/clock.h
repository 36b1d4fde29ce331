// Time, passed in: a steady clock for run time, a wall clock only for what outlives the process.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>

namespace tarmac {

/// Nanoseconds on the steady clock, from an origin that is only meaningful in this process.
using SteadyNanos = std::int64_t;
/// Nanoseconds since the Unix epoch.
using WallNanos = std::int64_t;

/// The deadline of what never expires. No real deadline is as late as this one.
inline constexpr SteadyNanos kNever = std::numeric_limits<SteadyNanos>::max();

/// `now + duration`, held at the latest real deadline instead of overflowing.
[[nodiscard]] constexpr SteadyNanos deadline_after(SteadyNanos now, std::int64_t nanoseconds) {
  constexpr SteadyNanos kLatest = kNever - 1;
  if (nanoseconds >= 0 && now > kLatest - nanoseconds) return kLatest;
  return now + nanoseconds;
}

/// Nanoseconds of any duration, held at the largest representable value instead of overflowing.
template <class Rep, class Period>
[[nodiscard]] constexpr std::int64_t saturated_nanoseconds(std::chrono::duration<Rep, Period> d) {
  constexpr auto kMost = std::chrono::nanoseconds::max();
  const auto as_seconds = std::chrono::duration<long double>(d).count();
  constexpr auto kMostSeconds = std::chrono::duration<long double>(kMost).count();
  if (as_seconds >= kMostSeconds) return kMost.count();
  if (as_seconds <= -kMostSeconds) return -kMost.count();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
}

/// Both clocks and the waiting that depends on them, so that a test can move time by hand.
/// Thread-safety: every member may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyNanos steady_now() const noexcept = 0;
  /// A cheaper look at the steady clock: never ahead of it, and behind by less than kCoarseLag.
  [[nodiscard]] virtual SteadyNanos coarse_now() const noexcept { return steady_now(); }
  /// Many times what a kernel's tick takes, for ticks that come late on a busy machine.
  static constexpr std::int64_t kCoarseLag = 100'000'000;
  [[nodiscard]] virtual WallNanos wall_now() const noexcept = 0;
  /// Waits on `condition` until `ready()` holds (true) or the steady clock reaches `deadline`
  /// (false); kNever waits without limit. `ready` is called with `lock` held.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                          SteadyNanos deadline, const std::function<bool()>& ready) = 0;
};

/// The machine's clocks (CLOCK_MONOTONIC and CLOCK_REALTIME). One for the process.
[[nodiscard]] const std::shared_ptr<Clock>& system_clock();

}  // namespace tarmac
