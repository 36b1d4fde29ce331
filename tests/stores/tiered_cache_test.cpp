// TieredCache against a real redis-server: what is shared, what is kept, what ends it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>

#include <atomic>
#include <latch>
#include <map>
#include <stdexcept>
#include <vector>

#include "tier_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Optional;

class Tiers : public ::testing::Test {
 protected:
  Tiers() { await_heard(mine_); }

  RedisServer server_;
  StringTiers mine_{tiered(server_)};
};

TEST_F(Tiers, ShareWhatOneOfThemSets) {
  StringTiers other(tiered(server_));
  await_heard(other);
  other.set("k", "v");
  await_all_heard(mine_);
  EXPECT_EQ(mine_.get("k"), "v");
  EXPECT_EQ(mine_.get("k"), "v");
  EXPECT_EQ(mine_.stats().l1.hits, 1U);
  EXPECT_EQ(mine_.stats().l2.fetched, 1U);
  EXPECT_EQ(server_.ask({"GET", "t:k"}), "v");
}

TEST_F(Tiers, FindNothingWhereThereIsNothing) {
  EXPECT_EQ(mine_.get("k"), std::nullopt);
  EXPECT_FALSE(mine_.erase("k"));
  EXPECT_EQ(mine_.stats().l2.absent, 1U);
}

TEST_F(Tiers, HearOfEveryWayInWhichAKeyChanges) {  // trap K8: the server tells, not the writer
  const std::vector<std::vector<std::string>> changes{
      {"SET", "t:k", "new"},    {"APPEND", "t:k", "er"},  {"DEL", "t:k"}, {"SET", "t:k", "v"},
      {"RENAME", "t:k", "t:l"}, {"RENAME", "t:l", "t:k"}, {"FLUSHALL"},   {"SET", "t:k", "again"},
  };
  for (const auto& change : changes) {
    static_cast<void>(mine_.get("k"));
    server_.ask(change);
    await_all_heard(mine_);
    EXPECT_FALSE(mine_.l1().contains("k")) << change.front();
    EXPECT_EQ(mine_.get("k").value_or(""), server_.ask({"GET", "t:k"}));
  }
  EXPECT_EQ(mine_.stats().l2.flush_invalidations, 1U);
}

TEST_F(Tiers, CountEachLookUpOnceAndTellSlotsOfHits) {
  mine_.set("k", "v");
  EXPECT_EQ(mine_.get("k"), "v");
  await_all_heard(mine_);  // Of the set() above, which makes the next one a miss again.
  EXPECT_EQ(mine_.get("k"), "v");
  const auto misses = mine_.stats().l1.misses;
  const auto hits = mine_.stats().l1.hits;
  EXPECT_EQ(mine_.get("k"), "v");
  EXPECT_EQ(mine_.get("absent"), std::nullopt);
  EXPECT_EQ(mine_.stats().l1.hits, hits + 1);
  EXPECT_EQ(mine_.stats().l1.misses, misses + 1);
  std::vector<std::string> told;
  const auto slot = mine_.l1().events().connect(
      EventType::entry_get_hit, [&told](const Event& event) { told.push_back(event.key()); });
  EXPECT_EQ(mine_.get("k"), "v");
  EXPECT_EQ(told, std::vector<std::string>{"k"});
  EXPECT_EQ(mine_.stats().l1.hits, hits + 2);
}

TEST(TierOptions, RefreshValuesOfTheFirstTier) {
  const RedisServer server;
  auto options = tiered(server);
  options.l1.loading.refresh_after = 1ns;  // Each hit finds its value too old.
  StringTiers cache(options);
  await_heard(cache);
  cache.set("k", "v");
  await_all_heard(cache);
  EXPECT_EQ(cache.get("k"), "v");
  const auto round_trips = cache.stats().l2.round_trips;
  EXPECT_EQ(cache.get("k"), "v");
  EXPECT_EQ(cache.stats().l2.round_trips, round_trips + 1);
}

TEST_F(Tiers, HearOfNoOtherPrefix) {
  server_.ask({"SET", "other:k", "v"});
  await_all_heard(mine_);
  EXPECT_EQ(mine_.stats().l2.key_invalidations, 0U);
}

TEST_F(Tiers, ReadTheirOwnWrites) {  // trap K2
  for (int i = 0; i < 200; ++i) {
    mine_.set("k", std::to_string(i));
    EXPECT_EQ(mine_.get("k"), std::to_string(i));
  }
  EXPECT_TRUE(mine_.erase("k"));
  EXPECT_EQ(mine_.get("k"), std::nullopt);
}

TEST_F(Tiers, FetchThirtyTwoKeysInOneRoundTrip) {
  std::vector<std::string> keys;
  for (int i = 0; i < 32; ++i) {
    keys.push_back("k" + std::to_string(i));
    server_.ask({"SET", "t:" + keys.back(), std::to_string(i)});
  }
  await_all_heard(mine_);
  const auto before = mine_.stats().l2.round_trips;
  const auto values = mine_.get_many(keys);
  EXPECT_EQ(mine_.stats().l2.round_trips, before + 1);
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(values[i], std::to_string(i));
  EXPECT_EQ(mine_.get_many(keys), values);
  EXPECT_EQ(mine_.stats().l2.round_trips, before + 1);
  keys.emplace_back("absent");
  EXPECT_EQ(mine_.get_many(keys).back(), std::nullopt);
}

TEST_F(Tiers, KeepNoValueLongerThanTheSecondTier) {  // trap K6
  server_.ask({"SET", "t:brief", "v", "PX", "60000"});
  server_.ask({"SET", "t:long", "v"});
  await_all_heard(mine_);
  static_cast<void>(mine_.get_many({"brief", "long"}));
  auto& l1 = mine_.l1();
  const auto left = l1.inspect("brief")->remaining_ttl;
  ASSERT_TRUE(left);
  EXPECT_LE(*left, 60s);
  EXPECT_GT(*left, 30s);
  EXPECT_EQ(l1.inspect("long")->remaining_ttl, std::nullopt);
  mine_.set("mine", "v", {.ttl = 50s});
  EXPECT_LE(std::stoi(server_.ask({"PTTL", "t:mine"})), 50'000);
  EXPECT_GT(std::stoi(server_.ask({"PTTL", "t:mine"})), 0);
}

TEST(TierOptions, BoundTheTimeInThisProcessByTheFirstTiersTtl) {
  const RedisServer server;
  auto options = tiered(server);
  options.l1.default_ttl = 5s;
  StringTiers cache(options);
  await_heard(cache);
  cache.set("k", "v", {.ttl = 1h});
  await_all_heard(cache);
  static_cast<void>(cache.get("k"));
  auto& l1 = cache.l1();
  EXPECT_LE(*l1.inspect("k")->remaining_ttl, 5s);
}

TEST_F(Tiers, LoadOnceAndShareTheResult) {
  StringTiers other(tiered(server_));
  await_heard(other);
  std::atomic<int> called{0};
  const auto loader = [&called] {
    ++called;
    return std::string("loaded");
  };
  EXPECT_EQ(mine_.get_or_load("k", loader), "loaded");
  EXPECT_EQ(other.get_or_load("k", loader), "loaded");
  EXPECT_EQ(called, 1);
  const auto nothing = []() -> std::optional<std::string> { return std::nullopt; };
  EXPECT_EQ(mine_.get_or_load("l", nothing), std::nullopt);
  EXPECT_EQ(mine_.get_or_load("k", nothing), "loaded");
}

// Goal: of many processes that read a cold key, one stores its value; or each would have all the
// others drop what they have just loaded.
TEST_F(Tiers, TellOthersOnceOfAKeyThatAllLoad) {  // trap K3
  constexpr int kNodes = 6;
  std::vector<std::unique_ptr<StringTiers>> nodes;
  for (int i = 0; i < kNodes; ++i) {
    nodes.push_back(std::make_unique<StringTiers>(tiered(server_)));
    await_heard(*nodes.back());
  }
  std::latch all_load(kNodes);
  std::vector<std::thread> threads;
  std::vector<std::string> got(kNodes);
  for (int i = 0; i < kNodes; ++i) {
    threads.emplace_back([&, i] {
      got[static_cast<std::size_t>(i)] = nodes[static_cast<std::size_t>(i)]->get_or_load("k", [&] {
        all_load.arrive_and_wait();
        return std::to_string(i);
      });
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& one : got) EXPECT_EQ(one, got.front());
  EXPECT_EQ(server_.ask({"GET", "t:k"}), got.front());
  await_all_heard(mine_);
  EXPECT_EQ(mine_.stats().l2.key_invalidations, 1U);
}

// Goal: a change that is heard of while a load is under way keeps the old value out. Method: the
// loader stands still after the second tier was found empty, and another process writes.
TEST_F(Tiers, KeepNoLoadThatAChangeOvertook) {  // trap K1
  const auto value = mine_.get_or_load("k", [&] {
    server_.ask({"SET", "t:k", "of another"});
    await_all_heard(mine_);
    return std::string("late");
  });
  EXPECT_EQ(value, "of another");  // The first one's value is everybody's.
  EXPECT_FALSE(mine_.l1().contains("k"));
  EXPECT_EQ(mine_.get("k"), "of another");
}

TEST_F(Tiers, TakeWhatTheyCannotReadForAbsent) {  // trap K5
  auto options = tiered(server_);
  TieredCache<std::uint64_t> numbers(options);
  await_heard(numbers);
  server_.ask({"SET", "t:n", "no number"});
  EXPECT_EQ(numbers.get("n"), std::nullopt);
  EXPECT_EQ(numbers.stats().undecodable, 1U);
  numbers.set("n", 7);
  EXPECT_EQ(numbers.get("n"), 7U);
}

TEST_F(Tiers, ForgetAllWhenTheChannelSaysWhatTheyDoNotUnderstand) {  // trap K5
  mine_.set("k", "v");
  await_all_heard(mine_);
  static_cast<void>(mine_.get("k"));
  server_.ask({"PUBLISH", "__redis__:invalidate", "hello"});
  await([&] { return mine_.stats().l2.malformed_invalidations == 1; });
  EXPECT_FALSE(mine_.l1().contains("k"));
  server_.ask({"SET", "t:k", "w"});  // Still alive.
  await_all_heard(mine_);
  EXPECT_EQ(mine_.get("k"), "w");
}

TEST_F(Tiers, TellTheirFigures) {
  mine_.set("k", "v");
  static_cast<void>(mine_.get("k"));
  std::map<std::string, double> read;
  for (const auto& figure : mine_.l1().extra_figures().read()) {
    read[figure.name + (figure.labels.empty() ? "" : " " + figure.labels.front().second)] =
        figure.value;
  }
  EXPECT_EQ(read.at("tarmac_cache_l2_fetches_total found"), 1);
  EXPECT_EQ(read.at("tarmac_cache_l2_round_trips_total"), 2);
  EXPECT_EQ(read.at("tarmac_cache_l1_heard"), 1);
  EXPECT_EQ(read.at("tarmac_cache_l1_invalidations_total malformed"), 0);
  EXPECT_EQ(read.at("tarmac_cache_l1_bypassed_total"), 0);
  EXPECT_EQ(read.size(), 13U);
}

TEST(TierOptions, RefuseWhatCannotWork) {
  const RedisServer server;
  const auto refused = [&](const auto& spoil) {
    auto options = tiered(server);
    spoil(options.l2);
    EXPECT_THROW(StringTiers{options}, ConfigError);
  };
  refused([](RedisTierOptions& o) { o.server.prefix.clear(); });
  refused([](RedisTierOptions& o) { o.server.call_limit = 0s; });
  refused([](RedisTierOptions& o) { o.server.retry_max = 0s; });
  refused([](RedisTierOptions& o) { o.heartbeat = 0s; });
  refused([](RedisTierOptions& o) { o.heartbeat_limit = o.heartbeat; });
  refused([](RedisTierOptions& o) { o.server.connections = 0; });
  refused([](RedisTierOptions& o) { o.batch_max = 0; });
  refused([](RedisTierOptions& o) { o.serve_unheard = -1s; });
  refused([](RedisTierOptions& o) { o.server.password_file = "a", o.server.password_env = "b"; });
}

}  // namespace
}  // namespace tarmac
