#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/belady.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/simulator/report.h>
#include <tarmac/simulator/sweep.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/scratch_folder.h>

#include <sys/stat.h>
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Choices, OfStrategiesCarryTheirParameters) {
  const auto choices = parse_strategies("lru,lfu{ageing=false;ageing_period=3},belady");
  ASSERT_EQ(choices.size(), 3U);
  EXPECT_EQ(choices[1].text(), "lfu{ageing=false;ageing_period=3}");
  EXPECT_EQ(choices[1].settings().get_uint("ageing_period", 0), 3U);
  EXPECT_TRUE(choices[2].is_bound());
  EXPECT_FALSE(choices[0].is_bound());
}

TEST(Choices, OfSizesAreObjectsBytesAndParts) {
  const auto sizes = parse_sizes("1000,64MiB,0.5%,1.5kB");
  ASSERT_EQ(sizes.size(), 4U);
  EXPECT_EQ(sizes[0].unit, SizeChoice::Unit::objects);
  EXPECT_EQ(sizes[0].amount, 1'000U);
  EXPECT_EQ(sizes[1].unit, SizeChoice::Unit::bytes);
  EXPECT_EQ(sizes[1].amount, std::uint64_t{64} << 20U);
  EXPECT_EQ(sizes[2].unit, SizeChoice::Unit::percent);
  EXPECT_EQ(sizes[2].percent, 0.5);
  EXPECT_EQ(sizes[3].amount, 1'500U);
}

TEST(Choices, ThatCannotBeMeantAreRefusedWithAMend) {
  const std::vector<std::pair<const char*, const char*>> strategies{
      {"lrv", "did you mean \"lru\"?"},
      {"", "empty element"},
      {"lru,,fifo", "empty element"},
      {"lfu{ageing=maybe}", "true or false"},
      {"lfu{aging=false}", "did you mean \"ageing\"?"},
      {"lfu{ageing}", "PARAMETER=VALUE"},
      {"lfu{ageing=}", "PARAMETER=VALUE"},
      {"lfu{ageing=true;ageing=false}", "set twice"},
      {"lfu{ageing=true", "closing brace"},
      {"lfu{a={b}}", "braces do not match"},
      {"lfu}", "braces do not match"},
      {"lfu{ageing=true}x", "behind the closing brace"},
      {"belady{x=1}", "no parameters"},
  };
  for (const auto& choice : strategies) {
    EXPECT_THAT(refusal_of([&] { static_cast<void>(parse_strategies(choice.first)); }),
                HasSubstr(choice.second))
        << choice.first;
  }
  for (const char* list : {"0", "0%", "101%", "-1", "1.5", "10 %", "5XB", "1e99", "MiB", "1..5%",
                           "0.5B", "99999999999999TiB", "1%x"}) {
    EXPECT_THAT(refusal_of([&] { static_cast<void>(parse_sizes(list)); }),
                HasSubstr("; write objects (1000)"))
        << list;
  }
}

class SweepTest : public ::testing::Test {
 protected:
  [[nodiscard]] static SweepOptions options(const std::string& strategies,
                                            const std::string& sizes) {
    SweepOptions result;
    result.strategies = parse_strategies(strategies);
    result.sizes = parse_sizes(sizes);
    return result;
  }
  /// Keys of very different popularity, with sizes.
  [[nodiscard]] std::filesystem::path random_trace(std::size_t requests) const {
    std::mt19937_64 random(7);
    std::string text = "key,size\n";
    for (std::size_t i = 0; i < requests; ++i) {
      const std::uint64_t key = random() % (1 + random() % 5'000);
      text += std::to_string(key) + "," + std::to_string(1 + key * 37 % 900) + "\n";
    }
    return folder_.write("random.csv", text);
  }

  testing::ScratchFolder folder_;
};

// Goal: what is swept in one pass, in batches and by several threads, is what each replay alone
// would count. Method: a trace of several batches, every cell, against replays of their own.
TEST_F(SweepTest, CountsWhatEachReplayAloneCounts) {
  const auto file = random_trace(300'000);
  auto how = options("fifo,lru,lfu{ageing=false}", "10,500,100kB,40%");
  for (const unsigned jobs : {1U, 3U}) {
    how.jobs = jobs;
    const SweepResult result = sweep(file, how);
    EXPECT_EQ(result.requests, 300'000U);
    ASSERT_EQ(result.cells.size(), 12U);
    for (const SweepCell& cell : result.cells) {
      const StrategyChoice& choice = result.strategies[cell.strategy];
      TraceReader trace(file);
      const ReplayResult alone = replay(
          trace, [&] { return strategy_registry().make(choice.name, choice.settings()); },
          cell.capacity);
      EXPECT_EQ(cell.result.misses, alone.misses) << choice.text() << " " << cell.size;
      EXPECT_EQ(cell.result.missed_bytes, alone.missed_bytes);
      EXPECT_EQ(cell.result.evictions, alone.evictions);
      EXPECT_EQ(cell.result.hits + cell.result.misses, cell.result.requests);
    }
  }
}

TEST_F(SweepTest, KnowsObjectsAndBytesWherePartsAreAskedFor) {
  const auto file = folder_.write("trace.csv", "key,size\n1,100\n2,50\n1,999\n3,7\n");
  auto how = options("lru", "50%,100%");
  const SweepResult result = sweep(file, how);
  ASSERT_TRUE(result.summary.has_value());
  EXPECT_EQ(result.summary->objects, 3U);
  EXPECT_EQ(result.summary->bytes, 157U) << "an object has the size it first came with";
  EXPECT_EQ(result.capacities[0].amount, 1U);
  EXPECT_EQ(result.capacities[1].amount, 3U);
  how.percent_of_bytes = true;
  const SweepResult in_bytes = sweep(file, how);
  EXPECT_EQ(in_bytes.capacities[0].amount, 78U);
  EXPECT_TRUE(in_bytes.capacities[0].in_weight);
  EXPECT_FALSE(sweep(file, options("lru", "2")).summary.has_value()) << "one pass is enough";
}

TEST_F(SweepTest, TellsOfItsProgress) {
  auto how = options("lru,belady", "10");
  std::vector<int> passes;
  double fraction = 0;
  how.report = [&](const SweepProgress& progress) {
    EXPECT_EQ(progress.passes, 2);
    passes.push_back(progress.pass);
    fraction = progress.fraction;
  };
  static_cast<void>(sweep(random_trace(1'000), how));
  EXPECT_TRUE(std::is_sorted(passes.begin(), passes.end()));
  EXPECT_THAT(passes, ::testing::Contains(2));
  EXPECT_EQ(fraction, 1.0);
}

TEST_F(SweepTest, CountsMalformedLinesOrStopsAtTheFirst) {
  const auto file = folder_.write("trace.csv", "key\n1\nx\n1\ny\n");
  auto how = options("lru", "1");
  how.trace.strict = false;
  const SweepResult result = sweep(file, how);
  EXPECT_EQ(result.requests, 2U);
  EXPECT_EQ(result.problems.count, 2U);
  how.trace.strict = true;
  EXPECT_THAT(refusal_of([&] { static_cast<void>(sweep(file, how)); }),
              HasSubstr("trace.csv:3: key is \"x\""));
}

TEST_F(SweepTest, RefusesWhatHoldsNoRequest) {
  auto how = options("lru", "1");
  how.trace.strict = false;
  const auto empty = folder_.write("empty.csv", "key\n");
  EXPECT_THAT(refusal_of([&] { static_cast<void>(sweep(empty, how)); }),
              HasSubstr("there is no request in it"));
  const auto wrong = folder_.write("wrong.csv", "key\nx\n");
  EXPECT_THAT(refusal_of([&] { static_cast<void>(sweep(wrong, how)); }),
              HasSubstr("wrong.csv:2: "));
  EXPECT_THAT(refusal_of([&] { static_cast<void>(sweep(folder_.path() / "none", how)); }),
              HasSubstr("cannot be opened"));
  EXPECT_THAT(refusal_of([&] { static_cast<void>(sweep(empty, {})); }), HasSubstr("a strategy"));
}

TEST_F(SweepTest, SaysThatAPipeIsReadOnlyOnce) {
  const auto pipe = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal_of([&] { static_cast<void>(sweep(pipe, options("lru", "1%"))); }),
              HasSubstr("give sizes as numbers and leave belady out"));
}

// Goal: the bound is Belady's. Method: the farthest next use found by looking ahead at every
// eviction, on small random traces, in objects and in bytes.
TEST(Belady, EvictsWhatIsNeededLast) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 60; ++round) {
    const bool in_weight = round % 2 == 1;
    const std::uint64_t capacity = in_weight ? 40 : 5;
    std::vector<Request> trace(400);
    for (Request& request : trace) {
      request.key = random() % (1 + random() % 30);
      request.size = 1 + request.key % 15 * 3;
    }
    NextAccesses next;
    std::map<std::uint64_t, std::uint32_t> last;
    next.of_request.assign(trace.size(), NextAccesses::kNever);
    for (std::uint32_t i = 0; i < trace.size(); ++i) {
      if (last.contains(trace[i].key)) next.of_request[last[trace[i].key]] = i;
      last[trace[i].key] = i;
    }
    BeladyReplay belady(next, {capacity, in_weight});
    belady.play(trace);

    std::map<std::uint64_t, std::pair<std::uint32_t, std::uint64_t>> held;  // next use, cost
    std::uint64_t used = 0;
    std::uint64_t misses = 0;
    for (std::uint32_t i = 0; i < trace.size(); ++i) {
      const auto found = held.find(trace[i].key);
      if (found != held.end()) {
        found->second.first = next.of_request[i];
        continue;
      }
      ++misses;
      const std::uint64_t cost = in_weight ? trace[i].size : 1;
      if (cost > capacity) continue;
      while (used + cost > capacity) {
        const auto farthest = std::max_element(
            held.begin(), held.end(),
            [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
        used -= farthest->second.second;
        held.erase(farthest);
      }
      held[trace[i].key] = {next.of_request[i], cost};
      used += cost;
    }
    EXPECT_EQ(belady.result().misses, misses) << "round " << round;
    EXPECT_EQ(belady.result().hits + misses, trace.size());
  }
}

TEST(Belady, RefusesMoreRequestsThanWereRead) {
  NextAccesses next;
  next.of_request = {NextAccesses::kNever};
  BeladyReplay belady(next, {1, false});
  const std::vector<Request> two(2);
  EXPECT_THROW(belady.play(two), ConfigError);
  EXPECT_THROW(BeladyReplay(next, {0, false}), ConfigError);
}

}  // namespace
}  // namespace tarmac::simulator_tests
