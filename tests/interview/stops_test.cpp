// Every stop: its texts, its places in the code, its experiment, and its section of the page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>

#include <set>

#include "interview_rig.h"

namespace tarmac::interview {
namespace {

using ::testing::HasSubstr;

class EveryStop : public ::testing::TestWithParam<const Stop*> {};

std::string test_name(const ::testing::TestParamInfo<const Stop*>& info) {
  std::string name = info.param->name;
  for (auto& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
}

std::vector<const Stop*> all_stops() {
  std::vector<const Stop*> all;
  for (const auto& stop : stops()) all.push_back(&stop);
  return all;
}

std::string broken_claims(const Findings& findings) {
  std::string broken;
  for (const auto& figure : findings.figures) {
    const auto* claim = std::get_if<Claim>(&figure);
    if (claim != nullptr && !claim->holds) broken += claim->text + "\n";
  }
  return broken;
}

// Goal: what a stop claims holds on any machine, and the page says what the stop says. Method: run
// the experiment once, and look for the section in the page with every figure masked.
TEST_P(EveryStop, HoldsWhatItClaimsAndStandsInThePage) {
  const auto& stop = *GetParam();
  const Visited visited{&stop, stop.run(quick_surroundings())};
  EXPECT_EQ(broken_claims(visited.findings), "");
  if (!visited.findings.lacking.empty()) GTEST_SKIP() << visited.findings.lacking;
  EXPECT_FALSE(visited.findings.figures.empty());
  auto section = masked(to_markdown(visited));
  section.pop_back();  // The last one has no empty line behind it.
  const auto page = masked(text_of_file(in_tree("docs/interview.md")));
  EXPECT_NE(page.find(section), std::string::npos) << kRenewal << "\n" << section;
}

TEST_P(EveryStop, NamesPlacesThatAreThere) {
  for (const auto& [path, symbol, what] : GetParam()->places) {
    ASSERT_TRUE(std::filesystem::is_regular_file(in_tree(path))) << path;
    EXPECT_THAT(text_of_file(in_tree(path)), HasSubstr(symbol)) << path;
    EXPECT_FALSE(what.empty()) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Stops, EveryStop, ::testing::ValuesIn(all_stops()), test_name);

TEST(Stops, HaveAQuestionAnExperimentAnAnswerFollowUpsAndPlaces) {
  std::set<std::string> names;
  for (const auto& stop : stops()) {
    EXPECT_TRUE(names.insert(stop.name).second) << stop.name << " is there twice";
    for (const auto* text : {&stop.title, &stop.question, &stop.experiment, &stop.answer}) {
      EXPECT_FALSE(text->empty()) << stop.name;
    }
    EXPECT_GE(paragraphs(stop.answer).size(), 2U) << stop.name;
    EXPECT_GE(stop.follow_ups.size(), 3U) << stop.name;
    EXPECT_GE(stop.places.size(), 3U) << stop.name;
  }
}

TEST(Stops, AreForSixPatternsEveryScenarioAndTheTalkingPoints) {
  std::map<Chapter, std::size_t> counts;
  for (const auto& stop : stops()) ++counts[stop.chapter];
  EXPECT_EQ(counts[Chapter::patterns], 6U);
  EXPECT_EQ(counts[Chapter::talking_points], 13U);
  std::size_t scenarios = 0;
  for (const auto& file : std::filesystem::directory_iterator(in_tree("demo/scenarios"))) {
    if (file.path().extension() != ".yaml") continue;
    ++scenarios;
    const auto name = file.path().filename().string();
    const bool is_told = std::any_of(stops().begin(), stops().end(), [&](const Stop& stop) {
      return stop.experiment.find(name) != std::string::npos;
    });
    EXPECT_TRUE(is_told) << name << " has no stop";
  }
  EXPECT_EQ(counts[Chapter::scenarios], scenarios);
}

TEST(Stops, AreFoundByNameAndNumber) {
  EXPECT_EQ(&find_stop("herd"), &find_stop(std::to_string(number_of(find_stop("herd")))));
  EXPECT_EQ(number_of(find_stop("singleton")), 1U);
  EXPECT_THROW(static_cast<void>(find_stop("")), ConfigError);
  EXPECT_THROW(static_cast<void>(find_stop("0")), ConfigError);
  try {
    static_cast<void>(find_stop("hred"));
    ADD_FAILURE() << "found";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean \"herd\""));
  }
}

// The figures behind the claims, where a number says more than that the claim holds.
TEST(Stops, CountWhatTheyClaim) {
  const auto facts = [](const char* name) {
    return find_stop(name).run(quick_surroundings()).facts;
  };
  auto herd = facts("herd");
  EXPECT_EQ(herd["naive"], 16);
  EXPECT_EQ(herd["single_flight"], 1);
  auto keys = facts("keys");
  EXPECT_EQ(keys["made"], keys["calls"]);
  EXPECT_LT(keys["joined"], keys["calls"]);
  auto risk = facts("write-back");
  EXPECT_EQ(risk["write_through.lost"], 0);
  EXPECT_EQ(risk["write_back.lost"], 50);
  EXPECT_EQ(risk["write_back.lost_after_window"], 0);
  auto crash = facts("durability");
  EXPECT_EQ(crash["cut.always"], 0);
  EXPECT_EQ(crash["cut.interval"], 8);
  EXPECT_EQ(crash["cut.never"], 20);
  EXPECT_EQ(facts("list-lru")["allocations_per_insert"], 2);
  EXPECT_EQ(facts("constant-time")["scan.ratio"], 10);
}

TEST(Stops, OfTiersSaysWhatItLacksWithoutAServer) {
  auto surroundings = quick_surroundings();
  surroundings.redis_server = "no-such-redis-server";
  const auto findings = find_stop("tiers").run(surroundings);
  EXPECT_FALSE(findings.lacking.empty());
  EXPECT_TRUE(findings.holds());
}

}  // namespace
}  // namespace tarmac::interview
