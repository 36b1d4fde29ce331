#include <gtest/gtest.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "reference_traces.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

// Goal: a strategy is the algorithm of its name, to the last request. Method: replay public traces
// through the bare strategy at every size of a table that another project's simulator has computed.
class ReferenceTraceTest : public ::testing::TestWithParam<ReferenceCase> {};

TEST_P(ReferenceTraceTest, MissesWhatAnotherSimulatorMisses) {
  const auto folder = reference_folder();
  if (!folder) GTEST_SKIP() << kNoReferenceTraces;
  const auto rows = expected_misses(*folder, GetParam());
  ASSERT_GE(rows.size(), 3U) << "the table should have several sizes of this trace";
  for (const ExpectedMisses& expected : rows) {
    TraceReader trace(*folder / (GetParam().trace + ".csv.zst"));
    const ReplayResult result = replay(
        trace,
        [] { return strategy_registry().make(GetParam().strategy, exact_parameters(GetParam())); },
        {expected.cache_size, false});
    EXPECT_EQ(result.requests, expected.requests) << "cache of " << expected.cache_size;
    EXPECT_EQ(result.misses, expected.misses) << "cache of " << expected.cache_size;
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, ReferenceTraceTest, ::testing::ValuesIn(reference_cases()),
                         [](const auto& row) {
                           return row.param.trace + "_" + row.param.strategy;
                         });

}  // namespace
}  // namespace tarmac::simulator_tests
