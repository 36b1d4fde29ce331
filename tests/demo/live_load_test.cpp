// The load moves every figure, and stops clean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/demo/demo_clock.h>
#include <tarmac/demo/live_load.h>
#include <tarmac/demo/observation.h>

#include <atomic>
#include <thread>

namespace tarmac::demo {
namespace {

const char* const kCaches = R"(caches:
  - {name: plain, max_entries: 50}
  - {name: by_bytes, max_entries: unlimited, max_bytes: 16KiB, eviction: lfu}
  - {name: stored, max_entries: 50, write_policy: write_back, store: memory}
)";

TEST(LiveLoad, UsesEveryCacheInEveryWayAndFlushesAtTheEnd) {
  const auto config = parse_config(kCaches, "test.yaml");
  Observation observation({});
  LiveLoadOptions options;
  const auto clock = std::make_shared<DemoClock>();
  options.clock = clock;
  std::atomic<bool> failed{false};
  options.on_failure = [&failed] { failed = true; };
  LiveLoad load(config, observation, options);
  const auto all_chores_done = [&] {
    const auto figures = load.figures();
    for (const auto& one : figures) {
      if (one.stats.snapshots_restored < 1 || one.stats.hits < 100) return false;
    }
    return figures[2].stats.write_policy_swaps >= 3;
  };
  // Time goes on only when the load has: or the time limits of a flush would pass while the machine
  // has no processor for it.
  while (!failed && !all_chores_done()) {
    const auto before = load.operations();
    clock->advance(std::chrono::milliseconds(10));
    while (!failed && load.operations() == before) std::this_thread::yield();
  }
  load.stop();  // Throws what has failed.
  load.stop();  // Nothing more happens.

  EXPECT_GT(load.operations(), 300U);
  for (const auto& [parts, stats] : load.figures()) {
    SCOPED_TRACE(parts.name);
    EXPECT_GT(stats.misses, 0U);
    EXPECT_GT(stats.evictions, 0U);
    EXPECT_GT(stats.deletes, 0U);
    EXPECT_GT(stats.strategy_swaps, 0U);
    EXPECT_GT(stats.snapshots_taken, 0U);
    EXPECT_EQ(stats.dirty_writes_pending, 0U);
    EXPECT_EQ(stats.flushed_writes > 0, parts.name == "stored");
  }
}

TEST(LiveLoad, RefusesTwoCachesThatCannotBeToldApart) {
  auto config = parse_config(kCaches, "test.yaml");
  config.caches.push_back(config.caches.front());
  Observation observation({});
  EXPECT_THROW(LiveLoad(config, observation), ConfigError);
}

}  // namespace
}  // namespace tarmac::demo
