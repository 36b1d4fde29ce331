// The shipped scenarios pass, and each can fail: a copy with one wrong expectation does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/config.h>
#include <tarmac/testing/scratch_folder.h>

#include <algorithm>
#include <memory>

#include "scenario_files.h"

namespace tarmac::demo {
namespace {

struct Wrong {
  std::string file;
  /// What is replaced, its first occurrence, and by what.
  std::string right;
  std::string wrong;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.file; }

class ShippedScenario : public ::testing::TestWithParam<Wrong> {};

/// The text of a shipped file, as it can be played from another folder.
std::string movable(const std::string& file) {
  auto text = text_of(shipped_folder() / file);
  const std::string trace = "../traces";
  const auto absolute = (shipped_folder().parent_path() / "traces").string();
  for (auto at = text.find(trace); at != std::string::npos; at = text.find(trace, at + 1)) {
    text.replace(at, trace.size(), absolute);
  }
  return text;
}

TEST_P(ShippedScenario, Passes) {
  const auto result = played(movable(GetParam().file));
  for (const auto& step : result.steps) {
    EXPECT_EQ(step.error, "") << "line " << step.line;
    for (const auto& check : step.checks) {
      EXPECT_TRUE(check.passed) << "line " << check.line << ": " << check.subject << ": expected "
                                << check.expected << ", found " << check.found;
    }
  }
  EXPECT_GE(result.checks(), 10U);
  EXPECT_EQ(result.skipped(), 0U);
}

TEST_P(ShippedScenario, GoesTheSameWayEachTime) {
  const auto text = movable(GetParam().file);
  const auto first = played(text);
  const auto second = played(text);
  ASSERT_EQ(first.steps.size(), second.steps.size());
  for (std::size_t i = 0; i < first.steps.size(); ++i) {
    EXPECT_EQ(first.steps[i].outcome, second.steps[i].outcome) << "line " << first.steps[i].line;
  }
}

TEST_P(ShippedScenario, FailsWithOneWrongExpectationAndNamesItsLine) {
  const auto& wrong = GetParam();
  auto text = movable(wrong.file);
  const auto line = line_of(text, wrong.right);
  ASSERT_NE(line, 0U) << "the scenario no longer has: " << wrong.right;
  text.replace(text.find(wrong.right), wrong.right.size(), wrong.wrong);

  const auto result = played(text);

  EXPECT_EQ(result.failures(), 1U);
  for (const auto& step : result.steps) {
    for (const auto& check : step.checks) {
      EXPECT_TRUE(check.passed || check.line == line) << check.subject << ", line " << check.line;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ShippedScenario,
    ::testing::Values(Wrong{"1_basic_lru.yaml", "evicted: [\"user:2\"]", "evicted: [\"user:1\"]"},
                      Wrong{"2_ttl_lifecycle.yaml", "ttl: {bob: 1ms}", "ttl: {bob: 2ms}"},
                      Wrong{"3_strategy_swap.yaml", "strategy: lfu\n", "strategy: fifo\n"},
                      Wrong{"4_write_policy_swap.yaml", "stats: {dirty_writes_pending: 3}",
                            "stats: {dirty_writes_pending: 5}"},
                      Wrong{"5_snapshot_restore.yaml", "result: conflict", "result: done"},
                      Wrong{"6_high_volume.yaml", "misses: 3072", "misses: 3071"},
                      Wrong{"7_thundering_herd.yaml", "coalesced_loads: 15", "coalesced_loads: 14"},
                      Wrong{"8_durable_restart.yaml", "ttl: {alice: 25min, dave: 30min}",
                            "ttl: {alice: 25min, dave: 29min}"}),
    [](const auto& one) { return one.param.file.substr(2, one.param.file.find('.') - 2); });

TEST(ShippedScenarios, AreTheOnesThatAreTestedHere) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(shipped_folder())) {
    files.push_back(entry.path().filename().string());
  }
  std::sort(files.begin(), files.end());
  EXPECT_THAT(files, ::testing::ElementsAre("1_basic_lru.yaml", "2_ttl_lifecycle.yaml",
                                            "3_strategy_swap.yaml", "4_write_policy_swap.yaml",
                                            "5_snapshot_restore.yaml", "6_high_volume.yaml",
                                            "7_thundering_herd.yaml", "8_durable_restart.yaml"));
}

TEST(ShippedScenarios, PassWithAnotherTrace) {
  const testing::ScratchFolder folder;
  ScenarioInput input;
  input.trace = folder.write("mine.csv", "time,key\n0,1\n1,2\n2,1\n");
  const std::vector<Scenario> scenarios{
      load_scenario(shipped_folder() / "6_high_volume.yaml", input)};
  const auto result = play(scenarios);
  EXPECT_EQ(result.failures(), 0U);
  EXPECT_GE(result.skipped(), 8U);
  EXPECT_EQ(result.scenarios.at(0).caches.at(0).stats.hits, 1U);
  EXPECT_EQ(result.scenarios.at(0).caches.at(0).stats.misses, 2U);
}

}  // namespace
}  // namespace tarmac::demo
