// What people and programs read of a demo.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/demo/json_report.h>
#include <tarmac/demo/text_view.h>
#include <tarmac/testing/scratch_folder.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "scenario_files.h"

namespace tarmac::demo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const char* const kScenario = R"(  - note: A remark.
  - set: {key: "k:{1..2}", value: "v{}"}
    expect: {size: 2}
  - get: "k:1"
  - expect: {size: 3}
  - print: entries
)";

std::string shown(const std::string& text, TextViewOptions options) {
  const testing::ScratchFolder folder;
  const std::vector<Scenario> scenarios{load_scenario(folder.write("test.yaml", text))};
  std::ostringstream out;
  TextView view(out, options);
  view.show_summary(play(scenarios, &view));
  return out.str();
}

TEST(TextView, ShowsStepsFailuresTablesAndTheSum) {
  const auto text = shown(scenario_of(kScenario), {});
  EXPECT_THAT(text, HasSubstr("a test"));
  EXPECT_THAT(text, HasSubstr("A remark."));
  EXPECT_THAT(text, HasSubstr("✓ set"));
  EXPECT_THAT(text, HasSubstr("2 stored"));
  EXPECT_THAT(text, HasSubstr("✗ expect"));
  EXPECT_THAT(text, HasSubstr("test.yaml:9: size: expected 3, found 2"));
  EXPECT_THAT(text, HasSubstr("k:1  v1     dirty"));
  EXPECT_THAT(text, HasSubstr("1 scenario, 5 steps, 2 expectations, 1 failed, "));
}

TEST(TextView, WritesNoControlCharacterWithoutColour) {
  const auto text = shown(scenario_of(kScenario), {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_FALSE(line.ends_with(' ')) << "[" << line << "]";
  }
}

TEST(TextView, ColoursWithColourAndEndsEachColour) {
  const auto text = shown(scenario_of(kScenario), {.colour = true, .progress = false});
  std::size_t begun = 0;
  std::size_t ended = 0;
  for (auto at = text.find("\x1b["); at != std::string::npos; at = text.find("\x1b[", at + 1)) {
    ++(text.compare(at, 4, "\x1b[0m") == 0 ? ended : begun);
  }
  EXPECT_GT(begun, 10U);
  EXPECT_EQ(begun, ended);
}

TEST(TextView, ShowsKeysThatATerminalWouldObeyAsText) {
  const auto text =
      shown(scenario_of("  - set: {key: \"a\\e[2J\", value: \"b\\tc\"}\n  - print: entries\n"), {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(TextView, DrawsAProgressBarAndTakesItAway) {
  const auto text = shown(scenario_of("  - fill: {keys: 10, operations: 10000}\n"),
                          {.colour = false, .progress = true});
  EXPECT_THAT(text, HasSubstr("fill c"));
  EXPECT_THAT(text, HasSubstr("\r\x1b[K   ✓ fill"));
}

TEST(Bar, IsAsLongAsItsShare) {
  EXPECT_EQ(bar(0, 4), "░░░░");
  EXPECT_EQ(bar(0.5, 4), "██░░");
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(7, 4), "████");
  EXPECT_EQ(bar(-1, 4), "░░░░");
}

TEST(JsonReport, HasEveryNumber) {
  const testing::ScratchFolder folder;
  const std::vector<Scenario> scenarios{
      load_scenario(folder.write("test.yaml", scenario_of(kScenario)))};
  const auto report = json::parse(to_json(play(scenarios), "1.2.3"));
  EXPECT_EQ(report.at("tarmac"), "1.2.3");
  EXPECT_EQ(report.at("status"), "failed");
  EXPECT_EQ(report.at("totals").at("steps"), 5);
  EXPECT_EQ(report.at("totals").at("expectations"), 2);
  EXPECT_EQ(report.at("totals").at("failed"), 1);
  const auto& scenario = report.at("scenarios").at(0);
  EXPECT_EQ(scenario.at("passed"), false);
  const auto& failed = scenario.at("steps").at(3);
  EXPECT_EQ(failed.at("kind"), "expect");
  EXPECT_EQ(failed.at("checks").at(0).at("line"), 9);
  EXPECT_EQ(failed.at("checks").at(0).at("expected"), "3");
  EXPECT_EQ(failed.at("checks").at(0).at("found"), "2");
  EXPECT_EQ(scenario.at("steps").at(2).at("result"), "hit");
  const auto& cache = scenario.at("caches").at(0);
  EXPECT_EQ(cache.at("store"), "memory");
  EXPECT_EQ(cache.at("stats").at("hits"), 1);
  EXPECT_EQ(cache.at("stats").at("dirty_writes_pending"), 2);
  EXPECT_EQ(cache.at("stats").at("hit_ratio"), 1.0);
}

}  // namespace
}  // namespace tarmac::demo
