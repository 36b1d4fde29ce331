// The figures of a cache by name, as `expect: {stats: …}`, tables and JSON call them.
#pragma once

#include <tarmac/core/stats.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::demo {

struct Figure {
  std::string_view name;
  std::uint64_t (*count)(const Stats& stats);
};

/// Those that are counts.
[[nodiscard]] std::span<const Figure> figures() noexcept;
/// `hit_ratio` and `miss_ratio`, beside the names of figures().
[[nodiscard]] const std::vector<std::string>& figure_names();
/// Requires: `name` is one of figure_names().
[[nodiscard]] bool is_ratio(std::string_view name) noexcept;
[[nodiscard]] double figure_of(const Stats& stats, std::string_view name);

}  // namespace tarmac::demo
