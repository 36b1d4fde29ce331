// What a sweep found, for people and for programs.
#pragma once

#include <tarmac/simulator/sweep.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tarmac {

/// Which strategy and size to take, and why.
struct Recommendation {
  /// Positions in SweepResult::strategies and SweepResult::sizes.
  std::size_t strategy = 0;
  std::size_t size = 0;
  /// How many more misses than the best strategy of each size, on average over the sizes: 0.01 is
  /// 1 % more.
  double excess = 0;
  std::string sentence;
  /// A cache file: what `caches` has to say for it.
  std::string yaml;
};

/// The strategy that misses least over all sizes (the mean of how many more misses than the best of
/// the size), and the smallest size that comes within a tenth of the misses of the largest. The
/// bound is not among them. Throws ConfigError if there is no strategy but the bound.
[[nodiscard]] Recommendation recommend(const SweepResult& result);

/// The misses of every cell as a table for a terminal, the best strategy first.
[[nodiscard]] std::string to_table(const SweepResult& result);
/// A line for each cell, under one header.
[[nodiscard]] std::string to_csv(std::span<const SweepResult> results);
/// One document with an element for each trace. docs/simulator.md describes it.
[[nodiscard]] std::string to_json(std::span<const SweepResult> results);

/// Positions of the strategies in the order in which they are shown: fewest misses first, the bound
/// last.
[[nodiscard]] std::vector<std::size_t> ranking(const SweepResult& result);
/// `2,048 objects`, `64 MiB`, with the percentage it was asked for behind it if it was one.
[[nodiscard]] std::string describe(const SweepResult& result, std::size_t size);

}  // namespace tarmac
