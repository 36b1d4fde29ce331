#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/testing/strategy_replay.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace tarmac {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::ThrowsMessage;

TEST(Catalog, CallsEachStrategyByTheNameItGivesItself) {
  std::set<std::string_view> names;
  for (const StrategyDescription& row : catalog()) {
    EXPECT_EQ(row.make({})->name(), row.name);
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " stands there twice";
  }
}

TEST(Catalog, FillsTheRegistryByBeingIncluded) {
  EXPECT_THAT(strategy_registry().names(),
              IsSupersetOf({"fifo", "lfu", "lru", "ttl", "clock", "sieve", "s3fifo", "slru", "2q",
                            "arc", "random", "gdsf"}));
  EXPECT_EQ(strategy_registry().make("lru")->name(), "lru");
}

TEST(Catalog, LeavesAProgramsOwnFactoryUnderABuiltInNameInPlace) {
  const auto built_in = std::ranges::find(catalog(), "ttl", &StrategyDescription::name);
  strategy_registry().add("ttl", [](const Parameters&) { return make_fifo(); });
  register_built_in_strategies();
  EXPECT_EQ(strategy_registry().make("ttl")->name(), "fifo");
  strategy_registry().add("ttl", built_in->make);  // For the tests after this one.
}

// Three keys, of which one was hot before the others came: only ageing lets it leave.
bool dead_key_leaves(const Parameters& lfu) {
  testing::StrategyReplay cache(strategy_registry().make("lfu", lfu), 2);
  for (int use = 0; use < 8; ++use) cache.request(1);
  for (int use = 0; use < 50; ++use) cache.request(use % 2 == 0 ? 2 : 3);
  return !cache.contains(1);
}

TEST(Catalog, PassesParametersToLfu) {
  EXPECT_TRUE(dead_key_leaves({{"ageing_period", "2"}}));
  EXPECT_FALSE(dead_key_leaves({{"ageing_period", "1000"}}));
  EXPECT_FALSE(dead_key_leaves({{"ageing", "false"}, {"ageing_period", "2"}}));
}

/// The keys that are left of `keys` in a cache of twenty, in the order in which they leave.
std::vector<std::uint64_t> order_of_leaving(std::string_view strategy, const Parameters& parameters,
                                            const std::vector<std::uint64_t>& keys) {
  testing::StrategyReplay cache(strategy_registry().make(strategy, parameters), 20);
  cache.count_misses(keys);
  return cache.drain();
}

// Method: each parameter alone, off its default, changes who leaves when.
TEST(Catalog, PassesParametersToTheStrategiesOfQueues) {
  std::vector<std::uint64_t> keys;
  std::mt19937_64 random(4);
  for (int i = 0; i < 500; ++i) keys.push_back(random() % (1 + random() % 60));
  const std::vector<std::tuple<std::string, std::string, std::string>> settings{
      {"clock", "bits", "2"},          {"s3fifo", "small_share", "0.5"},
      {"s3fifo", "ghost_share", "0"},  {"s3fifo", "threshold", "1"},
      {"s3fifo", "fill_main", "true"}, {"slru", "segments", "1:4"},
      {"2q", "in_share", "0.75"},      {"2q", "out_share", "2"},
      {"random", "seed", "2"}};
  for (const auto& [strategy, parameter, value] : settings) {
    EXPECT_NE(order_of_leaving(strategy, {}, keys),
              order_of_leaving(strategy, {{parameter, value}}, keys))
        << strategy << " does not heed " << parameter;
  }
}

TEST(Catalog, RefusesParametersItDoesNotKnow) {
  EXPECT_THAT(
      [] {
        static_cast<void>(strategy_registry().make("lru", {{"ageing", "true"}}));
      },
      ThrowsMessage<ConfigError>(HasSubstr("ageing")));
  EXPECT_THAT(
      [] {
        static_cast<void>(strategy_registry().make("lfu", {{"ageing_perod", "5"}}));
      },
      ThrowsMessage<ConfigError>(HasSubstr("ageing_period")));
  EXPECT_THAT(
      [] {
        static_cast<void>(strategy_registry().make("lfu", {{"ageing_period", "0"}}));
      },
      ThrowsMessage<ConfigError>(HasSubstr("from 1 to 1000000")));
}

}  // namespace
}  // namespace tarmac
