// docs/scenarios.md describes what the reader knows: no more, no less.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/stats.h>

#include <sstream>

#include "scenario_files.h"

namespace tarmac::demo {
namespace {

std::string document() {
  return text_of(std::filesystem::path(TARMAC_SOURCE_DIR) / "docs" / "scenarios.md");
}

/// The names in the headings "### `name`" of the section "## title".
std::vector<std::string> headings_of(const std::string& title) {
  std::vector<std::string> names;
  std::istringstream lines(document());
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) inside = line == "## " + title;
    if (inside && line.starts_with("### `")) names.push_back(line.substr(5, line.size() - 6));
  }
  return names;
}

std::vector<std::string> names_of(const std::vector<KindDescription>& kinds) {
  std::vector<std::string> names;
  for (const auto& kind : kinds) names.push_back(kind.name);
  return names;
}

TEST(ScenarioDocumentation, HasEveryStepAndNoOther) {
  EXPECT_THAT(headings_of("Steps"), ::testing::UnorderedElementsAreArray(names_of(step_kinds())));
}

TEST(ScenarioDocumentation, HasEveryExpectationAndNoOther) {
  EXPECT_THAT(headings_of("Expectations"),
              ::testing::UnorderedElementsAreArray(names_of(expectation_kinds())));
}

TEST(ScenarioDocumentation, ItsExamplePasses) {
  const auto text = document();
  const std::string fence = "```yaml\n";
  const auto begin = text.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const auto inside = begin + fence.size();
  const auto result = played(text.substr(inside, text.find("```", inside) - inside));
  EXPECT_GE(result.checks(), 5U);
  EXPECT_EQ(result.failures(), 0U);
}

TEST(ScenarioDocumentation, NamesEveryFigure) {
  // A figure that is unknown is refused with the names there are near; here each is accepted.
  std::istringstream words(document().substr(document().find("A map of figures: `") + 19));
  std::string figures;
  std::getline(words, figures, '`');
  std::istringstream names(figures);
  std::size_t count = 0;
  for (std::string name; names >> name; ++count) {
    const auto result = played(scenario_of("  - expect: {stats: {" + name + ": {min: 0}}}\n"));
    EXPECT_EQ(result.failures(), 0U) << name;
  }
  EXPECT_EQ(count, 30U);
}

}  // namespace
}  // namespace tarmac::demo
