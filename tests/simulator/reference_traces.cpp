#include "reference_traces.h"

#include <cstdlib>
#include <ostream>
#include <set>
#include <string_view>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {}  // namespace

void PrintTo(const ReferenceCase& which, std::ostream* out) {
  *out << which.strategy << " on " << which.trace;
}

std::vector<ReferenceCase> reference_cases() {
  std::set<std::string> traces{"web07", "cloudphysics_io", "lirs_multi2"};
  const char* all = std::getenv("TARMAC_ALL_TRACES");
  if (const auto folder = reference_folder(); folder && all != nullptr && *all != '\0') {
    for (const auto& row : csv_rows(*folder / "expected_miss_ratios.csv"))
      traces.insert(row.at(column::kTrace));
  }
  std::vector<ReferenceCase> cases;
  for (const auto& trace : traces) {
    for (const char* strategy : {"lru", "fifo", "lfu", "clock", "sieve", "2q", "arc"}) {
      cases.push_back({trace, strategy});
    }
  }
  return cases;
}

Parameters exact_parameters(const ReferenceCase& which) {
  Parameters parameters;
  if (which.strategy == "lfu") parameters.set("ageing", "false");
  return parameters;
}

std::optional<std::filesystem::path> reference_folder() {
  if (const char* named = std::getenv("TARMAC_TRACES"); named != nullptr && *named != '\0') {
    return named;
  }
  const auto beside = std::filesystem::path(TARMAC_SOURCE_DIR) / ".." / "shared" / "traces";
  if (!std::filesystem::exists(beside / "expected_miss_ratios.csv")) return std::nullopt;
  return beside;
}

std::vector<ExpectedMisses> expected_misses(const std::filesystem::path& folder,
                                            const ReferenceCase& which) {
  std::vector<ExpectedMisses> expected;
  const std::string algorithm = which.strategy == "2q" ? "twoq" : which.strategy;
  for (const auto& row : csv_rows(folder / "expected_miss_ratios.csv")) {
    const bool wanted = row.size() > column::kSimulator && row[column::kTrace] == which.trace &&
                        row[column::kAlgorithm] == algorithm &&
                        row[column::kParameters] == "default" && row[column::kUnit] == "objects" &&
                        row[column::kSimulator].starts_with("libCacheSim ");
    if (!wanted) continue;
    expected.push_back({std::stoull(row[column::kSize]), std::stoull(row[column::kRequests]),
                        std::stoull(row[column::kMisses])});
  }
  return expected;
}

}  // namespace tarmac::simulator_tests
