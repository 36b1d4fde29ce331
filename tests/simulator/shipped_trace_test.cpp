#include <gtest/gtest.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <filesystem>
#include <map>
#include <string>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

TEST(ShippedTrace, HoldsWhatItsFormatPromises) {
  std::map<std::uint64_t, std::uint64_t> sizes;
  std::uint64_t requests = 0;
  TraceReader trace(shipped_trace());
  EXPECT_TRUE(trace.has_size());
  Request request;
  while (trace.next(request)) {
    ++requests;
    const auto [position, is_new] = sizes.try_emplace(request.key, request.size);
    ASSERT_EQ(position->second, request.size) << "request " << requests;
    if (is_new) {
      ASSERT_EQ(request.key, sizes.size()) << "keys are dense, in order of appearance";
    }
  }
  EXPECT_GT(requests, 20'000U);
  EXPECT_GT(requests, sizes.size() * 5) << "a trace for a cache has many repeats";
  EXPECT_LT(std::filesystem::file_size(shipped_trace()), 300'000U);
}

// Goal: the strategies are their algorithms on the trace everybody has, in objects and in bytes.
// Method: the miss counts that reference_miss_counts.py found, which shares no code with them.
TEST(ShippedTrace, MissesWhatAnIndependentProgramMisses) {
  const auto rows = csv_rows(std::filesystem::path(TARMAC_SOURCE_DIR) / "tests" / "simulator" /
                             "data" / "build_files_misses.csv");
  ASSERT_EQ(rows.size(), 18U) << "three algorithms, three sizes, two units";
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 5U);
    Parameters parameters;
    if (row[0] == "lfu") parameters.set("ageing", "false");
    TraceReader trace(shipped_trace());
    const ReplayResult result =
        replay(trace, [&] { return strategy_registry().make(row[0], parameters); },
               {std::stoull(row[2]), row[1] == "bytes"});
    EXPECT_EQ(result.requests, std::stoull(row[3]));
    EXPECT_EQ(result.misses, std::stoull(row[4])) << row[0] << " in " << row[2] << " " << row[1];
  }
}

}  // namespace
}  // namespace tarmac::simulator_tests
