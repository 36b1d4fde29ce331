#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/plot.h>
#include <tarmac/simulator/report.h>
#include <tarmac/strategies/catalog.h>

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A result made up of miss counts, in objects, of 1,000 requests; the rows are strategies.
SweepResult result_of(const std::string& strategies, const std::string& sizes,
                      const std::vector<std::vector<std::uint64_t>>& misses) {
  SweepResult result;
  result.trace = "folder/web & co.csv.zst";
  result.format = "csv";
  result.requests = 1'000;
  result.strategies = parse_strategies(strategies);
  result.sizes = parse_sizes(sizes);
  for (const SizeChoice& size : result.sizes) {
    result.capacities.push_back({size.amount, size.unit == SizeChoice::Unit::bytes});
  }
  for (std::size_t strategy = 0; strategy < misses.size(); ++strategy) {
    for (std::size_t size = 0; size < misses[strategy].size(); ++size) {
      SweepCell cell{strategy, size, result.capacities[size], {}};
      cell.result.requests = cell.result.bytes = 1'000;
      cell.result.misses = cell.result.missed_bytes = misses[strategy][size];
      cell.result.hits = 1'000 - cell.result.misses;
      result.cells.push_back(cell);
    }
  }
  return result;
}

TEST(Recommendation, IsTheStrategyThatMissesLeastOverAllSizes) {
  // lru is far behind once, fifo a little behind each time.
  const auto result = result_of("lru,fifo,belady", "10,100,1000",
                                {{500, 400, 300}, {510, 404, 200}, {100, 100, 100}});
  const Recommendation chosen = recommend(result);
  EXPECT_EQ(result.strategies[chosen.strategy].name, "fifo");
  EXPECT_NEAR(chosen.excess, (0.02 + 0.01 + 0) / 3, 1e-9);
  EXPECT_THAT(ranking(result), ElementsAre(1, 0, 2)) << "the bound is no choice";
  EXPECT_THAT(chosen.sentence, StartsWith("Take fifo with 1,000 objects: it misses 20.00 %"));
  EXPECT_THAT(chosen.sentence, HasSubstr("(lru 30.00 %, belady 10.00 %)"));
  EXPECT_THAT(chosen.sentence, HasSubstr("over the 3 sizes 1.0 % more often than the best"));
  EXPECT_THAT(chosen.sentence, HasSubstr("misses still fall at this size"));
}

TEST(Recommendation, IsTheSmallestSizeThatComesNearTheLargest) {
  const auto result = result_of("lru", "1000,10,100", {{200, 500, 215}});
  const Recommendation chosen = recommend(result);
  EXPECT_EQ(chosen.size, 2U);
  EXPECT_THAT(chosen.sentence, HasSubstr("1,000 objects would save less than a tenth"));
}

TEST(Recommendation, IsNoneOfTheBoundAlone) {
  EXPECT_THROW(static_cast<void>(recommend(result_of("belady", "10", {{5}}))), ConfigError);
}

TEST(Recommendation, SpellsItsSettingsInYaml) {
  EXPECT_EQ(recommend(result_of("lru", "10", {{5}})).yaml,
            "caches:\n  - name: \"web___co\"\n    max_entries: 10\n    eviction: lru\n");
  EXPECT_EQ(recommend(result_of("lfu{ageing=false}", "1MiB", {{5}})).yaml,
            "caches:\n  - name: \"web___co\"\n    max_entries: unlimited\n"
            "    max_bytes: 1048576\n    eviction:\n      strategy: lfu\n"
            "      ageing: false\n");
}

TEST(Report, HasATableWithTheBestOfEachSizeMarked) {
  const auto result = result_of("fifo,lru,belady", "10,100", {{600, 300}, {500, 400}, {400, 200}});
  const std::string table = to_table(result);
  EXPECT_THAT(table, StartsWith("folder/web & co.csv.zst (csv): 1,000 requests\n"));
  EXPECT_THAT(table, HasSubstr("  fifo"));
  EXPECT_THAT(table, HasSubstr("60.00    30.00 *\n"));
  EXPECT_THAT(table, HasSubstr("50.00 *  40.00\n"));
  EXPECT_THAT(table, HasSubstr("belady (knows the future)"));
  EXPECT_THAT(table, Not(HasSubstr("% of bytes"))) << "all objects are of size 1";
}

TEST(Report, HasALineOfCsvForEachCell) {
  const std::vector<SweepResult> results{
      result_of("lru,lfu{ageing=false;ageing_period=2}", "10", {{500}, {400}})};
  EXPECT_EQ(to_csv(results),
            "trace,strategy,size_unit,cache_size,asked_for,requests,misses,miss_ratio,"
            "byte_miss_ratio,too_large\n"
            "folder/web & co.csv.zst,lru,objects,10,10,1000,500,0.500000,0.500000,0\n"
            "folder/web & co.csv.zst,lfu{ageing=false;ageing_period=2},objects,10,10,1000,400,"
            "0.400000,0.400000,0\n");
  auto odd = results;
  odd[0].trace = "a,\"b\".csv";
  EXPECT_THAT(to_csv(odd), HasSubstr("\n\"a,\"\"b\"\".csv\",lru,"));
}

TEST(Report, HasADocumentOfJson) {
  auto result = result_of("lru,belady", "10,1MiB", {{500, 450}, {300, 250}});
  result.problems = {7, {"a:1: x", "a:2: y"}};
  result.summary = TraceSummary{1'000, 300, 9'000};
  const auto document = nlohmann::json::parse(to_json(std::vector{result}));
  const auto& trace = document.at("traces").at(0);
  EXPECT_EQ(trace.at("objects"), 300);
  EXPECT_EQ(trace.at("malformed").at("count"), 7);
  EXPECT_EQ(trace.at("cells").size(), 4U);
  EXPECT_EQ(trace.at("cells").at(1).at("unit"), "bytes");
  EXPECT_EQ(trace.at("cells").at(1).at("size"), 1'048'576);
  EXPECT_EQ(trace.at("cells").at(0).at("misses"), 500);
  EXPECT_EQ(trace.at("recommendation").at("strategy"), "lru");
  EXPECT_THAT(trace.at("recommendation").at("yaml").get<std::string>(), StartsWith("caches:\n"));
}

std::size_t count_of(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

TEST(Plot, HasCurvesBarsAndNamesForEveryStrategy) {
  const std::vector<SweepResult> results{
      result_of("fifo,lru,belady", "10,100", {{600, 300}, {500, 400}, {400, 200}})};
  const std::string svg = plot_svg(results);
  EXPECT_THAT(svg, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_EQ(count_of(svg, "<polyline"), 3U);
  EXPECT_EQ(count_of(svg, "<rect"), 1 + 3U) << "the ground, and a bar each";
  EXPECT_EQ(count_of(svg, ">lru</text>"), 2U) << "at the curve and at the bar";
  EXPECT_THAT(svg, HasSubstr("web &amp; co.csv.zst"));
  EXPECT_THAT(svg, HasSubstr(">30.00 %</text>"));
  EXPECT_EQ(count_of(svg, "<"), count_of(svg, ">"));
}

TEST(Plot, GivesObjectsAndBytesARowEach) {
  const auto objects = result_of("lru", "10", {{500}});
  const auto both = result_of("lru", "10,1MiB", {{500, 400}});
  EXPECT_THAT(plot_svg(std::vector{objects}),
              ::testing::ContainsRegex("viewBox=\"0 0 [0-9]+ 500\""));
  EXPECT_THAT(plot_svg(std::vector{both}), ::testing::ContainsRegex("viewBox=\"0 0 [0-9]+ 1000\""));
  EXPECT_THAT(plot_svg(std::vector{both}), HasSubstr("cache size in bytes"));
}

TEST(Plot, TellsManyStrategiesApart) {
  std::string list = "belady";
  std::vector<std::vector<std::uint64_t>> misses{{100, 90}};
  for (int period = 1; period <= 17; ++period) {
    list += ",lfu{ageing_period=" + std::to_string(period) + "}";
    misses.push_back({500, 400});
  }
  const std::string svg = plot_svg(std::vector{result_of(list, "10,100", misses)});
  // The colour, the dashes, or both differ from curve to curve.
  std::set<std::string> styles;
  for (auto at = svg.find("<polyline"); at != std::string::npos;
       at = svg.find("<polyline", at + 1)) {
    const auto style = svg.find("stroke=", at);
    styles.insert(svg.substr(style, svg.find("/>", at) - style));
  }
  EXPECT_EQ(styles.size(), 18U);
}

}  // namespace
}  // namespace tarmac::simulator_tests
