#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.h"

namespace tarmac::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const char* const kWrong = R"(title: wrong
caches: [{name: c}]
steps:
  - set: {key: a, value: b}
  - expect: {size: 2}
)";

TEST(Demo, PlaysTheShippedScenariosWithoutColoursIntoAPipe) {
  const auto done = run({"demo", "--config", in_tree("config/tarmac.yaml")});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("8 scenarios, "));
  EXPECT_THAT(done.out, HasSubstr(" 0 failed, "));
  EXPECT_THAT(done.out, HasSubstr("Final metrics"));
  EXPECT_THAT(done.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(done.err, IsEmpty());
}

TEST(Demo, FindsScenariosByNumberNameAndPath) {
  const TestFile own("title: mine\ncaches: [{name: c}]\nsteps: [clear]\n");
  const auto done = run({"demo", "2", "1_basic_lru", own.path()});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("3 scenarios, "));
  const auto list = run({"demo", "--list"});
  EXPECT_EQ(list.status, 0);
  EXPECT_THAT(list.out, HasSubstr("5_snapshot_restore"));
}

TEST(Demo, ExitsWithOneForAFailedExpectationAndPlaysTheRest) {
  const TestFile wrong(kWrong);
  const auto done = run({"demo", wrong.path(), "1"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, HasSubstr(":5: size: expected 2, found 1"));
  EXPECT_THAT(done.out, HasSubstr("✓ resize"));
  EXPECT_THAT(done.out, HasSubstr("2 scenarios, "));
  EXPECT_THAT(done.out, HasSubstr(" 1 failed, "));
}

TEST(Demo, PrintsOneJsonDocument) {
  const TestFile wrong(kWrong);
  const auto done = run({"demo", "--json", "1", wrong.path()});
  EXPECT_EQ(done.status, 1);
  const auto report = json::parse(done.out);
  EXPECT_EQ(report.at("status"), "failed");
  EXPECT_EQ(report.at("totals").at("scenarios"), 2);
  EXPECT_EQ(report.at("totals").at("failed"), 1);
  EXPECT_EQ(report.at("scenarios").at(0).at("caches").at(0).at("stats").at("evictions"), 3);
  EXPECT_EQ(report.at("scenarios").at(1).at("steps").at(1).at("checks").at(0).at("line"), 5);
}

TEST(Demo, ReplaysATraceOfOnesOwn) {
  const TestFile trace("key\n1\n1\n2\n");
  const auto done = run({"demo", "6", "--json", "--trace", trace.path()});
  EXPECT_EQ(done.status, 0);
  const auto report = json::parse(done.out);
  const auto& stats = report.at("scenarios").at(0).at("caches").at(0).at("stats");
  EXPECT_EQ(stats.at("hits"), 1);
  EXPECT_EQ(stats.at("misses"), 2);
  EXPECT_GT(report.at("totals").at("skipped"), 0);
}

TEST(Demo, ExitsWithTwoForATraceThatIsDamaged) {
  const TestFile trace("key\n1\nx\n");
  const auto done = run({"demo", "6", "--trace", trace.path()});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.out, HasSubstr(trace.path() + ":3"));
}

TEST(Demo, PlaysNothingIfAnyFileIsWrong) {
  const TestFile bad("title: t\ncaches: [{name: c}]\nsteps:\n  - gett: a\n");
  const auto done = run({"demo", "1", bad.path()});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, HasSubstr(bad.path() + ":4:5: "));
  EXPECT_THAT(done.out, IsEmpty());
}

TEST(Demo, ServesMetricsMeanwhileIfAsked) {
  const auto done = run({"demo", "1", "--metrics", "127.0.0.1:0"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("metrics: http://127.0.0.1:"));
}

struct WrongCall {
  std::vector<std::string> arguments;
  std::string words;
};

TEST(Demo, RefusesCallsThatCannotBeMeant) {
  const std::vector<WrongCall> calls{
      {{"demo", "basic"}, "there is no scenario \"basic\""},
      {{"demo", "1_basic_lrv"}, "did you mean \"1_basic_lru\""},
      {{"demo", "nowhere.yaml"}, "nowhere.yaml"},
      {{"demo", "--config", "nowhere.yaml"}, "nowhere.yaml"},
      {{"demo", "--trace", "nowhere.csv"}, "nowhere.csv"},
      {{"demo", "1", "--metrics", "127.0.0.1:99999"}, "65535"},
      {{"demo", "1", "--metrics", "8.8.8.8:0"}, "8.8.8.8"},
      {{"demo", "--json", "--list"}, "--list"},
      {{"demo", "--serve"}, "--config"},
      {{"demo", "1", "--serve"}, "--serve"},
      {{"demo", "--colour"}, "--colour"},
      {{"dmeo"}, "did you mean \"demo\""},
      {{}, "tarmac --help"},
  };
  for (const auto& [arguments, words] : calls) {
    const auto done = run(arguments);
    EXPECT_EQ(done.status, 2) << ::testing::PrintToString(arguments);
    EXPECT_THAT(done.err, HasSubstr(words)) << ::testing::PrintToString(arguments);
    EXPECT_THAT(done.out, IsEmpty());
  }
}

}  // namespace
}  // namespace tarmac::cli
