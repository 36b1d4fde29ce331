// How soon a strategy that took over in the middle of a trace does as well as if it had been there
// from the start.
#pragma once

#include <tarmac/simulator/sweep.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tarmac::simulator_tests {

struct SwapCase {
  std::filesystem::path trace;
  /// In objects.
  std::uint64_t capacity = 0;
};

/// Hit ratios over the requests after the middle of the trace, ten for each object of the capacity
/// (or as many as are left).
struct SwapFidelity {
  std::string from;
  std::string to;
  std::string trace;
  std::uint64_t capacity = 0;
  std::uint64_t window = 0;
  double swapped = 0;
  double from_the_start = 0;
  double cold = 0;
  /// Of a perfect imitation: it decides as the cache that ran the new strategy from the start, but
  /// begins with what the old one had left. What the one from the start had got before the swap and
  /// kept until it was requested after it, the imitation misses that once if the old cache did not
  /// hold it; all other hits it has, too.
  double imitated = 0;
  /// The same, if in the room of what it lacks the imitation keeps just those entries of the old
  /// cache, and just as long, that bring the most hits: nobody can know them. What decides as the
  /// new strategy does has no more hits than this, however well it takes over.
  double at_best = 0;

  [[nodiscard]] double difference() const { return swapped - from_the_start; }
  [[nodiscard]] double cold_difference() const { return cold - from_the_start; }
  /// Within 1 point.
  [[nodiscard]] bool is_near() const { return difference() >= -0.01 && difference() <= 0.01; }
  [[nodiscard]] bool is_nearer_than_cold() const;
  /// Within 1 point of the perfect imitation, or better than that.
  [[nodiscard]] bool is_as_the_imitation() const { return swapped - imitated >= -0.01; }
  [[nodiscard]] bool is_imitation_worse() const { return imitated - from_the_start < -0.01; }
  /// No hand-over brings it within 1 point.
  [[nodiscard]] bool is_out_of_reach() const { return at_best - from_the_start < -0.01; }
  /// No nearer than a cold start, and with fewer hits than one.
  [[nodiscard]] bool is_worse_than_cold() const;
};

/// Every pair of them, and where a strategy is in both lists with itself, on every case.
[[nodiscard]] std::vector<SwapFidelity> measure_swaps(const std::vector<StrategyChoice>& from,
                                                      const std::vector<StrategyChoice>& to,
                                                      const std::vector<SwapCase>& cases);

/// A row for each pair: how many cases are within 1 point and nearer than cold, the lowest
/// difference over the cases with that of a cold start beside it, and the highest, where it did
/// better.
[[nodiscard]] std::string fidelity_table(const std::vector<SwapFidelity>& swaps);

/// A row for each strategy that took over from others (or from itself), and one for all: the
/// figures that the section on swaps in docs/strategies.md shows.
[[nodiscard]] std::string fidelity_summary(const std::vector<SwapFidelity>& swaps);

/// A line for each swap, to find out by which pairs, traces and sizes the figures came about.
[[nodiscard]] std::string fidelity_csv(const std::vector<SwapFidelity>& swaps);

}  // namespace tarmac::simulator_tests
