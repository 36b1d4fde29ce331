// Several strategies at several sizes over one trace, which is read once for all of them.
#pragma once

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/simulator/replay_result.h>
#include <tarmac/simulator/trace_reader.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarmac {

/// A strategy of strategy_registry() with its parameters; or `belady`, the bound.
struct StrategyChoice {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;

  [[nodiscard]] bool is_bound() const noexcept { return name == "belady"; }
  /// As parse_strategies() reads it: `lfu{ageing=false}`.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Parameters settings() const;
};

/// Reads `lru,lfu{ageing=false;ageing_period=3},belady`. Makes each once and drops it. Throws
/// ConfigError for what cannot be made.
[[nodiscard]] std::vector<StrategyChoice> parse_strategies(std::string_view list);

/// A cache size as it was asked for.
struct SizeChoice {
  enum class Unit : std::uint8_t { objects, bytes, percent };

  Unit unit = Unit::objects;
  /// Objects or bytes.
  std::uint64_t amount = 0;
  /// Of the objects of the trace, or of their bytes (SweepOptions::percent_of_bytes).
  double percent = 0;
  /// As it was written.
  std::string text;
};

/// Reads `1000,64MiB,1%`: objects, bytes with their unit, percentages. Throws ConfigError.
[[nodiscard]] std::vector<SizeChoice> parse_sizes(std::string_view list);

/// What is known of a trace when all of it has been read.
struct TraceSummary {
  std::uint64_t requests = 0;
  std::uint64_t objects = 0;
  /// The sum of the first sizes of all objects.
  std::uint64_t bytes = 0;
};

struct SweepProgress {
  /// From 1 to `passes`.
  int pass = 1;
  int passes = 1;
  /// Of this pass, between 0 and 1.
  double fraction = 0;
};

struct SweepOptions {
  TraceOptions trace;
  std::vector<StrategyChoice> strategies;
  std::vector<SizeChoice> sizes;
  bool percent_of_bytes = false;
  /// Threads; 0: as many as the machine has processors.
  unsigned jobs = 0;
  /// Called between batches, on the calling thread.
  std::function<void(const SweepProgress&)> report;
};

struct SweepCell {
  /// Positions in SweepResult::strategies and SweepResult::sizes.
  std::size_t strategy = 0;
  std::size_t size = 0;
  StrategyCapacity capacity;
  ReplayResult result;
};

struct SweepResult {
  std::filesystem::path trace;
  std::string format;
  std::uint64_t requests = 0;
  /// Empty where nothing asked for it: no percentage, and no bound.
  std::optional<TraceSummary> summary;
  TraceProblems problems;
  std::vector<StrategyChoice> strategies;
  std::vector<SizeChoice> sizes;
  /// The capacity that each size has become.
  std::vector<StrategyCapacity> capacities;
  /// All sizes of the first strategy, then all of the second.
  std::vector<SweepCell> cells;

  [[nodiscard]] const SweepCell& cell(std::size_t strategy, std::size_t size) const {
    return cells.at(strategy * sizes.size() + size);
  }
};

/// Replays the trace in every cell. Reads it once; twice if a size is a percentage or a strategy
/// the bound, whose first pass remembers every key (24 bytes at most) and, for the bound, 4 bytes
/// for each request. Otherwise memory is that of the caches: 64 bytes for each object they hold and
/// up to 32 for finding it, beside what the strategies remember.
///
/// Throws ConfigError for a trace that cannot be read (see TraceReader), that holds no request, or
/// that would have to be read twice and cannot (a pipe).
[[nodiscard]] SweepResult sweep(const std::filesystem::path& trace, const SweepOptions& options);

}  // namespace tarmac
