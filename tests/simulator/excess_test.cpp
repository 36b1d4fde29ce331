#include <gtest/gtest.h>

#include "excess.h"
#include "reference_traces.h"

namespace tarmac::simulator_tests {
namespace {

// Goal: the strategy of our own is worth its place. Method: its misses on traces that take seconds,
// beside the best of each cell; `./run stress` takes them all.
TEST(Excess, OfRhythmIsSmallOnSmallTraces) {
  const auto folder = reference_folder();
  if (!folder) GTEST_SKIP() << kNoReferenceTraces;
  const auto cells = excess_over_best(*folder, "rhythm", [](const std::string& trace) {
    return trace == "web07" || trace == "cloudphysics_io" || trace == "tencent_ns3300" ||
           trace == "tencent_ns1326" || trace == "adaptsize_request" || trace == "lirs_loop";
  });
  const ExcessSummary summary = summarise(cells);
  EXPECT_EQ(summary.cells, 10U);
  EXPECT_LE(summary.mean, 0.01);
  EXPECT_LE(summary.worst, 0.04);
  EXPECT_LE(summary.worst_over_fifo, 0.01);
  EXPECT_LE(summary.worst_over_gdsf, 0.01);
}

TEST(Excess, IsFoundWhereThereIsSome) {
  ExcessCell cell;
  cell.trace = "any";
  cell.requests = 1'000;
  cell.best = 100;
  cell.fifo = 200;
  cell.ours = 110;
  EXPECT_NEAR(summarise({cell}).mean, 0.1, 1e-9);
  EXPECT_NEAR(summarise({cell}).worst, 0.1, 1e-9);
  EXPECT_NEAR(summarise({cell}).worst_over_fifo, -0.45, 1e-9);
  cell.trace = "lirs_loop";
  EXPECT_EQ(summarise({cell}).cells, 0U);
  cell.in_bytes = true;
  cell.gdsf = 105;
  EXPECT_NEAR(summarise({cell}).worst_over_gdsf, 5.0 / 105, 1e-9);
}

}  // namespace
}  // namespace tarmac::simulator_tests
