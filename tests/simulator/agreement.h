// Holds the strategies to what independent simulators computed for them on public traces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::simulator_tests {

/// What "agrees" means for an algorithm; differences are of miss ratios, ours minus theirs.
struct Level {
  /// Equal to the last miss.
  bool exact = false;
  /// At least `near_share` of the cells differ by no more than `near`.
  std::optional<double> near = std::nullopt;
  double near_share = 0.9;
  /// None differs by more.
  std::optional<double> most = std::nullopt;
  /// None misses more than this beyond the other.
  std::optional<double> worse = std::nullopt;
  /// The mean of the differences, without their signs, is no more.
  std::optional<double> mean = std::nullopt;
  /// Cells below this many objects are not held to it.
  std::uint64_t objects_min = 0;

  [[nodiscard]] std::string text() const;
};

/// Which rows of the table one of our strategies is held to.
struct Rule {
  std::string_view algorithm;
  /// The table's column `parameters`.
  std::string_view parameters;
  /// What the table's column `simulator` begins with.
  std::string_view simulator;
  /// As `tarmac simulate --strategy` reads it.
  std::string_view strategy;
  Level level;
  /// Only these rows: "objects" or "bytes"; empty: both.
  std::string_view unit = "";
};

[[nodiscard]] const std::vector<Rule>& agreement_rules();

/// One row of the table beside our count.
struct AgreementCell {
  const Rule* rule = nullptr;
  std::string trace;
  bool in_bytes = false;
  std::uint64_t size = 0;
  std::string fraction;
  std::uint64_t requests = 0;
  std::uint64_t misses = 0;
  std::string simulator;
  /// Why the row is not held against us; empty if it is.
  std::string exception;
  /// Empty where the strategy is not registered.
  std::optional<std::uint64_t> ours;

  [[nodiscard]] double expected_ratio() const;
  [[nodiscard]] double our_ratio() const;
  [[nodiscard]] double difference() const { return our_ratio() - expected_ratio(); }
};

/// The rows that a rule speaks of, for the traces that `wanted` accepts, replayed. Throws
/// std::runtime_error if a trace has another number of requests than the table says.
[[nodiscard]] std::vector<AgreementCell> compare(
    const std::filesystem::path& folder, const std::function<bool(const std::string&)>& wanted);

/// The cells of one rule, one simulator and one unit, and whether they are within the rule's level.
struct AgreementSummary {
  const Rule* rule = nullptr;
  std::string simulator;
  bool in_bytes = false;
  std::size_t cells = 0;
  std::size_t equal = 0;
  std::size_t excepted = 0;
  std::size_t missing = 0;
  double mean = 0;
  double largest = 0;
  double worst = 0;
  /// The share of cells within the level's `near`, or within 0.002.
  double near_share = 0;
  /// Whether the level is kept; the second leaves out what is asked of a share or a mean of the
  /// cells, which a part of the traces cannot show.
  bool kept = true;
  bool kept_in_each = true;
};
[[nodiscard]] std::vector<AgreementSummary> summarise(const std::vector<AgreementCell>& cells);

/// The page docs/agreement.md.
[[nodiscard]] std::string agreement_page(const std::vector<AgreementCell>& cells);

}  // namespace tarmac::simulator_tests
