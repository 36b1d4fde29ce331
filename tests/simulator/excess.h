// Holds a strategy to the best that any other simulator's algorithm reached in each cell.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::simulator_tests {

/// One trace at one size.
struct ExcessCell {
  std::string trace;
  bool in_bytes = false;
  std::uint64_t size = 0;
  std::uint64_t requests = 0;
  /// The fewest misses of any algorithm that does not know the future, and whose they are.
  std::uint64_t best = 0;
  std::string best_algorithm;
  std::uint64_t fifo = 0;
  /// GDSF's, in bytes only.
  std::uint64_t gdsf = 0;
  std::uint64_t ours = 0;

  /// Misses more than the best, as a share of those.
  [[nodiscard]] double excess() const { return ratio(best); }
  [[nodiscard]] double over_fifo() const { return ratio(fifo); }
  [[nodiscard]] double over_gdsf() const { return ratio(gdsf); }
  /// Loops, scans and processor addresses: shown, but in no mean.
  [[nodiscard]] bool is_pattern() const;

 private:
  [[nodiscard]] double ratio(std::uint64_t other) const {
    return static_cast<double>(ours) / static_cast<double>(other) - 1;
  }
};

struct ExcessSummary {
  std::size_t cells = 0;
  double mean = 0;
  double worst = 0;
  /// Over all cells, patterns too.
  double worst_over_fifo = -1;
  double worst_over_gdsf = -1;
};

/// Replays `strategy` at each size of the table of 100 objects or more, in the traces that `wanted`
/// accepts.
[[nodiscard]] std::vector<ExcessCell> excess_over_best(
    const std::filesystem::path& folder, const std::string& strategy,
    const std::function<bool(const std::string&)>& wanted);

[[nodiscard]] ExcessSummary summarise(const std::vector<ExcessCell>& cells);
/// The page docs/rhythm-cells.md.
[[nodiscard]] std::string excess_page(const std::string& strategy,
                                      const std::vector<ExcessCell>& cells);

}  // namespace tarmac::simulator_tests
