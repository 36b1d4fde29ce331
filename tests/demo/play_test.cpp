// How a demo goes on when something goes wrong, and what steps answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/config.h>
#include <tarmac/testing/scratch_folder.h>

#include "scenario_files.h"

namespace tarmac::demo {
namespace {

using ::testing::HasSubstr;

DemoResult played_all(const std::vector<std::string>& texts) {
  const testing::ScratchFolder folder;
  std::vector<Scenario> scenarios;
  for (const auto& text : texts) {
    scenarios.push_back(
        load_scenario(folder.write("s" + std::to_string(scenarios.size()) + ".yaml", text)));
  }
  return play(scenarios);
}

TEST(Play, GoesOnAfterAFailedExpectationAndAfterAFailedScenario) {
  const auto wrong = scenario_of("  - expect: {size: 1}\n  - expect: {size: 0}\n");
  const auto right = scenario_of("  - expect: {size: 0}\n");
  const auto result = played_all({wrong, right});
  ASSERT_EQ(result.scenarios.size(), 2U);
  EXPECT_EQ(result.scenarios[0].steps.size(), 2U);
  EXPECT_FALSE(result.scenarios[0].passed());
  EXPECT_TRUE(result.scenarios[0].steps[1].passed());
  EXPECT_TRUE(result.scenarios[1].passed());
  EXPECT_EQ(result.exit_status(), 1);
  EXPECT_EQ(result.steps(), 3U);
  EXPECT_EQ(result.checks(), 3U);
}

// A step that throws: a trace that is damaged in its third line. What it had played stays.
TEST(Play, EndsTheScenarioOfAStepThatThrowsAndPlaysTheNext) {
  const testing::ScratchFolder folder;
  static_cast<void>(folder.write("bad.csv", "key\n1\nx\n"));
  const auto text = scenario_of("  - replay: {trace: bad.csv}\n  - expect: {size: 0}\n");
  const std::vector<Scenario> scenarios{
      load_scenario(folder.write("a.yaml", text)),
      load_scenario(folder.write("b.yaml", scenario_of("  - get: a\n")))};
  const auto result = play(scenarios);
  ASSERT_EQ(result.scenarios.size(), 2U);
  ASSERT_EQ(result.scenarios[0].steps.size(), 1U);
  EXPECT_THAT(result.scenarios[0].steps[0].error, HasSubstr("bad.csv:3"));
  EXPECT_EQ(result.scenarios[0].caches.at(0).stats.misses, 1U);
  EXPECT_TRUE(result.scenarios[1].passed());
  EXPECT_EQ(result.exit_status(), 2);
}

TEST(Play, TakesCachesFromTheCacheFileByName) {
  const auto config = parse_config("caches: [{name: shop, max_entries: 2}]", "caches.yaml");
  const testing::ScratchFolder folder;
  const auto file = folder.write("a.yaml",
                                 "title: t\ncaches: [shop]\nsteps:\n"
                                 "  - set: {key: \"k:{1..5}\", value: v}\n"
                                 "    expect: {size: 2}\n");
  ScenarioInput input;
  input.config = &config;
  const std::vector<Scenario> scenarios{load_scenario(file, input)};
  EXPECT_EQ(play(scenarios).failures(), 0U);
  EXPECT_THROW(static_cast<void>(load_scenario(file)), ConfigError);
}

TEST(Play, WorksOnTheCacheThatTheStepNames) {
  const auto result = played(R"(title: two
caches: [{name: a}, {name: b}]
steps:
  - set: {key: k, value: v}
    cache: b
  - expect: {size: 0}
  - expect: {size: 1}
    cache: b
)");
  EXPECT_EQ(result.failures(), 0U);
}

TEST(Play, FillsTheSameWayForTheSameSeedOnly) {
  const auto fill = [](const std::string& seed) {
    return played(scenario_of("  - fill: {keys: 50, operations: 2000, seed: " + seed + "}\n"))
        .caches.at(0)
        .stats.hits;
  };
  EXPECT_EQ(fill("1"), fill("1"));
  EXPECT_NE(fill("1"), fill("2"));
}

TEST(Play, FillsByEachDistribution) {
  const auto result = played(R"(title: three
caches:
  - {name: z, max_entries: 10}
  - {name: u, max_entries: 10}
  - {name: s, max_entries: 10}
steps:
  - fill: {keys: 100, operations: 5000, distribution: zipf, skew: 1.2}
    cache: z
    expect: {size: 10, stats: {gets: 5000, hit_ratio: {min: 0.4}}}
  - fill: {keys: 100, operations: 5000, distribution: uniform}
    cache: u
    expect: {stats: {hit_ratio: {min: 0.07, max: 0.13}}}
  - fill: {keys: 100, operations: 5000, distribution: sequential}
    cache: s
    expect: {stats: {hits: 0, misses: 5000, evictions: 4990}, present: "key:{91..100}"}
  - fill: {keys: 5, operations: 5, distribution: sequential, write_share: 1, prefix: "w:"}
    cache: s
    expect: {stats: {gets: 5000}, present: "w:{1..5}"}
)");
  for (const auto& step : result.steps) {
    for (const auto& check : step.checks) {
      EXPECT_TRUE(check.passed) << check.subject << ": " << check.found;
    }
  }
}

TEST(Play, PrunesAndMovesTheClockAsATraceSays) {
  const testing::ScratchFolder folder;
  static_cast<void>(
      folder.write("t.csv", "time,key,size,op,ttl\n0,1,5,r,0\n1,2,7,r,2\n9,1,5,r,0\n9,2,7,r,2\n"));
  const auto file = folder.write("a.yaml", scenario_of(R"(  - replay:
      {trace: t.csv, trace_clock: true, prune_every: 1, sizes_are_weights: true, times: 1}
    expect:
      stats: {hits: 1, misses: 3, expirations: 1}
      weight: 12
      ttl: {"1": none, "2": 2s}
  - replay: {trace: t.csv, requests: 1, times: 3}
    expect: {stats: {hits: 4}}
)"));
  const std::vector<Scenario> scenarios{load_scenario(file)};
  const auto result = play(scenarios);
  for (const auto& step : result.scenarios.at(0).steps) {
    EXPECT_EQ(step.error, "");
    for (const auto& check : step.checks) {
      EXPECT_TRUE(check.passed) << check.subject << ": " << check.found;
    }
  }
}

TEST(Play, AnswersOfRowsSayWhetherAllWereAlike) {
  const auto result = played(scenario_of(R"(  - set: {key: "k:{1..2}", value: v}
    expect: {result: stored}
  - get: "k:{1..4}"
    expect: {result: mixed}
  - erase: "k:{2..3}"
    expect: {result: mixed}
  - set: {key: heavy, value: v, weight: 4294967296}
    expect: {result: too_large, missing: heavy}
  - command: {delete: nobody}
    expect: {result: unchanged}
  - redo:
    expect: {result: nothing}
  - note: nothing is answered
    expect: {result: none}
)"));
  for (const auto& step : result.steps) {
    for (const auto& check : step.checks) {
      EXPECT_TRUE(check.passed) << "line " << check.line << ": " << check.found;
    }
  }
  EXPECT_EQ(result.checks(), 8U);
}

}  // namespace
}  // namespace tarmac::demo
