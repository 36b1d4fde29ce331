#include <gtest/gtest.h>

#include <set>
#include <string>

#include "agreement.h"
#include "reference_traces.h"

namespace tarmac::simulator_tests {
namespace {

bool is_small(const std::string& trace) {
  static const std::set<std::string> traces{"web07",          "cloudphysics_io", "lirs_multi2",
                                            "tencent_ns3300", "lirs_2_pools",    "lirs_sprite"};
  return traces.contains(trace);
}

// Goal: a strategy is the algorithm of its name. Method: replay public traces in objects and in
// bytes, with the parameters of the row, beside what other projects' simulators have computed. The
// small traces here; `./run stress` holds all of them to the whole of the levels.
TEST(Agreement, WithOtherSimulatorsIsWithinTheLevelOfEachStrategy) {
  const auto folder = reference_folder();
  if (!folder) GTEST_SKIP() << kNoReferenceTraces;
  const auto cells = compare(*folder, is_small);
  ASSERT_GT(cells.size(), 300U);
  std::set<std::string> missing;
  for (const AgreementSummary& one : summarise(cells)) {
    if (one.missing > 0) missing.emplace(one.rule->strategy);
    if (one.kept_in_each) continue;
    for (const AgreementCell& cell : cells) {
      if (cell.rule != one.rule || cell.in_bytes != one.in_bytes || !cell.exception.empty()) {
        continue;
      }
      if (cell.difference() == 0) continue;
      ADD_FAILURE() << cell.rule->strategy << " on " << cell.trace << " with " << cell.size
                    << (cell.in_bytes ? " bytes" : " objects") << ": " << *cell.ours
                    << " misses, and " << cell.misses << " of " << cell.simulator << " ("
                    << one.rule->level.text() << ")";
    }
  }
  EXPECT_FALSE(missing.contains("fifo") || missing.contains("lru") || missing.contains("belady"));
}

TEST(Agreement, IsNotFoundWhereThereIsNone) {
  AgreementCell cell;
  Rule rule{"x", "default", "", "x", {.exact = true}};
  cell.rule = &rule;
  cell.requests = 1'000;
  cell.misses = 500;
  cell.ours = 501;
  EXPECT_FALSE(summarise({cell}).at(0).kept);
  rule.level = {.near = 0.002, .most = 0.0015};
  EXPECT_TRUE(summarise({cell}).at(0).kept);
  cell.ours = 502;
  EXPECT_FALSE(summarise({cell}).at(0).kept) << "more than 0.0015";
  rule.level = {.worse = 0.001};
  EXPECT_FALSE(summarise({cell}).at(0).kept);
  cell.ours = 400;
  EXPECT_TRUE(summarise({cell}).at(0).kept) << "missing less is not worse";
  rule.level = {.mean = 0.05};
  EXPECT_FALSE(summarise({cell}).at(0).kept) << "but it is no agreement";
  EXPECT_TRUE(summarise({cell}).at(0).kept_in_each);
  cell.exception = "degenerate";
  EXPECT_TRUE(summarise({cell}).at(0).kept);
}

}  // namespace
}  // namespace tarmac::simulator_tests
