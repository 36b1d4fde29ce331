#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/cache_replay.h>
#include <tarmac/testing/scratch_folder.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using ::testing::ElementsAre;

/// Keeps everything up to a weight, and what it was told.
class KeepsAll {
 public:
  explicit KeepsAll(std::uint64_t heaviest = 1'000) : heaviest_(heaviest) {}

  [[nodiscard]] std::optional<std::string> get(std::uint64_t key) const {
    const auto found = values.find(key);
    if (found == values.end()) return std::nullopt;
    return found->second;
  }
  SetOutcome set(std::uint64_t key, std::string value, SetOptions options) {
    told.push_back(options);
    if (options.weight.value_or(1) > heaviest_) return SetOutcome::too_large;
    values[key] = std::move(value);
    return SetOutcome::stored;
  }

  std::map<std::uint64_t, std::string> values;
  std::vector<SetOptions> told;

 private:
  std::uint64_t heaviest_;
};

class CacheReplayTest : public ::testing::Test {
 protected:
  [[nodiscard]] TraceReader trace(std::string_view content) const {
    return TraceReader(folder_.write("trace.csv", content));
  }
  static std::string value_of(const Request& request) { return "v" + std::to_string(request.key); }

  testing::ScratchFolder folder_;
};

TEST_F(CacheReplayTest, LooksUpAndInsertsAfterAMiss) {
  KeepsAll cache;
  auto reader = trace("key,size,op\n1,10,r\n2,20,w\n1,10,w\n");
  const ReplayResult result = replay_through(cache, reader, value_of);
  EXPECT_EQ(result.requests, 3U);
  EXPECT_EQ(result.hits, 1U);
  EXPECT_EQ(result.misses, 2U);
  EXPECT_EQ(result.bytes, 40U);
  EXPECT_EQ(result.missed_bytes, 30U);
  EXPECT_THAT(cache.values, ElementsAre(std::pair(1, "v1"), std::pair(2, "v2")));
}

TEST_F(CacheReplayTest, TellsNeitherSizeNorTtlUnlessAsked) {
  KeepsAll cache;
  auto reader = trace("key,size,ttl\n1,10,60\n");
  static_cast<void>(replay_through(cache, reader, value_of));
  ASSERT_EQ(cache.told.size(), 1U);
  EXPECT_FALSE(cache.told[0].weight.has_value());
  EXPECT_FALSE(cache.told[0].ttl.has_value());
}

TEST_F(CacheReplayTest, TellsSizeAndTtlWhenAsked) {
  KeepsAll cache;
  auto reader = trace("key,size,ttl\n1,10,60\n2,20,0\n3,99999999999,9223372036\n");
  CacheReplayOptions options;
  options.sizes_are_weights = true;
  options.with_ttl = true;
  const ReplayResult result = replay_through(cache, reader, value_of, options);
  ASSERT_EQ(cache.told.size(), 3U);
  EXPECT_EQ(cache.told[0].weight, 10U);
  EXPECT_EQ(cache.told[0].ttl, std::chrono::seconds(60));
  EXPECT_FALSE(cache.told[1].ttl.has_value()) << "0 is no TTL, not one that is over at once";
  EXPECT_EQ(cache.told[2].weight, 4'294'967'295U);
  EXPECT_EQ(cache.told[2].ttl, std::chrono::seconds(9'223'372'036));
  EXPECT_EQ(result.bypassed, 1U);
  EXPECT_EQ(result.misses, 3U);
}

TEST_F(CacheReplayTest, StopsAfterAsManyRequestsAndGoesOnFromThere) {
  KeepsAll cache;
  auto reader = trace("key\n1\n2\n3\n1\n");
  CacheReplayOptions options;
  options.requests_max = 3;
  EXPECT_EQ(replay_through(cache, reader, value_of, options).requests, 3U);
  const ReplayResult rest = replay_through(cache, reader, value_of);
  EXPECT_EQ(rest.requests, 1U);
  EXPECT_EQ(rest.hits, 1U);
}

TEST_F(CacheReplayTest, ReportsAtItsIntervalAndAtTheEnd) {
  KeepsAll cache;
  auto reader = trace("key\n1\n2\n3\n1\n5\n");
  std::vector<std::uint64_t> reported;
  CacheReplayOptions options;
  options.report.interval = 2;
  options.report.call = [&](const ReplayResult& so_far, const TraceProgress&) {
    reported.push_back(so_far.requests);
  };
  static_cast<void>(replay_through(cache, reader, value_of, options));
  EXPECT_THAT(reported, ElementsAre(2, 4, 5));
}

TEST_F(CacheReplayTest, LeavesWhatWasPlayedBeforeADamagedLine) {
  KeepsAll cache;
  auto reader = trace("key\n1\n2\nx\n");
  EXPECT_THROW(static_cast<void>(replay_through(cache, reader, value_of)), ConfigError);
  EXPECT_EQ(cache.values.size(), 2U);
}

}  // namespace
}  // namespace tarmac::simulator_tests
