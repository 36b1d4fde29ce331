// The length and the chances of the tests with threads: short and the same each time among the
// everyday tests, long and different each time under `./run stress`.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace tarmac::core_tests {

/// The number that the environment names, or `fallback`. Throws std::invalid_argument for anything
/// else, so that a misspelt length is no short test.
inline std::uint64_t number_from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? fallback : std::stoull(text);
}

/// What every random choice of a round begins with.
inline std::uint64_t stress_seed() {
  static const std::uint64_t seed = number_from_environment("TARMAC_STRESS_SEED", 0);
  return seed;
}

/// How much longer than every day a test with threads goes on.
inline std::uint64_t stress_factor() {
  static const std::uint64_t factor = number_from_environment("TARMAC_STRESS_FACTOR", 1);
  return factor;
}

}  // namespace tarmac::core_tests
