#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/simulator/cache_replay.h>
#include <tarmac/strategies/catalog.h>

#include <filesystem>
#include <string>
#include <utility>

#include "reference_traces.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using Cache = CacheManager<std::uint64_t, std::uint64_t>;

/// One shard, so that the eviction order is exactly the algorithm's, and no bound unless one is
/// set.
CacheOptions one_shard(const std::string& strategy, Parameters parameters) {
  CacheOptions options;
  options.name = "replay";
  options.max_entries = std::nullopt;
  options.eviction = strategy;
  options.eviction_parameters = std::move(parameters);
  options.shards = 1;
  options.background_expiry = false;
  return options;
}

std::uint64_t key_as_value(const Request& request) { return request.key; }

// Goal: a live cache evicts exactly as the algorithm it names. Method: replay public traces through
// it and compare with what another project's simulator has computed.
class LiveCacheReferenceTest : public ::testing::TestWithParam<ReferenceCase> {};

TEST_P(LiveCacheReferenceTest, MissesWhatAnotherSimulatorMisses) {
  const auto folder = reference_folder();
  if (!folder) GTEST_SKIP() << kNoReferenceTraces;
  const auto rows = expected_misses(*folder, GetParam());
  ASSERT_GE(rows.size(), 3U) << "the table should have several sizes of this trace";
  for (const ExpectedMisses& expected : rows) {
    CacheOptions options = one_shard(GetParam().strategy, exact_parameters(GetParam()));
    options.max_entries = expected.cache_size;
    Cache cache(options);
    TraceReader trace(*folder / (GetParam().trace + ".csv.zst"));
    const ReplayResult result = replay_through(cache, trace, key_as_value);
    EXPECT_EQ(result.requests, expected.requests) << "cache of " << expected.cache_size;
    EXPECT_EQ(result.misses, expected.misses) << "cache of " << expected.cache_size;
    const Stats stats = cache.stats();
    EXPECT_EQ(stats.misses, expected.misses);
    EXPECT_EQ(stats.hits, expected.requests - expected.misses);
    EXPECT_EQ(stats.evictions, expected.misses - expected.cache_size);
    EXPECT_EQ(cache.size(), expected.cache_size);
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, LiveCacheReferenceTest, ::testing::ValuesIn(reference_cases()),
                         [](const auto& row) {
                           return row.param.trace + "_" + row.param.strategy;
                         });

// Goal: the same on the trace everybody has, bounded in entries and in bytes. Method: the miss
// counts of reference_miss_counts.py, which shares no code with the cache.
TEST(LiveCacheOnShippedTrace, MissesWhatAnIndependentProgramMisses) {
  const auto rows = csv_rows(std::filesystem::path(TARMAC_SOURCE_DIR) / "tests" / "simulator" /
                             "data" / "build_files_misses.csv");
  ASSERT_EQ(rows.size(), 18U);
  for (const auto& row : rows) {
    Parameters parameters;
    if (row[0] == "lfu") parameters.set("ageing", "false");
    CacheOptions options = one_shard(row[0], parameters);
    CacheReplayOptions how;
    if (row[1] == "bytes") {
      options.max_bytes = std::stoull(row[2]);
      how.sizes_are_weights = true;
    } else {
      options.max_entries = std::stoull(row[2]);
    }
    Cache cache(options);
    TraceReader trace(shipped_trace());
    const ReplayResult result = replay_through(cache, trace, key_as_value, how);
    EXPECT_EQ(result.requests, std::stoull(row[3]));
    EXPECT_EQ(result.misses, std::stoull(row[4])) << row[0] << " in " << row[2] << " " << row[1];
  }
}

}  // namespace
}  // namespace tarmac::simulator_tests
