// Shares and multiples of a capacity, and the check of the options that name them. Internal to this
// room.
#pragma once

#include <tarmac/core/error.h>

#include <cstdint>
#include <limits>
#include <sstream>
#include <string_view>

namespace tarmac::internal {

/// No share of a capacity that an option names may be larger.
inline constexpr double kMostOfCapacity = 10'000;
/// What is kept beside the entries is made at once for caches of up to so many, and grows for
/// larger ones.
inline constexpr std::uint64_t kReservedEntries = std::uint64_t{1} << 20U;

/// `factor` of `amount`, rounded down, and held at the largest number.
[[nodiscard]] inline std::uint64_t share_of(std::uint64_t amount, double factor) noexcept {
  // 2^64; a double holds every integer up to 2^53 and then multiples of powers of two.
  constexpr double kTooMuch = 18'446'744'073'709'551'616.0;
  // A part in a million million makes up for 0.1 and its like, which no double hits: 0.29 of 100 is
  // 29.
  const double product = static_cast<double>(amount) * factor * (1 + 1e-12);
  return product < kTooMuch ? static_cast<std::uint64_t>(product)
                            : std::numeric_limits<std::uint64_t>::max();
}

/// Throws ConfigError unless `value` is from `lowest` to `highest`.
inline void check_option(std::string_view strategy, std::string_view option, double value,
                         double lowest, double highest) {
  if (value >= lowest && value <= highest) return;
  std::ostringstream message;
  message << "strategy \"" << strategy << "\": " << option << " must be from " << lowest << " to "
          << highest << ", not " << value;
  throw ConfigError(message.str());
}

}  // namespace tarmac::internal
