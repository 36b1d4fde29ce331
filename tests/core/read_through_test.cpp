// Misses that the store fills, and writes past the cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/write_around.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/breaker_store.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;
using tarmac::testing::FaultyStore;

class ReadThroughTest : public ::testing::Test {
 protected:
  CacheOptions options() {
    CacheOptions options = quiet_options(clock_);
    options.max_entries = 4;
    options.read_through = true;
    return options;
  }
  void fill(const std::string& key, const std::string& value,
            std::optional<WallNanos> expires_at = {}) {
    const StoreWrite write{
        .key = key, .value = value, .stamp = 1, .expires_at = expires_at, .hash = 0};
    store_->write({&write, 1});
  }
  [[nodiscard]] std::unique_ptr<WritePolicy> lazy_write_back() const {
    return write_back(store_, {.loss_window_max = 1h, .shutdown_limit = 0s});
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<FaultyStore> store_ = std::make_shared<FaultyStore>(make_memory_store());
  StringCache cache_{options()};
};

TEST_F(ReadThroughTest, FillsAMissFromTheStoreOnce) {
  cache_.set_write_policy(write_through(store_));
  fill("k", "v");
  EXPECT_EQ(cache_.get("k"), "v");
  EXPECT_EQ(cache_.get("k"), "v");
  EXPECT_EQ(store_->loads(), 1U);
  const auto stats = cache_.stats();
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.sets, 0U) << "what was read is no write";
  EXPECT_EQ(store_->attempts(), 1U) << "and the store gets none";
  EXPECT_FALSE(cache_.inspect("k")->dirty);
}

TEST_F(ReadThroughTest, FillsForVisitToo) {
  cache_.set_write_policy(write_through(store_));
  fill("k", "v");
  std::string seen;
  EXPECT_TRUE(cache_.visit("k", [&](const std::string& value) { seen = value; }));
  EXPECT_EQ(seen, "v");
  EXPECT_FALSE(cache_.visit("absent", [&](const std::string&) { seen = "?"; }));
  EXPECT_EQ(cache_.stats().misses, 2U);
  EXPECT_TRUE(cache_.contains("k"));
}

TEST_F(ReadThroughTest, FindsNothingWhereThereIsNothing) {
  EXPECT_EQ(cache_.get("k"), std::nullopt) << "no store at all";
  cache_.set_write_policy(write_through(store_));
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_EQ(store_->loads(), 2U);
}

TEST_F(ReadThroughTest, AsksNoStoreUnlessItIsToldTo) {
  auto quiet = options();
  quiet.read_through = false;
  StringCache cache(quiet);
  cache.set_write_policy(write_through(store_));
  fill("k", "v");
  EXPECT_EQ(cache.get("k"), std::nullopt);
  EXPECT_EQ(store_->loads(), 0U);
}

TEST_F(ReadThroughTest, KeepsAValueAsLongAsTheStoreWould) {
  cache_.set_write_policy(write_through(store_));
  fill("k", "v", clock_->wall_now() + std::chrono::nanoseconds(10s).count());
  clock_->advance(4s);
  EXPECT_EQ(cache_.get("k"), "v");
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, 6s);
  clock_->advance(6s);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
}

// Goal: what is owed is what the store counts as having (trap I3). Method: a dirty entry is evicted
// while the store has an older value.
TEST_F(ReadThroughTest, AnswersWithWhatTheStoreIsStillOwed) {
  cache_.set_write_policy(write_through(store_));
  cache_.set("k", "old");
  cache_.set("gone", "old");
  cache_.set_write_policy(lazy_write_back());
  cache_.set("k", "new");
  cache_.erase("gone");
  for (int i = 0; i < 20; ++i) cache_.set("other" + std::to_string(i), "v");
  ASSERT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.get("k"), "new");
  EXPECT_EQ(cache_.get("gone"), std::nullopt);
  EXPECT_EQ(store_->loads(), 0U);
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_EQ(cache_.get("k"), "new");
}

TEST_F(ReadThroughTest, ThrowsIfTheStoreFailsAndKeepsNothing) {
  cache_.set_write_policy(write_through(store_));
  cache_.set("cached", "v");
  fill("k", "v");
  store_->fail_loads(true);
  std::atomic<int> errors{0};
  const auto connection =
      cache_.events().connect(EventType::store_error, [&errors](const Event&) { ++errors; });
  EXPECT_THROW(static_cast<void>(cache_.get("k")), StoreError);
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(cache_.get("cached"), "v");
  store_->fail_loads(false);
  EXPECT_EQ(cache_.get("k"), "v");
}

TEST_F(ReadThroughTest, AsksOnceHoweverManyThreadsMiss) {
  cache_.set_write_policy(write_through(store_));
  for (int round = 0; round < 50; ++round) {
    const auto key = std::to_string(round);
    fill(key, "v");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { EXPECT_EQ(cache_.get(key), "v"); });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(store_->loads(), 50U);
}

TEST_F(ReadThroughTest, WriteAroundDropsTheCachedValue) {
  cache_.set_write_policy(write_through(store_));
  cache_.set("k", "old");
  cache_.set_write_policy(write_around(store_));
  EXPECT_EQ(cache_.set("k", "new"), SetOutcome::stored);
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_EQ(cache_.get("k"), "new");
  EXPECT_TRUE(cache_.contains("k")) << "what is read is cached";
  EXPECT_EQ(cache_.compute("k", [](const auto& old) { return *old + "er"; }), "newer");
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.get("k"), "newer");
  EXPECT_TRUE(cache_.erase("k"));
  EXPECT_EQ(cache_.get("k"), std::nullopt);
}

TEST_F(ReadThroughTest, WriteAroundLeavesBothAloneIfTheStoreFails) {
  cache_.set_write_policy(write_through(store_));
  cache_.set("k", "old");
  cache_.set_write_policy(write_around(store_));
  store_->fail_next_writes(1);
  EXPECT_THROW(cache_.set("k", "new"), StoreError);
  EXPECT_EQ(cache_.get("k"), "old");
  EXPECT_EQ(store_->inner().load("k", 0)->bytes, "old");
}

TEST_F(ReadThroughTest, UndoUnderWriteAroundBringsTheStoresValueBack) {
  cache_.set_write_policy(write_around(store_));
  cache_.set("k", "old");
  cache_.execute(SetCommand{std::string("k"), std::string("new")});
  EXPECT_EQ(store_->inner().load("k", 0)->bytes, "new");
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(store_->inner().load("k", 0)->bytes, "old");
}

// Goal: with the user's leave, get() gives what has expired for a bounded time while the store is
// down, and nothing older. Method: the clock moves past the expiry, then past the bound.
TEST_F(ReadThroughTest, ServesWhatExpiredForABoundedTimeWhileTheStoreIsDown) {
  for (const bool allowed : {true, false}) {
    auto lenient = options();
    lenient.default_ttl = 10s;
    if (allowed) lenient.loading.stale_if_error = 60s;
    StringCache cache(lenient);
    cache.set_write_policy(write_through(store_));
    const std::string key = allowed ? "lenient" : "strict";
    fill(key, "old");
    EXPECT_EQ(cache.get(key), "old");
    clock_->advance(10s);
    store_->fail_loads(true);
    for (int i = 0; i < 3; ++i) {
      if (allowed) {
        EXPECT_EQ(cache.get(key), "old");
        EXPECT_TRUE(cache.visit(key, [](const std::string& v) { EXPECT_EQ(v, "old"); }));
        clock_->advance(19s);
      } else {
        EXPECT_THROW(static_cast<void>(cache.get(key)), StoreError);
      }
    }
    EXPECT_EQ(cache.stats().load_stale_served, allowed ? 6U : 0U);
    clock_->advance(3s);
    EXPECT_THROW(static_cast<void>(cache.get(key)), StoreError) << "too old by now";
    EXPECT_THROW(static_cast<void>(cache.get("never there")), StoreError);
    store_->fail_loads(false);
    EXPECT_EQ(cache.get(key), "old");
    cache.erase(key);
    store_->fail_loads(true);
    EXPECT_THROW(static_cast<void>(cache.get(key)), StoreError)
        << "what was erased stands in for nothing";
    store_->fail_loads(false);
  }
}

// Goal: the count of a cache begins with the cache, and never falls. Method: a store with counts of
// its own comes and goes.
TEST_F(ReadThroughTest, ShowsTheBreakerOfItsStore) {
  const auto guarded = make_breaker_store(store_, {.failures = 1, .pause = 1s, .clock = clock_});
  EXPECT_FALSE(cache_.stats().breaker);
  store_->fail_loads(true);
  EXPECT_THROW(static_cast<void>(guarded->load("k", 0)), StoreError);
  cache_.set_write_policy(write_through(guarded));
  EXPECT_EQ(cache_.stats().breaker, BreakerState::open);
  EXPECT_EQ(cache_.stats().breaker_opens, 0U) << "that was before";
  clock_->advance(1s);
  EXPECT_THROW(static_cast<void>(cache_.get("k")), StoreError);
  EXPECT_EQ(cache_.stats().breaker_opens, 1U);
  cache_.set_write_policy(write_through(make_memory_store()));
  EXPECT_FALSE(cache_.stats().breaker);
  EXPECT_EQ(cache_.stats().breaker_opens, 1U);
  cache_.set_write_policy(write_through(guarded));
  EXPECT_EQ(cache_.stats().breaker_opens, 1U);
}

TEST_F(ReadThroughTest, AsksALoaderOnlyForWhatTheStoreLacks) {
  cache_.set_write_policy(write_through(store_));
  fill("k", "of the store", clock_->wall_now() + std::chrono::nanoseconds(10s).count());
  int asked = 0;
  const auto load = [&asked] {
    ++asked;
    return std::string("loaded");
  };
  EXPECT_EQ(cache_.get_or_load("k", load), "of the store");
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, 10s);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(cache_.get_or_load("absent", load), "loaded");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(store_->inner().load("absent", 0), std::nullopt) << "what is loaded is no write";
  const auto now = [](const std::function<void()>& task) { task(); };
  fill("later", "of the store");
  EXPECT_EQ(cache_.load_async("later", load, now).get(), "of the store");
  store_->fail_loads(true);
  EXPECT_EQ(cache_.get_or_load("down", load), "loaded") << "better the source than nothing";
  EXPECT_EQ(asked, 2);
}

TEST_F(ReadThroughTest, AsksTheStoreOnceForManyKeysAndALoaderForTheRest) {
  auto roomy = options();
  roomy.max_entries = 100;
  StringCache cache(roomy);
  cache.set_write_policy(write_through(store_));
  fill("a", "A");
  fill("b", "B");
  cache.set_write_policy(lazy_write_back());
  cache.set("owed", "O");
  cache.clear();
  std::vector<std::string> asked;
  const auto load = [&asked](const std::vector<std::string>& keys) {
    asked = keys;
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& key : keys) found.emplace_back(key, "loaded");
    return found;
  };
  const std::vector<std::string> keys{"a", "x", "owed", "b"};
  using Values = std::vector<std::optional<std::string>>;
  EXPECT_EQ(cache.get_many_or_load(keys, load), (Values{"A", "loaded", "O", "B"}));
  EXPECT_EQ(asked, std::vector<std::string>{"x"});
  EXPECT_TRUE(cache.contains("b"));
  cache.clear();
  store_->fail_loads(true);
  EXPECT_EQ(cache.get_many_or_load(keys, load), (Values{"loaded", "loaded", "O", "loaded"}));
}

TEST_F(ReadThroughTest, OneThreadAsksStoreAndLoaderForAll) {
  cache_.set_write_policy(write_through(store_));
  std::atomic<int> asked{0};
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        EXPECT_EQ(cache_.get_or_load(std::to_string(round),
                                     [&] {
                                       ++asked;
                                       return std::string("v");
                                     }),
                  "v");
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(store_->loads(), 50U);
  EXPECT_EQ(asked, 50);
}

TEST_F(ReadThroughTest, ShowsTheFunctionOfComputeWhatTheStoreHas) {
  cache_.set_write_policy(write_through(store_));
  fill("n", "1");
  const auto add = [](const std::optional<std::string>& old) { return old.value_or("") + "+"; };
  EXPECT_EQ(cache_.compute("n", add), "1+");
  EXPECT_EQ(store_->inner().load("n", 0)->bytes, "1+");
  EXPECT_EQ(cache_.compute("new", add), "+");
  cache_.set_write_policy(lazy_write_back());
  cache_.set("n", "2");
  cache_.clear();
  EXPECT_EQ(cache_.compute("n", add), "2+") << "what is owed counts as stored";
}

// Goal: a store that fails leaves all as it was, and a slot that hears of it may write the key.
TEST_F(ReadThroughTest, ComputeChangesNothingIfTheStoreCannotBeRead) {
  cache_.set_write_policy(write_through(store_));
  fill("n", "1");
  store_->fail_loads(true);
  const auto connection = cache_.events().connect(
      EventType::store_error, [this](const Event&) { cache_.set("n", "by the slot"); });
  bool called = false;
  EXPECT_THROW(cache_.compute("n",
                              [&called](const auto&) {
                                called = true;
                                return std::string("?");
                              }),
               StoreError);
  EXPECT_FALSE(called);
  EXPECT_EQ(cache_.get("n"), "by the slot");
}

}  // namespace
}  // namespace tarmac::core_tests
