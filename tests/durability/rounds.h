// How much the tests do: little every day, all of it under `./run stress`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace tarmac {

/// For this many seconds the counts are those of docs/reliability.md.
inline constexpr std::uint64_t kFullSeconds = 300;

/// What `./run stress` asked for: kFullSeconds unless it says otherwise; 0 every day.
inline std::uint64_t stress_seconds() {
  const char* text = std::getenv("TARMAC_STRESS_SECONDS");
  if (text == nullptr) return 0;
  return *text == '\0' ? kFullSeconds : std::max<std::uint64_t>(1, std::stoull(text));
}

/// `every_day`; under `./run stress` as many of `full` as the seconds allow, and no fewer.
inline std::uint64_t rounds(std::uint64_t every_day, std::uint64_t full) {
  return std::max(every_day, full * stress_seconds() / kFullSeconds);
}

/// Tries one in so many: `every_day`; under `./run stress` one in fewer, down to each.
inline std::uint64_t stride(std::uint64_t every_day) {
  const auto seconds = stress_seconds();
  if (seconds == 0) return every_day;
  return std::clamp<std::uint64_t>(kFullSeconds / seconds, 1, every_day);
}

}  // namespace tarmac
