// Public traces and the miss counts that another project's simulator computed on them. They are not
// part of this repository; without them the tests that need them say so and are skipped.
#pragma once

#include <tarmac/core/parameters.h>

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace tarmac::simulator_tests {

inline constexpr const char* kNoReferenceTraces =
    "no reference traces at hand: put the folder with expected_miss_ratios.csv and the *.csv.zst "
    "files at ../shared/traces beside the checkout, or name it in the variable TARMAC_TRACES";

/// Columns of expected_miss_ratios.csv.
namespace column {
inline constexpr std::size_t kTrace = 0;
inline constexpr std::size_t kAlgorithm = 1;
inline constexpr std::size_t kParameters = 2;
inline constexpr std::size_t kUnit = 3;
inline constexpr std::size_t kSize = 4;
inline constexpr std::size_t kFraction = 5;
inline constexpr std::size_t kRequests = 6;
inline constexpr std::size_t kMisses = 7;
inline constexpr std::size_t kSimulator = 11;
inline constexpr std::size_t kNote = 12;
}  // namespace column

/// A trace and a strategy that has one right answer on it.
struct ReferenceCase {
  std::string trace;
  std::string strategy;
};
void PrintTo(const ReferenceCase& which, std::ostream* out);

/// Three traces (web pages, block accesses, a mix of programs) by seven strategies; with the
/// variable TARMAC_ALL_TRACES every trace of the table.
[[nodiscard]] std::vector<ReferenceCase> reference_cases();

/// The parameters that make the strategy the textbook's: LFU never forgets.
[[nodiscard]] Parameters exact_parameters(const ReferenceCase& which);

/// The folder that TARMAC_TRACES names, else ../shared/traces beside the checkout if there is one.
/// A folder that was named is not checked: naming a wrong one is a failure, not a skipped test.
[[nodiscard]] std::optional<std::filesystem::path> reference_folder();

struct ExpectedMisses {
  std::uint64_t cache_size = 0;
  std::uint64_t requests = 0;
  std::uint64_t misses = 0;
};
/// The rows of the table for objects of size 1, one for each cache size.
[[nodiscard]] std::vector<ExpectedMisses> expected_misses(const std::filesystem::path& folder,
                                                          const ReferenceCase& which);

}  // namespace tarmac::simulator_tests
