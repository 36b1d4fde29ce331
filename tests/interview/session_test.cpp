// The walk with somebody who answers, as lines of text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/interview/session.h>

#include "interview_rig.h"

namespace tarmac::interview {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Walked {
  bool holds = false;
  std::string text;

  /// How often `part` is in the text.
  [[nodiscard]] int count(const std::string& part) const {
    int times = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
    return times;
  }
};

Walked walk_with(const std::string& input, const SessionOptions& options = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  const bool holds = walk(in, out, quick_surroundings(), options);
  return {holds, out.str()};
}

std::string rule_of(const char* name) { return "· " + std::string(name) + "\n"; }

TEST(Session, GoesForwardBackAndToWhatIsNamed) {
  const auto walked = walk_with("command\nback\nnext\n jump 4 \nAGAIN\nquit\nnext\n");
  EXPECT_TRUE(walked.holds);
  EXPECT_EQ(walked.count(rule_of("command")), 4);
  EXPECT_EQ(walked.count(rule_of("observer")), 1);
  EXPECT_EQ(walked.count(rule_of("memento")), 0) << "what came after quit";
}

TEST(Session, BeginsWithTheMenuAndEndsWithTheInput) {
  const auto walked = walk_with("menu");
  EXPECT_EQ(walked.count("Talking points"), 2);
  EXPECT_THAT(walked.text, HasSubstr("The input has ended"));
  EXPECT_THAT(walk_with("").text, HasSubstr("The input has ended"));
  EXPECT_THAT(walk_with("quit\n").text, Not(HasSubstr("The input has ended")));
}

TEST(Session, TellsOfWhatItDoesNotUnderstandAndGoesOn) {
  const auto walked = walk_with("comand\n99\n\x01\x1b[2J\nback\nagain\nhelp\ncommand\n");
  EXPECT_TRUE(walked.holds);
  EXPECT_THAT(walked.text, HasSubstr("did you mean \"command\"?"));
  EXPECT_THAT(walked.text, HasSubstr("there is no stop \"99\""));
  EXPECT_THAT(walked.text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(walked.text, HasSubstr("There is nothing before this"));
  EXPECT_THAT(walked.text, HasSubstr("No stop has been shown yet"));
  EXPECT_EQ(walked.count(rule_of("command")), 1);
}

TEST(Session, DoesNotGoBeyondTheLastStop) {
  const auto walked = walk_with("add-strategy\nnext\n");
  EXPECT_THAT(walked.text, HasSubstr("That was the last stop"));
  EXPECT_EQ(walked.count(rule_of("add-strategy")), 1);
}

TEST(Session, PromptsWhereSomebodyTypes) {
  const auto walked = walk_with("command\n", {.colour = false, .prompt = true});
  EXPECT_THAT(walked.text, HasSubstr("\nstart> "));
  EXPECT_THAT(walked.text, HasSubstr("\ncommand> "));
  EXPECT_THAT(walk_with("command\n").text, Not(HasSubstr("command> ")));
}

TEST(Session, GoesOnAfterAnExperimentThatFails) {
  auto surroundings = quick_surroundings();
  surroundings.scenarios = "nowhere";
  std::istringstream in("demo-lru\ncommand\n");
  std::ostringstream out;
  EXPECT_FALSE(walk(in, out, surroundings));
  EXPECT_THAT(out.str(), HasSubstr("the experiment failed: nowhere/1_basic_lru.yaml"));
  EXPECT_THAT(out.str(), HasSubstr("✓ undo clobbers nothing"));
}

}  // namespace
}  // namespace tarmac::interview
