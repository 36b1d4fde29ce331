// Prints how well every strategy takes over from every other, on the reference traces of up to a
// million and a half requests, or on the shipped trace if there are none.
//
// Usage: swap_fidelity [STRATEGY,…]      all of the catalogue but ttl, unless some are named
#include <tarmac/simulator/sweep.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "reference_traces.h"
#include "swap_fidelity.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

std::vector<StrategyChoice> chosen(int argc, char** argv) {
  if (argc > 1) return parse_strategies(argv[1]);
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
  const auto swaps = measure_swaps(chosen(argc, argv), cases());
  std::printf("%s", fidelity_table(swaps).c_str());
  const auto far = std::count_if(swaps.begin(), swaps.end(),
                                 [](const SwapFidelity& swap) { return !swap.is_near(); });
  const auto no_nearer = std::count_if(swaps.begin(), swaps.end(), [](const SwapFidelity& swap) {
    return !swap.is_nearer_than_cold();
  });
  std::printf("\n%zu swaps, %td of them further than 1 point, %td no nearer than a cold start\n",
              swaps.size(), far, no_nearer);
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
