// What people and programs read of findings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/interview/json_report.h>
#include <tarmac/interview/text_view.h>

#include <nlohmann/json.hpp>

#include "interview_rig.h"

namespace tarmac::interview {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

Findings one_of_each() {
  Findings findings;
  findings.add(demo::Table{{"what", "how much"}, {{{"a|b"}, number("1,234")}}});
  findings.add(Bars{"what", "ns", {{"long", 10, "10.0"}, {"short", 5, "5.0"}}});
  findings.add(Sparkline{"course", {0, 1, 2}, "0 to 2"});
  findings.say("A sentence.");
  findings.claim("it holds", true);
  findings.facts["answer"] = 42;
  return findings;
}

TEST(Findings, HoldIfEveryClaimDoes) {
  auto findings = one_of_each();
  EXPECT_TRUE(findings.holds());
  findings.claim("it does not", false);
  EXPECT_FALSE(findings.holds());
}

TEST(Figures, DrawBarsAndLines) {
  const auto table =
      as_table({"what", "ns", {{"long", 10, "10"}, {"short", 5, "5"}, {"none", 0, "0"}}});
  EXPECT_EQ(table.rows.at(0).at(1).share, 1.0);
  EXPECT_EQ(table.rows.at(1).at(1).share, 0.5);
  EXPECT_EQ(as_line({"course", {0, 3.5, 7}, ""}), "▁▅█");
  EXPECT_EQ(as_line({"nothing", {0, 0}, ""}), "▁▁");
  EXPECT_EQ(as_line({"empty", {}, ""}), "");
}

TEST(Text, ShowsEveryKindOfFigure) {
  std::ostringstream out;
  auto findings = one_of_each();
  findings.claim("it does not", false);
  show_findings(out, findings, false);
  const auto text = out.str();
  EXPECT_THAT(text, HasSubstr("a|b      1,234"));
  EXPECT_THAT(text, HasSubstr("short  █████░░░░░     5.0"));
  EXPECT_THAT(text, HasSubstr("course         ▁▅█  0 to 2"));
  EXPECT_THAT(text, HasSubstr("A sentence."));
  EXPECT_THAT(text, HasSubstr("✓ it holds"));
  EXPECT_THAT(text, HasSubstr("✗ it does not"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Text, KeepsToItsWidthWithoutBlanksAtTheEnd) {
  for (const auto& stop : stops()) {
    std::ostringstream out;
    show_question(out, stop, false);
    show_answer(out, stop, false);
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) {
      EXPECT_FALSE(line.ends_with(' ')) << stop.name << ": " << line;
      const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
      });
      EXPECT_LE(columns, 110) << stop.name << ": " << line;
    }
  }
}

TEST(Text, ColoursOnlyWhenAsked) {
  std::ostringstream out;
  show_question(out, stops().front(), true);
  show_findings(out, one_of_each(), true);
  show_answer(out, stops().front(), true);
  EXPECT_THAT(out.str(), HasSubstr("\x1b[1m"));
}

TEST(Text, SaysWhatIsLacking) {
  std::ostringstream out;
  Findings findings;
  findings.lacking = "no server";
  show_findings(out, findings, false);
  EXPECT_THAT(out.str(), HasSubstr("Not run here: no server"));
}

TEST(Markdown, ShowsEveryKindOfFigure) {
  const auto page = to_markdown(Visited{&stops().front(), one_of_each()});
  EXPECT_THAT(page, HasSubstr("| what | how much |\n|---|---:|\n| a\\|b | 1,234 |\n"));
  EXPECT_THAT(page, HasSubstr("| short | █████░░░░░ 5.0 |"));
  EXPECT_THAT(page, HasSubstr("* course: `▁▅█` 0 to 2\n"));
  EXPECT_THAT(page, HasSubstr("* ✓ it holds\n"));
  EXPECT_THAT(page, HasSubstr("](../core/src/cache_registry.cpp)"));
}

TEST(Json, HasTextsFactsAndTypedFigures) {
  const std::vector<Visited> visited{{&stops().front(), one_of_each()}};
  const auto report = json::parse(to_json(visited, {"a machine", "a day"}, "1.2.3"));
  EXPECT_EQ(report.at("tarmac"), "1.2.3");
  EXPECT_EQ(report.at("status"), "passed");
  EXPECT_EQ(report.at("machine"), "a machine");
  const auto& stop = report.at("stops").at(0);
  EXPECT_EQ(stop.at("name"), "singleton");
  EXPECT_EQ(stop.at("facts").at("answer"), 42);
  const auto& figures = stop.at("figures");
  EXPECT_EQ(figures.at(0).at("rows").at(0).at(1), "1,234");
  EXPECT_EQ(figures.at(1).at("bars").at(1).at("value"), 5);
  EXPECT_EQ(figures.at(2).at("values").size(), 3U);
  EXPECT_EQ(figures.at(4).at("holds"), true);
}

}  // namespace
}  // namespace tarmac::interview
