// LoadOptions: what is remembered of loads, what is refreshed, what stands in, how long one waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/catalog.h>

#include <cmath>
#include <deque>
#include <stdexcept>
#include <vector>

#include "loading_rig.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;

class LoadingOptions : public ::testing::Test {
 protected:
  auto finds(const std::string& value) {
    return [this, value] {
      ++called_;
      return value;
    };
  }
  auto finds_nothing() {
    return [this]() -> std::optional<std::string> {
      ++called_;
      return std::nullopt;
    };
  }
  auto fails() {
    return [this]() -> std::string {
      ++called_;
      throw std::runtime_error("no network");
    };
  }
  auto brief(const std::string& value, std::chrono::nanoseconds ttl) {
    return [this, value, ttl] {
      ++called_;
      return Loaded<std::string>{value, {.ttl = ttl}};
    };
  }
  /// Keeps tasks in tasks_.
  Executor later() {
    return [this](std::function<void()> task) { tasks_.push_back(std::move(task)); };
  }
  void run_tasks() {
    while (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

  int called_ = 0;
  std::deque<std::function<void()>> tasks_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  StringCache cache_{quiet_options(clock_)};
};

// What was found not to be there.

TEST_F(LoadingOptions, RemembersForAWhileThatThereIsNothing) {
  const LoadOptions options{.negative_ttl = 10s};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache_.get_or_load("k", finds_nothing(), options), std::nullopt);
  }
  EXPECT_EQ(called_, 1);
  EXPECT_EQ(cache_.stats().load_negative_hits, 2U);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_EQ(cache_.size(), 0U);
  clock_->advance(10s);
  EXPECT_EQ(cache_.get_or_load("k", finds_nothing(), options), std::nullopt);
  EXPECT_EQ(called_, 2);
}

TEST_F(LoadingOptions, LetsALoaderThatAlwaysFindsLoadPastARememberedNothing) {
  const LoadOptions options{.negative_ttl = 10s};
  cache_.get_or_load("k", finds_nothing(), options);
  EXPECT_EQ(cache_.get_or_load("k", finds("v"), options), "v");
}

// trap A10: a nothing is no entry, and its time is not that of what comes after it.
TEST_F(LoadingOptions, ForgetsANothingWhenTheKeyIsWritten) {
  const LoadOptions options{.negative_ttl = 10s};
  const auto optional_v = []() { return std::optional<std::string>("v"); };
  cache_.get_or_load("k", finds_nothing(), options);
  cache_.set("k", "set", {.ttl = 60s});
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, 60s);
  EXPECT_EQ(cache_.get_or_load("k", finds_nothing(), options), "set");
  cache_.erase("k");
  EXPECT_EQ(cache_.get_or_load("k", optional_v, options), "v");
  cache_.get_or_load("l", finds_nothing(), options);
  cache_.erase("l");  // Of a key that is not there: the source may have it now all the same.
  EXPECT_EQ(cache_.get_or_load("l", optional_v, options), "v");
  cache_.get_or_load("m", finds_nothing(), options);
  cache_.clear();
  EXPECT_EQ(cache_.get_or_load("m", optional_v, options), "v");
}

TEST_F(LoadingOptions, RemembersNoNothingThatAWriteOvertook) {  // traps A1, A10
  const LoadOptions options{.negative_ttl = 10s};
  const auto overtaken = [&]() -> std::optional<std::string> {
    cache_.set("k", "set");
    cache_.erase("k");
    return std::nullopt;
  };
  EXPECT_EQ(cache_.get_or_load("k", overtaken, options), std::nullopt);
  EXPECT_EQ(cache_.get_or_load("k", finds_nothing(), options), std::nullopt);
  EXPECT_EQ(called_, 1);
}

TEST_F(LoadingOptions, BoundsHowMuchIsRemembered) {
  cache_.resize({.max_entries = 10});
  const LoadOptions options{.negative_ttl = 1h};
  for (int i = 0; i < 1'000; ++i) {
    cache_.get_or_load(std::to_string(i), finds_nothing(), options);
  }
  called_ = 0;
  for (int i = 0; i < 1'000; ++i) {
    cache_.get_or_load(std::to_string(999 - i), finds_nothing(), options);
  }
  EXPECT_GE(called_, 1'000 - 11);
  EXPECT_LE(called_, 1'000 - 10);
}

// What failed.

TEST_F(LoadingOptions, RemembersAnErrorForAWhileIfAsked) {  // trap A5
  const LoadOptions options{.error_ttl = 1s};
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", fails(), options)), std::runtime_error);
  }
  EXPECT_EQ(called_, 1);
  EXPECT_EQ(cache_.stats().load_error_hits, 2U);
  EXPECT_EQ(cache_.stats().load_failures, 1U);
  clock_->advance(1s);
  EXPECT_EQ(cache_.get_or_load("k", finds("v"), options), "v");
}

TEST_F(LoadingOptions, ForgetsAnErrorWhenTheKeyIsWritten) {
  const LoadOptions options{.error_ttl = 1h};
  EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", fails(), options)), std::runtime_error);
  cache_.erase("k");
  EXPECT_EQ(cache_.get_or_load("k", finds("v"), options), "v");
}

// Expired values that stand in.

TEST_F(LoadingOptions, ServesTheExpiredValueForAWhileIfTheLoaderFails) {  // trap B11
  const LoadOptions options{.stale_if_error = 30s};
  EXPECT_EQ(cache_.get_or_load("k", brief("old", 10s), options), "old");
  clock_->advance(10s);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.get_or_load("k", fails(), options), "old");
  EXPECT_EQ(cache_.get("k"), std::nullopt);  // It did not come back.
  clock_->advance(30s - 1ns);
  EXPECT_EQ(cache_.get_or_load("k", fails(), options), "old");
  EXPECT_EQ(cache_.stats().load_stale_served, 2U);
  clock_->advance(1ns);
  EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", fails(), options)), std::runtime_error);
}

TEST_F(LoadingOptions, ServesASetValueAfterItsExpiryToo) {
  const LoadOptions options{.stale_if_error = 30s};
  cache_.get_or_load("other", finds("v"), options);  // Says for how long to keep.
  cache_.set("k", "set", {.ttl = 1s});
  clock_->advance(2s);
  cache_.purge_expired();
  EXPECT_EQ(cache_.get_or_load("k", fails(), options), "set");
}

TEST_F(LoadingOptions, ServesNoValueThatWasErasedReplacedOrCleared) {
  const LoadOptions options{.stale_if_error = 30s};
  const auto expired = [&] {
    cache_.erase("k");
    cache_.get_or_load("k", brief("old", 1s), options);
    clock_->advance(1s);
  };
  const auto refuses = [&] {
    EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", fails(), options)), std::runtime_error);
  };
  expired();
  cache_.erase("k");
  refuses();
  expired();
  cache_.clear();
  refuses();
  expired();
  cache_.restore_snapshot(cache_.take_snapshot());
  refuses();
  cache_.set("k", "living", {.ttl = 1h});
  cache_.set("k", "expired at once", {.ttl = 0s});
  refuses();
}

TEST_F(LoadingOptions, ServesTheExpiredValueWhileItsErrorIsRemembered) {
  const LoadOptions options{.error_ttl = 5s, .stale_if_error = 30s};
  cache_.get_or_load("k", brief("old", 1s), options);
  clock_->advance(1s);
  called_ = 0;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cache_.get_or_load("k", fails(), options), "old");
  EXPECT_EQ(called_, 1);
}

TEST_F(LoadingOptions, BoundsTheWeightOfWhatIsKeptExpired) {
  cache_.resize({.max_bytes = 100});
  const LoadOptions options{.stale_if_error = 1h};
  for (const char* key : {"a", "b", "c"}) {
    cache_.get_or_load(key, brief(std::string(49, 'x'), 1s), options);
    clock_->advance(1s);
    cache_.purge_expired();
  }
  EXPECT_THROW(static_cast<void>(cache_.get_or_load("a", fails(), options)), std::runtime_error);
  EXPECT_EQ(cache_.get_or_load("c", fails(), options), std::string(49, 'x'));
}

TEST_F(LoadingOptions, LetsGoOfExpiredValuesWhenTheirTimeIsOver) {
  struct Counted {
    std::shared_ptr<int> alive;
  };
  CacheManager<int, Counted> cache(quiet_options(clock_),
                                   [](const int&, const Counted&) { return std::uint64_t{1}; });
  const LoadOptions options{.stale_if_error = 30s};
  const auto alive = std::make_shared<int>(0);
  static_cast<void>(cache.get_or_load(
      1,
      [&] {
        return Loaded<Counted>{Counted{alive}, {.ttl = 1s}};
      },
      options));
  clock_->advance(1s);
  cache.purge_expired();
  EXPECT_EQ(alive.use_count(), 2);
  clock_->advance(30s);
  cache.purge_expired();
  EXPECT_EQ(alive.use_count(), 1);
}

// Refreshing.

TEST_F(LoadingOptions, RefreshesInTheFirstCallerWithoutAnExecutor) {
  const LoadOptions options{.refresh_after = 10s};
  cache_.get_or_load("k", finds("old"), options);
  clock_->advance(10s - 1ns);
  EXPECT_EQ(cache_.get_or_load("k", finds("new"), options), "old");
  clock_->advance(1ns);
  std::string of_another;
  const auto refreshing = [&] {
    of_another = cache_.get_or_load("k", fails(), options);  // Does not wait, does not load.
    return std::string("new");
  };
  EXPECT_EQ(cache_.get_or_load("k", refreshing, options), "new");
  EXPECT_EQ(of_another, "old");
  EXPECT_EQ(cache_.get("k"), "new");
  EXPECT_EQ(cache_.stats().load_refreshes, 1U);
  EXPECT_EQ(cache_.get_or_load("k", fails(), options), "new");  // Young again.
}

TEST_F(LoadingOptions, RefreshesBehindOnTheExecutorOnce) {
  const LoadOptions options{.refresh_after = 10s, .executor = later()};
  cache_.get_or_load("k", finds("old"), options);
  clock_->advance(10s);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache_.get_or_load("k", finds("new"), options), "old");
  }
  EXPECT_EQ(tasks_.size(), 1U);
  run_tasks();
  EXPECT_EQ(cache_.get("k"), "new");
  EXPECT_EQ(called_, 2);
}

TEST_F(LoadingOptions, KeepsTheOldValueWhenARefreshFails) {  // trap A11
  const LoadOptions options{.error_ttl = 1s, .refresh_after = 10s};
  cache_.get_or_load("k", finds("old"), options);
  clock_->advance(10s);
  EXPECT_EQ(cache_.get_or_load("k", fails(), options), "old");
  EXPECT_EQ(cache_.get("k"), "old");
  EXPECT_EQ(cache_.get_or_load("k", fails(), options), "old");
  EXPECT_EQ(called_, 2);  // Not tried again before error_ttl is over.
  clock_->advance(1s);
  EXPECT_EQ(cache_.get_or_load("k", finds("new"), options), "new");
}

TEST_F(LoadingOptions, LetsNoLateRefreshReplaceWhatWasWrittenMeanwhile) {  // trap A11
  const LoadOptions options{.refresh_after = 10s, .executor = later()};
  struct Write {
    std::function<void()> happen;
    std::optional<std::string> left;
  };
  const std::vector<Write> writes{
      {[&] { cache_.set("k", "set"); }, "set"},
      {[&] { cache_.set("k", "old"); }, "old"},  // The same value, another write.
      {[&] { cache_.erase("k"); }, std::nullopt},
      {[&] { cache_.clear(); }, std::nullopt},
  };
  for (const auto& write : writes) {
    for (const bool begun : {false, true}) {
      cache_.erase("k");
      cache_.get_or_load("k", finds("old"), options);
      clock_->advance(10s);
      cache_.get_or_load(
          "k",
          [&write, begun] {
            if (begun) write.happen();
            return std::string("late");
          },
          options);
      if (!begun) write.happen();
      run_tasks();
      EXPECT_EQ(cache_.get("k"), write.left);
    }
  }
}

TEST_F(LoadingOptions, RemovesWhatARefreshNoLongerFinds) {
  const LoadOptions options{.negative_ttl = 10s, .refresh_after = 10s};
  const auto finds_v = [] { return std::optional<std::string>("v"); };
  cache_.get_or_load("k", finds_v, options);
  clock_->advance(10s);
  cache_.get_or_load("k", finds_nothing(), options);
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.get_or_load("k", finds_nothing(), options), std::nullopt);
  EXPECT_EQ(called_, 1);
}

TEST_F(LoadingOptions, RefreshesAgainAfterAnExecutorThatThrewOrDropped) {
  LoadOptions options{.refresh_after = 10s, .executor = later()};
  auto refusing = options;
  refusing.executor = [](const std::function<void()>&) { throw std::runtime_error("full"); };
  cache_.get_or_load("k", finds("old"), options);
  clock_->advance(10s);
  EXPECT_EQ(cache_.get_or_load("k", finds("new"), refusing), "old");
  EXPECT_EQ(cache_.stats().load_failures, 1U);
  EXPECT_EQ(cache_.get_or_load("k", finds("new"), options), "old");
  ASSERT_EQ(tasks_.size(), 1U);
  tasks_.clear();
  EXPECT_EQ(cache_.get_or_load("k", finds("new"), options), "old");
  run_tasks();
  EXPECT_EQ(cache_.get("k"), "new");
}

// Goal: XFetch refreshes at exponentially distributed gaps before the deadline, whose mean is what
// the load took times early_refresh. Method: hits from far to near; where the refresh came, on
// average over many keys, and that the same seed gives the same.
TEST_F(LoadingOptions, RefreshesEarlyByChanceTheLikelierTheLongerTheLoadTook) {
  const LoadOptions options{.early_refresh = 1};
  const auto mean_gap = [&](std::chrono::nanoseconds cost) {
    StringCache cache(quiet_options(clock_));
    const auto load = [&] {
      clock_->advance(cost);
      return Loaded<std::string>{"v", {.ttl = 100s}};
    };
    double total = 0;
    constexpr int kKeys = 400;
    for (int i = 0; i < kKeys; ++i) {
      const auto key = std::to_string(i);
      static_cast<void>(cache.get_or_load(key, load, options));
      const auto refreshes = cache.stats().load_refreshes;
      for (;;) {
        const auto remaining = *cache.inspect(key)->remaining_ttl;
        static_cast<void>(cache.get_or_load(key, load, options));
        if (cache.stats().load_refreshes != refreshes) {
          total += std::chrono::duration<double>(remaining).count();
          break;
        }
        clock_->advance(cost);  // One look for each mean: the sum of the chances stays near 1.
        if (!cache.contains(key)) break;
      }
    }
    return total / kKeys;
  };
  const auto of_one = mean_gap(1s);
  const auto of_four = mean_gap(4s);
  EXPECT_GT(of_one, 0.5);
  EXPECT_LT(of_one, 2.5);
  EXPECT_GT(of_four, 2.5 * of_one);
  EXPECT_DOUBLE_EQ(mean_gap(1s), of_one);
}

// Waiting.

TEST_F(LoadingOptions, EndsAWaitAtTheHardTimeoutAndLetsTheLoadGoOn) {  // trap A9
  const LoadOptions options{.hard_timeout = 2s};
  HeldLoad load(cache_, "k", "v");
  auto waits = std::async(std::launch::async,
                          [&] { return cache_.get_or_load("k", finds("mine"), options); });
  auto waits_on =
      std::async(std::launch::async, [&] { return cache_.get_or_load("k", finds("mine")); });
  clock_->await_waiters(1);
  clock_->advance(2s);
  EXPECT_THROW(static_cast<void>(waits.get()), LoadTimeout);
  EXPECT_EQ(cache_.stats().load_timeouts, 1U);
  await_coalesced(cache_, 2);
  EXPECT_EQ(load.finish(), "v");
  EXPECT_EQ(waits_on.get(), "v");
  EXPECT_EQ(cache_.get("k"), "v");
  EXPECT_EQ(called_, 0);
}

// Goal: a leader's time-out kills no follower. Method: the loader runs on an executor; the call
// that began it gives up, and another one waits on.
TEST_F(LoadingOptions, LetsALeaderGiveUpAndItsFollowersGetTheValue) {  // trap A9
  std::thread runs;
  const LoadOptions options{.hard_timeout = 2s, .executor = [&](std::function<void()> task) {
                              runs = std::thread(std::move(task));
                            }};
  std::latch began(1);
  std::latch go_on(1);
  auto leads = std::async(std::launch::async, [&] {
    return cache_.get_or_load(
        "k",
        [&] {
          began.count_down();
          go_on.wait();
          return std::string("v");
        },
        options);
  });
  began.wait();
  auto follows =
      std::async(std::launch::async, [&] { return cache_.get_or_load("k", finds("mine")); });
  await_coalesced(cache_, 1);
  clock_->await_waiters(1);
  clock_->advance(2s);
  EXPECT_THROW(static_cast<void>(leads.get()), LoadTimeout);
  go_on.count_down();
  EXPECT_EQ(follows.get(), "v");
  runs.join();
  EXPECT_EQ(cache_.get("k"), "v");
  EXPECT_EQ(called_, 0);
}

TEST_F(LoadingOptions, ServesTheExpiredValueAfterTheSoftTimeout) {
  const LoadOptions options{.stale_if_error = 1h, .soft_timeout = 1s, .hard_timeout = 5s};
  cache_.get_or_load("k", brief("old", 1s), options);
  clock_->advance(1s);
  cache_.purge_expired();
  HeldLoad load(cache_, "k", "new");
  auto waits = std::async(std::launch::async,
                          [&] { return cache_.get_or_load("k", finds("mine"), options); });
  clock_->await_waiters(1);
  clock_->advance(1s);
  EXPECT_EQ(waits.get(), "old");
  EXPECT_EQ(load.finish(), "new");
  EXPECT_EQ(cache_.get("k"), "new");
}

TEST_F(LoadingOptions, WaitsForTheHardTimeoutWhereNothingCanStandIn) {
  const LoadOptions options{.stale_if_error = 1h, .soft_timeout = 1s, .hard_timeout = 5s};
  HeldLoad load(cache_, "k", "v");
  auto waits = std::async(std::launch::async,
                          [&] { return cache_.get_or_load("k", finds("mine"), options); });
  clock_->await_waiters(1);
  clock_->advance(1s);
  clock_->await_waiters(1);
  EXPECT_EQ(load.finish(), "v");
  EXPECT_EQ(waits.get(), "v");
}

TEST_F(LoadingOptions, TakesItsDefaultsFromTheCache) {
  auto options = quiet_options(clock_);
  options.loading.negative_ttl = 10s;
  StringCache cache(options);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(cache.get_or_load("k", finds_nothing()), std::nullopt);
  EXPECT_EQ(called_, 1);
  EXPECT_EQ(cache.get_or_load("k", finds_nothing(), {}), std::nullopt);  // Still honoured.
  EXPECT_EQ(called_, 1);
}

TEST_F(LoadingOptions, RefusesWhatCannotWork) {
  const auto refuses = [&](const LoadOptions& loading) {
    auto options = quiet_options(clock_);
    options.loading = loading;
    EXPECT_THROW(options.validate(), ConfigError);
  };
  refuses({.negative_ttl = 0s});
  refuses({.error_ttl = -1s});
  refuses({.refresh_after = 0s});
  refuses({.early_refresh = -0.5});
  refuses({.early_refresh = std::nan("")});
  refuses({.stale_if_error = 0s});
  refuses({.soft_timeout = 1s});
  refuses({.stale_if_error = 1h, .soft_timeout = 2s, .hard_timeout = 1s});
  refuses({.hard_timeout = 0s});
}

}  // namespace
}  // namespace tarmac::core_tests
