// What playing scenarios gives: plain values, which the views show.
#pragma once

#include <tarmac/core/cache_base.h>
#include <tarmac/core/stats.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tarmac::demo {

/// One field of a table.
struct Cell {
  std::string text;
  /// A share between 0 and 1, to be drawn as a bar before the text.
  std::optional<double> share = std::nullopt;
  /// Numbers stand to the right.
  bool is_number = false;
};

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<Cell>> rows;
};

/// One thing that was to be true.
struct CheckResult {
  /// `size`, or `values.alice` where an expectation speaks of several things.
  std::string subject;
  /// In the scenario file.
  std::size_t line = 0;
  bool passed = true;
  /// Not looked at, since it speaks of a trace that was not replayed.
  bool skipped = false;
  std::string expected;
  std::string found;
};

struct StepResult {
  std::string kind;
  std::size_t line = 0;
  /// The cache it worked on.
  std::string cache;
  /// What it worked on, and what came of it, for people.
  std::string subject;
  std::string outcome;
  /// The same as one word, for `expect: {result: …}`; empty for steps that have none.
  std::string result;
  std::vector<CheckResult> checks;
  std::vector<Table> tables;
  /// What was thrown; empty if nothing was.
  std::string error;
  /// What was thrown speaks of a file that is wrong (a trace, for example).
  bool input_is_wrong = false;

  [[nodiscard]] bool passed() const noexcept;
};

/// A cache at the end of its scenario, or of a load.
struct CacheFigures {
  CacheDescription parts;
  Stats stats;
};

struct ScenarioResult {
  std::string file;
  std::string title;
  std::vector<StepResult> steps;
  std::vector<CacheFigures> caches;
  double seconds = 0;

  [[nodiscard]] bool passed() const noexcept;
  [[nodiscard]] bool input_is_wrong() const noexcept;
  [[nodiscard]] std::size_t checks() const noexcept;
  [[nodiscard]] std::size_t skipped() const noexcept;
  /// Checks that failed, and steps that threw.
  [[nodiscard]] std::size_t failures() const noexcept;
};

struct DemoResult {
  std::vector<ScenarioResult> scenarios;
  double seconds = 0;

  [[nodiscard]] std::size_t steps() const noexcept;
  [[nodiscard]] std::size_t checks() const noexcept;
  [[nodiscard]] std::size_t skipped() const noexcept;
  [[nodiscard]] std::size_t failures() const noexcept;
  /// 0 all passed, 1 something failed, 2 a file is wrong.
  [[nodiscard]] int exit_status() const noexcept;
};

}  // namespace tarmac::demo
