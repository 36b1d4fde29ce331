// docs/interview.md against the stops: all that no experiment has to be run for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interview_rig.h"

namespace tarmac::interview {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The page without anything between the marks of figures.
std::string without_figures(const std::string& page) {
  std::string result;
  std::istringstream lines(page);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "<!-- /figures -->") inside = false;
    if (!inside) result += line + "\n";
    if (line == "<!-- figures -->") inside = true;
  }
  return result;
}

TEST(Page, HasEveryStopInItsOrderAndNothingElse) {
  std::vector<Visited> visited;
  for (const auto& stop : stops()) visited.push_back({&stop, {}});
  const auto wanted = without_figures(masked(to_markdown(visited, {"a machine", "a day"})));
  EXPECT_EQ(without_figures(masked(text_of_file(in_tree("docs/interview.md")))), wanted)
      << kRenewal;
}

TEST(Page, SaysWhereAndWhenItsFiguresWereMeasured) {
  const auto page = text_of_file(in_tree("docs/interview.md"));
  EXPECT_THAT(page, ::testing::ContainsRegex("Figures: 20[0-9][0-9]-[0-9][0-9]-[0-9][0-9], "));
  EXPECT_THAT(page, Not(HasSubstr("Not run here")));
  EXPECT_THAT(page, Not(HasSubstr("* ✗ ")));
}

TEST(Page, IsMaskedInFiguresOnly) {
  const std::string page =
      "In 2024 it was 7.\n<!-- measured --> Figures: today.\n<!-- figures -->\n"
      "| lru | ███░░ 1,234.5 | 7 |\n* ✓ 16 callers\n* line: `▁▂█` 3\n<!-- /figures -->\nAfter 5.\n";
  EXPECT_EQ(masked(page),
            "In 2024 it was 7.\n<!-- measured -->\n<!-- figures -->\n"
            "| lru | # | # |\n* ✓ # callers\n* line: `` #\n<!-- /figures -->\nAfter 5.\n");
  auto other = page;
  other.replace(other.find("1,234.5"), 7, "88");
  EXPECT_EQ(masked(other), masked(page));
  other.replace(other.find("callers"), 7, "threads");
  EXPECT_NE(masked(other), masked(page));
}

TEST(Page, NamesTheMachineAndTheDay) {
  const auto now = circumstances();
  EXPECT_THAT(now.machine, HasSubstr("processors, "));
  EXPECT_THAT(now.date, ::testing::MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]"));
}

}  // namespace
}  // namespace tarmac::interview
