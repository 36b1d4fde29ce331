// A cache that was restarted hits as the running one does, from the first request on.
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/simulator/trace_reader.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/fake_journal.h>

#include <span>
#include <string>
#include <vector>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using Cache = CacheManager<std::uint64_t, std::uint64_t>;

std::vector<std::uint64_t> shipped_keys() {
  std::vector<std::uint64_t> keys;
  TraceReader trace(shipped_trace());
  for (Request request; trace.next(request);) keys.push_back(request.key);
  return keys;
}

/// Of get-or-insert, in per cent.
double hit_ratio(Cache& cache, std::span<const std::uint64_t> keys) {
  std::size_t hits = 0;
  for (const auto key : keys) {
    if (cache.get(key)) {
      ++hits;
    } else {
      cache.set(key, key);
    }
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(keys.size());
}

class WarmRestart : public ::testing::TestWithParam<std::string> {
 protected:
  WarmRestart() {
    tarmac::testing::register_fake_snapshot_format();
    tarmac::testing::mount("warm", disk_);
  }

  [[nodiscard]] static CacheOptions options(std::uint64_t seed) {
    CacheOptions options;
    options.name = "warm";
    options.max_entries = 1'000;
    options.eviction = GetParam();
    options.shards = 2;
    options.seed = seed;  // Another one after a restart, so that keys go to other shards.
    options.background_expiry = false;
    return options;
  }
  [[nodiscard]] static CacheOptions durable(std::uint64_t seed) {
    auto with_log = options(seed);
    with_log.durability = DurabilityOptions{.directory = "warm"};
    return with_log;
  }

  const std::vector<std::uint64_t> keys_ = shipped_keys();
  const std::span<const std::uint64_t> before_{keys_.data(), keys_.size() / 2};
  const std::span<const std::uint64_t> after_ = std::span(keys_).subspan(before_.size());
  std::shared_ptr<tarmac::testing::FakeDisk> disk_ = std::make_shared<tarmac::testing::FakeDisk>();
};

TEST_P(WarmRestart, FromASnapshotFileHasTheHitRatioOfTheRunningCache) {
  Cache running(options(1));
  hit_ratio(running, before_);
  running.save_snapshot("warm.snap");
  Cache restarted(options(2));
  restarted.load_snapshot("warm.snap");
  const auto expected = hit_ratio(running, after_);
  EXPECT_NEAR(hit_ratio(restarted, after_), expected, 0.5);
  if (GetParam() != "lru") return;
  Cache cold(options(2));
  EXPECT_LT(hit_ratio(cold, after_), expected - 2) << "the control: a cold start is told apart";
}

TEST_P(WarmRestart, FromAnImageHasTheHitRatioOfTheRunningCache) {
  auto running = std::make_unique<Cache>(durable(1));
  hit_ratio(*running, before_);
  running->compact();
  disk_->crash();
  Cache restarted(durable(2));
  const auto expected = hit_ratio(*running, after_);
  EXPECT_NEAR(hit_ratio(restarted, after_), expected, 0.5);
}

INSTANTIATE_TEST_SUITE_P(Each, WarmRestart, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& row : catalog()) names.emplace_back(row.name);
                           return names;
                         }()),
                         [](const auto& name) { return "of_" + name.param; });

}  // namespace
}  // namespace tarmac::simulator_tests
