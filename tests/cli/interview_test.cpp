#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.h"

namespace tarmac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Interview, ListsItsStops) {
  const auto done = run({"interview", "--list"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part :
       {"Patterns", "Scenarios", "Talking points", "singleton", "demo-ttl", "durability"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Interview, ShowsTheStopsThatAreAskedForWithoutColoursIntoAPipe) {
  const auto done = run({"interview", "--quick", "--stop", "command", "--stop", "7"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("✓ undo clobbers nothing"));
  EXPECT_THAT(done.out, HasSubstr("open core/include/tarmac/core/command.h"));
  EXPECT_THAT(done.out, HasSubstr("demo-lru"));
  EXPECT_THAT(done.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(done.err, IsEmpty());
}

TEST(Interview, EndsWithTheInputOfAPipe) {
  const auto done = run({"interview"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("Patterns"));
  EXPECT_THAT(done.out, HasSubstr("The input has ended"));
}

TEST(Interview, TakesCommandsFromAFile) {
  const TestFile commands("command\nno such thing\nquit\n");
  const auto done = run({"interview", "--quick"}, commands.path());
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("✓ undo clobbers nothing"));
  EXPECT_THAT(done.out, HasSubstr("there is no stop \"no such thing\""));
  EXPECT_THAT(done.out, Not(HasSubstr("> ")));
}

TEST(Interview, PrintsOneJsonDocument) {
  const auto done = run({"interview", "--json", "--stop", "keys"});
  EXPECT_EQ(done.status, 0);
  const auto report = nlohmann::json::parse(done.out);
  EXPECT_EQ(report.at("status"), "passed");
  const auto& stop = report.at("stops").at(0);
  EXPECT_EQ(stop.at("name"), "keys");
  EXPECT_EQ(stop.at("facts").at("made"), stop.at("facts").at("calls"));
  EXPECT_FALSE(stop.at("figures").empty());
}

TEST(Interview, WritesAPageOfTheStopsThatAreAskedFor) {
  const TestFile page("");
  const auto done = run({"interview", "--stop", "command", "--markdown", page.path()});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, IsEmpty());
  const auto shown = run({"interview", "--stop", "command", "--markdown"});
  EXPECT_THAT(shown.out, HasSubstr("### Command: changes that can be taken back"));
  EXPECT_THAT(shown.out, HasSubstr("<!-- figures -->"));
}

TEST(Interview, RefusesCallsThatCannotBeMeant) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> calls{
      {{"interview", "--stop", "comand"}, "did you mean \"command\""},
      {{"interview", "--stop", "99"}, "there is no stop \"99\""},
      {{"interview", "--list", "--json"}, "--json"},
      {{"interview", "--markdown", "/no/such/folder/page.md"}, "cannot be written"},
      {{"interview", "herd"}, "herd"},
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
