#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/testing/strategy_replay.h>

#include <algorithm>
#include <set>
#include <string>
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
  EXPECT_THAT(strategy_registry().names(), IsSupersetOf({"fifo", "lfu", "lru", "ttl"}));
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
