#include "figures.h"

#include <algorithm>
#include <array>

namespace tarmac::demo {
namespace {

constexpr std::string_view kHitRatio = "hit_ratio";
constexpr std::string_view kMissRatio = "miss_ratio";

constexpr std::array<Figure, 30> kFigures{{
    {"gets", [](const Stats& s) { return s.hits + s.misses; }},
    {"hits", [](const Stats& s) { return s.hits; }},
    {"misses", [](const Stats& s) { return s.misses; }},
    {"sets", [](const Stats& s) { return s.sets; }},
    {"deletes", [](const Stats& s) { return s.deletes; }},
    {"evictions", [](const Stats& s) { return s.evictions; }},
    {"expirations", [](const Stats& s) { return s.expirations; }},
    {"rejected", [](const Stats& s) { return s.rejected; }},
    {"loads", [](const Stats& s) { return s.loads; }},
    {"load_failures", [](const Stats& s) { return s.load_failures; }},
    {"coalesced_loads", [](const Stats& s) { return s.coalesced_loads; }},
    {"load_refreshes", [](const Stats& s) { return s.load_refreshes; }},
    {"load_stale_served", [](const Stats& s) { return s.load_stale_served; }},
    {"load_negative_hits", [](const Stats& s) { return s.load_negative_hits; }},
    {"load_error_hits", [](const Stats& s) { return s.load_error_hits; }},
    {"load_timeouts", [](const Stats& s) { return s.load_timeouts; }},
    {"flushed_writes", [](const Stats& s) { return s.flushed_writes; }},
    {"dirty_writes_pending", [](const Stats& s) { return s.dirty_writes_pending; }},
    {"store_errors", [](const Stats& s) { return s.store_errors; }},
    {"retries", [](const Stats& s) { return s.retries; }},
    {"dead_letters", [](const Stats& s) { return s.dead_letters; }},
    {"strategy_swaps", [](const Stats& s) { return s.strategy_swaps; }},
    {"write_policy_swaps", [](const Stats& s) { return s.write_policy_swaps; }},
    {"snapshots_taken", [](const Stats& s) { return s.snapshots_taken; }},
    {"snapshots_restored", [](const Stats& s) { return s.snapshots_restored; }},
    {"observer_errors", [](const Stats& s) { return s.observer_errors; }},
    {"current_items", [](const Stats& s) { return s.current_items; }},
    {"total_bytes", [](const Stats& s) { return s.total_bytes; }},
    {"undo_depth", [](const Stats& s) { return s.undo_depth; }},
    {"redo_depth", [](const Stats& s) { return s.redo_depth; }},
}};

}  // namespace

std::span<const Figure> figures() noexcept { return kFigures; }

const std::vector<std::string>& figure_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    all.reserve(kFigures.size() + 2);
    for (const auto& figure : kFigures) all.emplace_back(figure.name);
    all.emplace_back(kHitRatio);
    all.emplace_back(kMissRatio);
    return all;
  }();
  return names;
}

bool is_ratio(std::string_view name) noexcept { return name == kHitRatio || name == kMissRatio; }

double figure_of(const Stats& stats, std::string_view name) {
  if (name == kHitRatio) return stats.hit_ratio();
  if (name == kMissRatio) return stats.hits + stats.misses == 0 ? 0.0 : 1.0 - stats.hit_ratio();
  const auto* found = std::find_if(kFigures.begin(), kFigures.end(),
                                   [&](const Figure& figure) { return figure.name == name; });
  return static_cast<double>(found->count(stats));
}

}  // namespace tarmac::demo
