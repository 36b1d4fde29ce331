// Prints how well every strategy takes over from every other, on the reference traces of up to a
// million and a half requests, or on the shipped trace if there are none.
//
// Usage: swap_fidelity [--csv] [TO,… [FROM,…]]
//        all of the catalogue but ttl where none are named; --csv: a line for each swap instead
#include <tarmac/simulator/sweep.h>
#include <tarmac/strategies/catalog.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "reference_traces.h"
#include "swap_fidelity.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

std::vector<StrategyChoice> chosen(const std::string& names) {
  if (!names.empty()) return parse_strategies(names);
  std::vector<StrategyChoice> all;
  for (const StrategyDescription& row : catalog()) {
    if (row.name != "ttl") all.push_back({std::string(row.name), {}});
  }
  return all;
}

/// The sizes of the table from 100 objects on whose window is over before the trace is.
std::vector<SwapCase> cases() {
  const auto folder = reference_folder();
  if (!folder) return {{shipped_trace(), 208}};
  constexpr std::uint64_t kRequestsMax = 1'500'000;
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> sizes;
  for (const auto& row : csv_rows(*folder / "expected_miss_ratios.csv")) {
    if (row.at(3) == "objects") sizes[{row.at(0), std::stoull(row.at(4))}] = std::stoull(row.at(6));
  }
  std::vector<SwapCase> result;
  for (const auto& [which, requests] : sizes) {
    const auto& [trace, size] = which;
    if (size >= 100 && requests <= kRequestsMax && 20 * size <= requests) {
      result.push_back({*folder / (trace + ".csv.zst"), size});
    }
  }
  return result;
}

int run(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool as_csv = !arguments.empty() && arguments.front() == "--csv";
  if (as_csv) arguments.erase(arguments.begin());
  arguments.resize(2);
  const auto swaps = measure_swaps(chosen(arguments[1]), chosen(arguments[0]), cases());
  if (as_csv) {
    std::printf("%s", fidelity_csv(swaps).c_str());
  } else {
    std::printf("%s\n%s", fidelity_summary(swaps).c_str(), fidelity_table(swaps).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace tarmac::simulator_tests

int main(int argc, char** argv) {
  try {
    return tarmac::simulator_tests::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "swap_fidelity: %s\n", error.what());
    return 1;
  }
}
