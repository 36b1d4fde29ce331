#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process.h"

namespace tarmac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(Help, HasCommandsExitStatusAndExamples) {
  const auto done = run({"--help"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part :
       {"demo", "simulate", "write", "check", "inspect", "interview", "Exit status", "Examples:"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Help, OfDemoNamesEveryOption) {
  const auto done = run({"demo", "--help"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part : {"SCENARIO", "--config", "--trace", "--json", "--metrics", "--serve",
                           "--list", "--no-color", "Exit status", "Examples:"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Help, OfSimulateNamesEveryOptionAndFormat) {
  const auto done = run({"simulate", "--help"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part :
       {"TRACE", "--strategy", "--size", "--bytes", "--format", "--strict", "--csv", "--json",
        "--plot", "--jobs", "--no-progress", "arc", "oracle_general", "Exit status", "Examples:"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Help, OfWriteNamesEveryOption) {
  const auto done = run({"write", "--help"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part : {"--input", "--output", "--generate-keys", "--verify", "--replay",
                           "--no-progress", "Exit status", "Examples:"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Help, OfInterviewNamesEveryOption) {
  const auto done = run({"interview", "--help"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part : {"--stop", "--auto", "--list", "--json", "--markdown", "--quick",
                           "--no-color", "Exit status", "Examples:"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Help, OfCheckHasExamples) {
  const auto done = run({"check", "--help"});
  EXPECT_EQ(done.status, 0);
  for (const auto* part : {"FILE", "Exit status", "Examples:"}) {
    EXPECT_THAT(done.out, HasSubstr(part));
  }
}

TEST(Version, IsOneLine) {
  const auto done = run({"--version"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, MatchesRegex("tarmac [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace tarmac::cli
