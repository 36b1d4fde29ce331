#include "agreement.h"

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/simulator/sweep.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "reference_traces.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

constexpr std::string_view kLibCacheSim = "libCacheSim aa0fc409";
constexpr std::string_view kLibCacheSim2025 = "libCacheSim in 3L-Cache";
constexpr std::string_view kCaffeine = "Caffeine";

/// Notes that say a row is no fair measure.
bool excludes(std::string_view note) {
  static constexpr auto kWords =
      std::to_array<std::string_view>({"degenerate", "never admitted", "hardly adapts",
                                       "not the published", "compare with the lirs.c rows"});
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view words) {
    return note.find(words) != std::string_view::npos;
  });
}

/// Why a cell is no fair measure although its row does not say so; empty if it is one.
std::string_view deviation(const AgreementCell& cell) {
  // libCacheSim evicts on a hit where its segments, each rounded down, hold less than the cache; a
  // strategy cannot, and the cache then misses less.
  if (!cell.rule->strategy.starts_with("slru") || cell.in_bytes) return "";
  const bool known = (cell.trace == "addr_gcc" && cell.size == 35) ||
                     (cell.trace == "orm_busy" && cell.size == 76);
  return known ? "it evicts on a hit, where segments round down" : "";
}

const Rule* rule_of(const std::vector<std::string>& row) {
  for (const Rule& rule : agreement_rules()) {
    if (row[column::kAlgorithm] == rule.algorithm && row[column::kParameters] == rule.parameters &&
        row[column::kSimulator].starts_with(rule.simulator) &&
        (rule.unit.empty() || row[column::kUnit] == rule.unit)) {
      return &rule;
    }
  }
  return nullptr;
}

bool is_registered(std::string_view strategy) {
  const std::string name(strategy.substr(0, strategy.find('{')));
  const auto names = strategy_registry().names();
  return name == "belady" || std::find(names.begin(), names.end(), name) != names.end();
}

AgreementCell cell_of(const std::vector<std::string>& row, const Rule& rule) {
  AgreementCell cell;
  cell.rule = &rule;
  cell.trace = row[column::kTrace];
  cell.in_bytes = row[column::kUnit] == "bytes";
  cell.size = std::stoull(row[column::kSize]);
  cell.fraction = row[column::kFraction];
  cell.requests = std::stoull(row[column::kRequests]);
  cell.misses = std::stoull(row[column::kMisses]);
  cell.simulator = row[column::kSimulator];
  const std::string note = row.size() > column::kNote ? row[column::kNote] : "";
  if (excludes(note)) cell.exception = note;
  if (cell.exception.empty()) cell.exception = deviation(cell);
  if (cell.exception.empty() && !cell.in_bytes && cell.size < rule.level.objects_min) {
    cell.exception = "under " + std::to_string(rule.level.objects_min) + " objects";
  }
  return cell;
}

std::string size_text(const AgreementCell& cell) {
  return std::to_string(cell.size) + (cell.in_bytes ? "B" : "");
}

/// Replays one trace in all strategies and sizes that its cells want, and writes down the misses.
void replay_trace(const std::filesystem::path& folder, const std::string& trace,
                  const std::vector<AgreementCell*>& cells) {
  std::map<std::string, std::size_t> strategies;
  std::map<std::string, std::size_t> sizes;
  SweepOptions options;
  for (const AgreementCell* cell : cells) {
    const std::string strategy(cell->rule->strategy);
    if (is_registered(strategy) && strategies.try_emplace(strategy, strategies.size()).second) {
      options.strategies.push_back(parse_strategies(strategy).at(0));
    }
    if (sizes.try_emplace(size_text(*cell), sizes.size()).second) {
      options.sizes.push_back(parse_sizes(size_text(*cell)).at(0));
    }
  }
  const SweepResult result = sweep(folder / (trace + ".csv.zst"), options);
  for (AgreementCell* cell : cells) {
    if (result.requests != cell->requests) {
      throw std::runtime_error(trace + " has " + std::to_string(result.requests) +
                               " requests, the table says " + std::to_string(cell->requests));
    }
    const auto strategy = strategies.find(std::string(cell->rule->strategy));
    if (strategy == strategies.end()) continue;
    cell->ours = result.cell(strategy->second, sizes.at(size_text(*cell))).result.misses;
  }
}

}  // namespace

const std::vector<Rule>& agreement_rules() {
  static const Level exact{.exact = true};
  static const Level near_all{.most = 0.002};
  static const Level s3fifo{.most = 0.002, .objects_min = 20};
  static const Level arc{.near = 0.002, .most = 0.012};
  static const Level lirs{.near = 0.002, .objects_min = 200};
  static const Level tiny_lfu{.worse = 0.02, .mean = 0.01};
  static const Level mean{.mean = 0.01};
  static const Level shown{};
  static const std::vector<Rule> rules{
      {"fifo", "default", kLibCacheSim, "fifo", exact},
      {"lru", "default", kLibCacheSim, "lru", exact},
      {"lfu", "default", kLibCacheSim, "lfu{ageing=false}", exact},
      {"clock", "default", kLibCacheSim, "clock{bits=1}", exact},
      {"clock", "n-bit-counter=2", kLibCacheSim, "clock{bits=2}", exact},
      {"sieve", "default", kLibCacheSim, "sieve", exact},
      {"sieve", "default", kCaffeine, "sieve", exact},
      {"twoq", "default", kLibCacheSim, "2q", exact},
      {"belady", "default", kLibCacheSim, "belady", exact},
      {"s3fifo", "default", kLibCacheSim, "s3fifo", s3fifo},
      {"s3fifo", "default", kLibCacheSim2025, "s3fifo{fill_main=true}", s3fifo},
      {"s3fifo", "default", kCaffeine, "s3fifo", s3fifo},
      {"arc", "default", kLibCacheSim, "arc", arc},
      {"arc", "default", kCaffeine, "arc", arc},
      {"lirs", "default", kLibCacheSim, "lirs{stack=2;ghosts=10000}", lirs},
      {"lirs", "default", kCaffeine, "lirs{ghosts=2}", lirs},
      {"lirs", "HIR=max(2;1%) stack S=2x", "lirs.c", "lirs{stack=2;ghosts=10000}", lirs},
      {"lirs", "HIR=max(2;1%) stack S=3x", "lirs.c", "lirs{stack=3;ghosts=10000}", lirs},
      {"lirs", "HIR=max(2;1%) stack S=unlimited", "lirs.c", "lirs{ghosts=10000}", lirs},
      {"slru", "default", kLibCacheSim, "slru{segments=1:1:1:1}", near_all},
      {"slru", "seg-size=1:4", kLibCacheSim, "slru{segments=1:4}", near_all},
      {"wtinylfu", "window=1%", kCaffeine, "wtinylfu{adaptive=false}", tiny_lfu},
      {"wtinylfu-climber", "simple", kCaffeine, "wtinylfu", tiny_lfu},
      {"frd", "default", kCaffeine, "frd", mean},
      {"clockproplus", "default", kCaffeine, "clockproplus", mean},
      {"gdsf", "default", kLibCacheSim, "gdsf", shown},
      {"gdsf", "default", kCaffeine, "gdsf", shown},
      {"random", "default", kLibCacheSim, "random", shown},
  };
  return rules;
}

double AgreementCell::expected_ratio() const {
  return static_cast<double>(misses) / static_cast<double>(requests);
}
double AgreementCell::our_ratio() const {
  return static_cast<double>(ours.value()) / static_cast<double>(requests);
}

std::vector<AgreementCell> compare(const std::filesystem::path& folder,
                                   const std::function<bool(const std::string&)>& wanted) {
  std::vector<AgreementCell> cells;
  for (const auto& row : csv_rows(folder / "expected_miss_ratios.csv")) {
    const Rule* const rule = row.size() > column::kSimulator ? rule_of(row) : nullptr;
    if (rule != nullptr && wanted(row[column::kTrace])) cells.push_back(cell_of(row, *rule));
  }
  std::map<std::string, std::vector<AgreementCell*>> by_trace;
  for (AgreementCell& cell : cells) by_trace[cell.trace].push_back(&cell);
  for (const auto& [trace, of_trace] : by_trace) replay_trace(folder, trace, of_trace);
  return cells;
}

std::vector<AgreementSummary> summarise(const std::vector<AgreementCell>& cells) {
  std::map<std::tuple<const Rule*, bool>, std::vector<const AgreementCell*>> groups;
  for (const AgreementCell& cell : cells) groups[{cell.rule, cell.in_bytes}].push_back(&cell);
  std::vector<AgreementSummary> summaries;
  for (const auto& [which, group] : groups) {
    AgreementSummary summary;
    std::tie(summary.rule, summary.in_bytes) = which;
    summary.simulator = group.front()->simulator;
    const Level& level = summary.rule->level;
    constexpr double kNear = 0.002;
    std::size_t near = 0;
    for (const AgreementCell* cell : group) {
      if (!cell->ours || !cell->exception.empty()) {
        ++(cell->ours ? summary.excepted : summary.missing);
        continue;
      }
      const double difference = cell->difference();
      ++summary.cells;
      if (*cell->ours == cell->misses) ++summary.equal;
      summary.mean += std::abs(difference);
      summary.largest = std::max(summary.largest, std::abs(difference));
      summary.worst = std::max(summary.worst, difference);
      if (std::abs(difference) <= level.near.value_or(kNear)) ++near;
    }
    if (summary.cells > 0) {
      summary.mean /= static_cast<double>(summary.cells);
      summary.near_share = static_cast<double>(near) / static_cast<double>(summary.cells);
    }
    summary.kept_in_each = (!level.exact || summary.equal == summary.cells) &&
                           summary.largest <= level.most.value_or(1) &&
                           summary.worst <= level.worse.value_or(1);
    summary.kept = summary.kept_in_each && summary.mean <= level.mean.value_or(1) &&
                   (!level.near || summary.cells == 0 || summary.near_share >= level.near_share);
    summaries.push_back(summary);
  }
  return summaries;
}

}  // namespace tarmac::simulator_tests
