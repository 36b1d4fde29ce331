// A deadline in few bits, for the hash table: exact enough to tell most hits that it lies ahead.
#pragma once

#include <tarmac/core/clock.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tarmac::internal {

/// Deadlines rounded down to units, of which the lower bits are kept. A code answers "surely not
/// over yet" or "ask the entry", and is never wrong from when it was made until kWindow later.
struct DeadlineCode {
  static constexpr unsigned kBits = 14;
  /// 2^30 ns, about a second: what is left of a deadline in its last unit is asked of the entry.
  static constexpr unsigned kUnitShift = 30;
  /// Half of what the bits can tell apart, less what rounding takes; later, a deadline long over
  /// would seem to lie ahead. Nearly two and a half hours.
  static constexpr std::int64_t kWindow = ((std::int64_t{1} << (kBits - 1)) - 2) << kUnitShift;

  /// Of a deadline beyond the window, that of the window's end; of one that is over, the last
  /// unit's.
  static std::uint64_t of(SteadyNanos deadline, SteadyNanos now) noexcept {
    const auto unit = now >> kUnitShift;
    const auto code = std::clamp(deadline >> kUnitShift, unit - 1, unit + kMostUnits);
    return static_cast<std::uint64_t>(code) & kMask;
  }
  /// The unit of the deadline that a code was made of, not more than half a window after `made`; or
  /// none, if that lay beyond the window.
  static std::optional<SteadyNanos> unit_of(std::uint64_t code, SteadyNanos made) noexcept {
    const auto first = made >> kUnitShift;
    const auto units =
        static_cast<std::int64_t>((code - static_cast<std::uint64_t>(first)) & kMask);
    if (units >= kMostUnits) return std::nullopt;
    return (first + units) << kUnitShift;
  }
  /// Whether the deadline lies more than Clock::kCoarseLag after `now`.
  static bool is_ahead(std::uint64_t code, SteadyNanos now) noexcept {
    const auto unit =
        static_cast<std::uint64_t>(deadline_after(now, Clock::kCoarseLag) >> kUnitShift);
    return static_cast<std::int64_t>((code - unit) << (64 - kBits)) > 0;
  }

 private:
  static constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;
  static constexpr std::int64_t kMostUnits = (std::int64_t{1} << (kBits - 1)) - 1;
};

}  // namespace tarmac::internal
