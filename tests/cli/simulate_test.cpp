#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/config.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "process.h"

namespace tarmac::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string& shipped() {
  static const std::string path = in_tree("demo/traces/build_files.csv.zst");
  return path;
}

std::string content_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Simulate, PrintsATableAndARecommendation) {
  const auto done =
      run({"simulate", shipped(), "--strategy", "lru,fifo,belady", "--size", "10%,625"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("build_files.csv.zst (csv): 42,762 requests, 2,084 objects"));
  EXPECT_THAT(done.out, HasSubstr("208 (10%)"));
  EXPECT_THAT(done.out, HasSubstr("belady (knows the future)"));
  EXPECT_THAT(done.out, HasSubstr("Take lru with 625 objects: "));
  EXPECT_THAT(done.err, IsEmpty()) << "no progress bar into a pipe";
}

TEST(Simulate, WithoutMoreTakesTheWholeCatalogue) {
  const auto done = run({"simulate", shipped()});
  EXPECT_EQ(done.status, 0);
  for (const auto* name : {"  lru", "  lfu", "  fifo", "  belady"}) {
    EXPECT_THAT(done.out, HasSubstr(name));
  }
  EXPECT_THAT(done.out, Not(HasSubstr("  ttl")));
}

TEST(Simulate, WritesCsvJsonAndAPlot) {
  const TestFile csv("");
  const TestFile document("");
  const TestFile plot("");
  const auto done =
      run({"simulate", shipped(), "--strategy", "lru", "--strategy", "lfu{ageing=false}", "--size",
           "208", "--size", "5306364B", "--csv", csv.path(), "--json", document.path(), "--plot",
           plot.path(), "--jobs", "2", "--no-progress"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(content_of(csv.path()), HasSubstr(",lru,objects,208,208,42762,29203,"));
  EXPECT_THAT(content_of(csv.path()),
              HasSubstr(",lfu{ageing=false},bytes,5306364,5306364B,42762,32062,"));
  const auto parsed = json::parse(content_of(document.path()));
  EXPECT_EQ(parsed.at("traces").at(0).at("cells").size(), 4U);
  EXPECT_THAT(content_of(plot.path()), HasSubstr("</svg>"));
}

// Goal: what is to be pasted is a cache file. Method: print it for settings of every kind, and give
// it to the reader of cache files.
TEST(Simulate, RecommendsSettingsThatACacheFileTakes) {
  for (const auto* strategy : {"lru", "lfu{ageing=false}", "lfu{ageing_period=3;ageing=true}"}) {
    for (const auto* size : {"100", "1%", "64MiB"}) {
      const TestFile document("");
      ASSERT_EQ(run({"simulate", shipped(), "--strategy", strategy, "--size", size, "--json",
                     document.path()})
                    .status,
                0);
      const auto parsed = json::parse(content_of(document.path()));
      const std::string yaml =
          parsed.at("traces").at(0).at("recommendation").at("yaml").get<std::string>();
      const Config config = parse_config(yaml, "pasted");
      ASSERT_EQ(config.caches.size(), 1U);
      EXPECT_EQ(config.caches[0].options.name, "build_files");
      EXPECT_EQ(config.caches[0].options.eviction, std::string(strategy).substr(0, 3));
    }
  }
}

TEST(Simulate, LeavesMalformedLinesOutAndSaysWhich) {
  const TestFile trace("key\n1\nx\n1\n");
  const auto done =
      run({"simulate", trace.path(), "--format", "csv", "--strategy", "lru", "--size", "1"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("2 requests"));
  EXPECT_THAT(done.err, HasSubstr(trace.path() + ":3: key is \"x\""));
  EXPECT_THAT(done.err, HasSubstr("1 malformed line was left out"));
  const auto strict = run({"simulate", trace.path(), "--format", "csv", "--strategy", "lru",
                           "--size", "1", "--strict"});
  EXPECT_EQ(strict.status, 2);
  EXPECT_THAT(strict.err, HasSubstr(trace.path() + ":3: key is \"x\""));
}

TEST(Simulate, TakesSeveralTracesOfDifferentForms) {
  const TestFile keys("1\n2\n1\n");
  const auto done = run({"simulate", in_tree("tests/simulator/data/formats/runs.lis"), keys.path(),
                         "--strategy", "lru", "--size", "2"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("runs.lis (arc): 6 requests"));
  EXPECT_THAT(done.out, HasSubstr(keys.path() + " (keys): 3 requests"));
}

struct WrongCall {
  std::vector<std::string> arguments;
  std::string words;
};

TEST(Simulate, RefusesCallsThatCannotBeMeant) {
  const std::vector<WrongCall> calls{
      {{"simulate"}, "TRACE"},
      {{"simulate", "nowhere.csv"}, "nowhere.csv: cannot be opened"},
      {{"simulate", shipped(), "--strategy", "lrv"}, "did you mean \"lru\""},
      {{"simulate", shipped(), "--strategy", "lfu{aging=false}"}, "did you mean \"ageing\""},
      {{"simulate", shipped(), "--size", "5XB"}, "64MiB"},
      {{"simulate", shipped(), "--format", "cvs"}, "did you mean \"csv\""},
      {{"simulate", shipped(), "--jobs", "0"}, "--jobs"},
      {{"simulate", shipped(), "--csv", "/no/such/folder/a.csv"}, "cannot be written"},
      {{"simulate", shipped(), "--fromat", "csv"}, "--fromat"},
  };
  for (const auto& [arguments, words] : calls) {
    const auto done = run(arguments);
    EXPECT_EQ(done.status, 2) << ::testing::PrintToString(arguments);
    EXPECT_THAT(done.err, HasSubstr(words)) << ::testing::PrintToString(arguments);
    EXPECT_THAT(done.out, IsEmpty());
  }
}

TEST(Simulate, FailsWhereTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  const auto done =
      run({"simulate", shipped(), "--strategy", "lru", "--size", "9", "--csv", "/dev/full"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("/dev/full: could not be written"));
}

}  // namespace
}  // namespace tarmac::cli
