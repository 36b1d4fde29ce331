#include "excess.h"

#include <fmt/format.h>
#include <tarmac/simulator/sweep.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "reference_traces.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

constexpr std::uint64_t kObjectsMin = 100;

std::string size_text(const ExcessCell& cell) {
  return std::to_string(cell.size) + (cell.in_bytes ? "B" : "");
}

void replay_trace(const std::filesystem::path& folder, const std::string& strategy,
                  const std::vector<ExcessCell*>& cells) {
  SweepOptions options;
  options.strategies = parse_strategies(strategy);
  for (const ExcessCell* cell : cells) {
    options.sizes.push_back(parse_sizes(size_text(*cell)).at(0));
  }
  const auto result = sweep(folder / (cells.front()->trace + ".csv.zst"), options);
  for (std::size_t at = 0; at < cells.size(); ++at) {
    cells[at]->ours = result.cell(0, at).result.misses;
  }
}

}  // namespace

bool ExcessCell::is_pattern() const {
  static const std::set<std::string> patterns{"lirs_loop", "lirs_scan", "lirs_2_pools", "addr_gcc"};
  return patterns.contains(trace);
}

std::vector<ExcessCell> excess_over_best(const std::filesystem::path& folder,
                                         const std::string& strategy,
                                         const std::function<bool(const std::string&)>& wanted) {
  std::map<std::tuple<std::string, bool, std::uint64_t>, ExcessCell> cells;
  for (const auto& row : csv_rows(folder / "expected_miss_ratios.csv")) {
    if (row.size() <= column::kMisses || !wanted(row[column::kTrace]) ||
        row[column::kAlgorithm].starts_with("belady")) {
      continue;
    }
    const bool in_bytes = row[column::kUnit] == "bytes";
    if (row[column::kUnit] != "objects" && !in_bytes) continue;
    const std::uint64_t size = std::stoull(row[column::kSize]);
    if (!in_bytes && size < kObjectsMin) continue;
    ExcessCell& cell = cells[{row[column::kTrace], in_bytes, size}];
    const std::uint64_t misses = std::stoull(row[column::kMisses]);
    cell.trace = row[column::kTrace];
    cell.in_bytes = in_bytes;
    cell.size = size;
    cell.requests = std::stoull(row[column::kRequests]);
    if (cell.best == 0 || misses < cell.best) {
      cell.best = misses;
      cell.best_algorithm = row[column::kAlgorithm];
    }
    if (row[column::kAlgorithm] == "fifo") cell.fifo = misses;
    if (row[column::kAlgorithm] == "gdsf")
      cell.gdsf = cell.gdsf == 0 ? misses : std::min(cell.gdsf, misses);
  }
  std::vector<ExcessCell> result;
  for (auto& [where, cell] : cells) result.push_back(std::move(cell));
  std::map<std::string, std::vector<ExcessCell*>> by_trace;
  for (ExcessCell& cell : result) by_trace[cell.trace].push_back(&cell);
  for (const auto& [trace, of_trace] : by_trace) replay_trace(folder, strategy, of_trace);
  return result;
}

ExcessSummary summarise(const std::vector<ExcessCell>& cells) {
  ExcessSummary summary;
  for (const ExcessCell& cell : cells) {
    if (cell.in_bytes) {
      summary.worst_over_gdsf = std::max(summary.worst_over_gdsf, cell.over_gdsf());
      continue;
    }
    summary.worst_over_fifo = std::max(summary.worst_over_fifo, cell.over_fifo());
    if (cell.is_pattern()) continue;
    ++summary.cells;
    summary.mean += cell.excess();
    summary.worst = std::max(summary.worst, cell.excess());
  }
  if (summary.cells > 0) summary.mean /= static_cast<double>(summary.cells);
  return summary;
}

std::string excess_page(const std::string& strategy, const std::vector<ExcessCell>& cells) {
  const ExcessSummary summary = summarise(cells);
  std::string text = fmt::format(
      "# `{0}`, cell by cell\n\n"
      "Written by the program `excess` (tests/simulator): do not edit. `./run stress -R excess` "
      "computes it again.\n\n"
      "Each public trace at each size of 100 objects or more, beside the best that any algorithm "
      "without knowledge of the\n"
      "future reached there in another project's simulator (over thirty algorithms: the best is "
      "another one from cell to\n"
      "cell). In objects, without loops, scans and processor addresses: **{1} cells, {2:.2f} % "
      "more misses than the best on\n"
      "average, {3:.1f} % at worst**. Beside FIFO at worst {4:+.2f} %; with object sizes beside "
      "GDSF at worst {5:+.2f} %.\n\n"
      "| trace | size | best of all | | `{0}` | excess | beside FIFO | beside GDSF |\n"
      "|---|---:|---:|---|---:|---:|---:|---:|\n",
      strategy, summary.cells, summary.mean * 100, summary.worst * 100,
      summary.worst_over_fifo * 100, summary.worst_over_gdsf * 100);
  for (const ExcessCell& cell : cells) {
    const auto share = [&cell](std::uint64_t misses) {
      return static_cast<double>(misses) / static_cast<double>(cell.requests);
    };
    text += fmt::format("| {}{} | {} | {:.4f} | {} | {:.4f} | {:+.1f} % | {:+.1f} % | {} |\n",
                        cell.trace, cell.is_pattern() ? " (pattern)" : "", size_text(cell),
                        share(cell.best), cell.best_algorithm, share(cell.ours),
                        cell.excess() * 100, cell.over_fifo() * 100,
                        cell.in_bytes ? fmt::format("{:+.1f} %", cell.over_gdsf() * 100) : "–");
  }
  return text;
}

}  // namespace tarmac::simulator_tests
