// get_many_or_load() and load_async(): bulk loaders, and loaders in other threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "loading_rig.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Optional;

using Keys = std::vector<std::string>;
using Found = std::map<std::string, std::string>;

class LoadingMany : public ::testing::Test {
 protected:
  /// Gives each key itself with a mark, and remembers what it was asked for.
  Found load(const Keys& keys) {
    asked_.push_back(keys);
    Found found;
    for (const auto& key : keys) found[key] = key + "!";
    return found;
  }
  auto loader() {
    return [this](const Keys& keys) { return load(keys); };
  }

  std::vector<Keys> asked_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  StringCache cache_{quiet_options(clock_)};
};

TEST_F(LoadingMany, LoadsAllThatMissInOneCall) {
  cache_.set("b", "there");
  const auto values = cache_.get_many_or_load(Keys{"a", "b", "c"}, loader());
  EXPECT_THAT(values, ElementsAre(Optional(std::string("a!")), Optional(std::string("there")),
                                  Optional(std::string("c!"))));
  EXPECT_THAT(asked_, ElementsAre(ElementsAre("a", "c")));
  EXPECT_EQ(cache_.get("a"), "a!");
  EXPECT_EQ(cache_.stats().loads, 1U);
  static_cast<void>(cache_.get_many_or_load(Keys{"a", "b", "c"}, loader()));
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(LoadingMany, AsksOnceForAKeyThatIsThereTwice) {
  const auto values = cache_.get_many_or_load(Keys{"a", "a"}, loader());
  EXPECT_THAT(values, ElementsAre(Optional(std::string("a!")), Optional(std::string("a!"))));
  EXPECT_THAT(asked_, ElementsAre(ElementsAre("a")));
}

// Each look-up begins a load of its own, since a write has ended the one before.
TEST_F(LoadingMany, GivesAKeyThatIsThereTwiceItsValueTwiceThoughAWriteCameBetween) {
  const auto erases = cache_.events().connect(
      EventType::entry_get_miss, [this](const Event& event) { cache_.erase(event.key()); });
  const auto values = cache_.get_many_or_load(Keys{"a", "a"}, loader());
  EXPECT_THAT(values, ElementsAre(Optional(std::string("a!")), Optional(std::string("a!"))));
}

TEST_F(LoadingMany, CallsNoLoaderForNoKeys) {
  EXPECT_TRUE(cache_.get_many_or_load(Keys{}, loader()).empty());
  EXPECT_TRUE(asked_.empty());
}

TEST_F(LoadingMany, HasNoValueForWhatTheLoaderLeavesOutAndIgnoresWhatItAdds) {  // trap A12
  const auto values = cache_.get_many_or_load(Keys{"a", "b"}, [](const Keys&) {
    return Found{{"b", "v"}, {"extra", "unasked"}};
  });
  EXPECT_THAT(values, ElementsAre(std::nullopt, Optional(std::string("v"))));
  EXPECT_FALSE(cache_.contains("a"));
  EXPECT_FALSE(cache_.contains("extra"));
}

TEST_F(LoadingMany, RemembersWhatTheLoaderLeavesOutIfAsked) {  // trap A12
  const auto nothing = [this](const Keys& keys) {
    asked_.push_back(keys);
    return Found{};
  };
  const LoadOptions options{.negative_ttl = 5s};
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(cache_.get_many_or_load(Keys{"a"}, nothing, options), ElementsAre(std::nullopt));
  }
  EXPECT_EQ(asked_.size(), 1U);
  clock_->advance(5s);
  static_cast<void>(cache_.get_many_or_load(Keys{"a"}, nothing, options));
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(LoadingMany, LetsTheLoaderSayHowEachIsKept) {
  static_cast<void>(cache_.get_many_or_load(Keys{"a"}, [](const Keys&) {
    return std::vector<std::pair<std::string, Loaded<std::string>>>{{"a", {"v", {.ttl = 7s}}}};
  }));
  EXPECT_EQ(cache_.inspect("a")->remaining_ttl, 7s);
}

TEST_F(LoadingMany, DoesNotEmptyAMapThatTheLoaderKeeps) {
  Found kept{{"a", "v"}};
  const auto refers = [&kept](const Keys&) -> Found& { return kept; };
  static_cast<void>(cache_.get_many_or_load(Keys{"a"}, refers));
  EXPECT_EQ(kept["a"], "v");
}

TEST_F(LoadingMany, KeepsNothingThatWasWrittenMeanwhile) {  // traps A1 to A3
  const auto values = cache_.get_many_or_load(Keys{"a", "b", "c"}, [this](const Keys& keys) {
    cache_.erase("a");
    cache_.set("b", "set");
    return load(keys);
  });
  EXPECT_THAT(values, ElementsAre(Optional(std::string("a!")), Optional(std::string("b!")),
                                  Optional(std::string("c!"))));
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.get("b"), "set");
  EXPECT_EQ(cache_.get("c"), "c!");
  static_cast<void>(cache_.get_many_or_load(Keys{"x"}, [this](const Keys& keys) {
    cache_.clear();
    return load(keys);
  }));
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(LoadingMany, LeavesNothingUnderWayWhenTheLoaderThrows) {  // trap A5
  const auto fails = [](const Keys&) -> Found { throw std::runtime_error("no network"); };
  EXPECT_THROW(static_cast<void>(cache_.get_many_or_load(Keys{"a", "b"}, fails)),
               std::runtime_error);
  EXPECT_EQ(cache_.stats().load_failures, 1U);
  EXPECT_EQ(cache_.get_or_load("a", [] { return "v"; }), "v");
  EXPECT_EQ(cache_.get_or_load("b", [] { return "v"; }), "v");
}

TEST_F(LoadingMany, JoinsTheLoadsOfOthersAndAreJoined) {
  HeldLoad other(cache_, "b", "of the other");
  std::latch began(1);
  auto many = std::async(std::launch::async, [&] {
    return cache_.get_many_or_load(Keys{"a", "b"}, [&](const Keys& keys) {
      began.count_down();
      return load(keys);
    });
  });
  began.wait();
  EXPECT_EQ(other.finish(), "of the other");
  EXPECT_THAT(many.get(),
              ElementsAre(Optional(std::string("a!")), Optional(std::string("of the other"))));
  EXPECT_THAT(asked_, ElementsAre(ElementsAre("a")));
  EXPECT_EQ(cache_.stats().coalesced_loads, 1U);
}

TEST_F(LoadingMany, ReturnsWhatTheWritePolicyStillOwes) {  // trap I3
  cache_.set_write_policy(write_back(make_memory_store(), {.loss_window_max = 1h}));
  cache_.set("a", "new");
  cache_.clear();
  EXPECT_THAT(cache_.get_many_or_load(Keys{"a"}, loader()),
              ElementsAre(Optional(std::string("new"))));
  EXPECT_TRUE(asked_.empty());
  ASSERT_TRUE(cache_.flush().complete());
}

// A loader that erases its key finds no load to wait for: without a mark it would load for ever.
TEST_F(LoadingMany, RefusesALoaderThatErasesItsKeyAndLoadsItAgain) {  // trap A7
  std::function<std::string()> endless = [&] {
    cache_.erase("k");
    return cache_.get_or_load("k", endless);
  };
  EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", endless)), UsageError);
  const auto by_many = [&](const Keys& keys) {
    cache_.erase("k");
    static_cast<void>(cache_.get_or_load("k", [] { return "v"; }));
    return load(keys);
  };
  EXPECT_THROW(static_cast<void>(cache_.get_many_or_load(Keys{"j", "k"}, by_many)), UsageError);
  EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v");
}

/// Keeps its tasks until they are run or dropped.
class Later {
 public:
  Executor executor() {
    return [this](std::function<void()> task) { tasks_.push_back(std::move(task)); };
  }
  void run_all() {
    while (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  void drop_all() { tasks_.clear(); }
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }

 private:
  std::deque<std::function<void()>> tasks_;
};

class LoadingAsync : public LoadingMany {
 protected:
  Later later_;
};

template <class T>
bool is_ready(const std::future<T>& future) {
  return future.wait_for(0s) == std::future_status::ready;
}

TEST_F(LoadingAsync, LoadsWhereTheExecutorSays) {
  auto future = cache_.load_async(
      "k", [] { return "v"; }, later_.executor());
  EXPECT_FALSE(is_ready(future));
  later_.run_all();
  EXPECT_EQ(future.get(), "v");
  auto hit = cache_.load_async(
      "k", [] { return "unwanted"; }, later_.executor());
  EXPECT_EQ(later_.size(), 0U);
  EXPECT_EQ(hit.get(), "v");
}

TEST_F(LoadingAsync, TakesALoaderThatCanOnlyBeMovedAndOnlyIfItIsNeeded) {
  std::vector<std::unique_ptr<std::string>> source;
  source.push_back(std::make_unique<std::string>("v"));
  auto loader = [source = std::move(source)] { return *source.at(0); };
  cache_.set("k", "there");
  EXPECT_EQ(cache_.load_async("k", std::move(loader), later_.executor()).get(), "there");
  EXPECT_THROW(static_cast<void>(cache_.load_async("l", std::move(loader), nullptr)), UsageError);
  auto future = cache_.load_async("l", std::move(loader), later_.executor());
  later_.run_all();
  EXPECT_EQ(future.get(), "v");
}

TEST_F(LoadingAsync, CallsOneLoaderHoweverManyAsk) {
  int called = 0;
  const auto counts = [&called] {
    ++called;
    return std::string("v");
  };
  std::vector<std::future<std::string>> futures;
  for (int i = 0; i < 16; ++i) {
    futures.push_back(cache_.load_async("k", counts, later_.executor()));
  }
  later_.run_all();
  for (auto& future : futures) EXPECT_EQ(future.get(), "v");
  EXPECT_EQ(called, 1);
}

TEST_F(LoadingAsync, JoinsALoadWithoutBlockingAThread) {
  HeldLoad other(cache_, "k", "of the other");
  auto future = cache_.load_async(
      "k", [] { return "mine"; }, later_.executor());
  EXPECT_EQ(later_.size(), 0U);
  EXPECT_FALSE(is_ready(future));
  EXPECT_EQ(other.finish(), "of the other");
  EXPECT_EQ(future.get(), "of the other");
}

TEST_F(LoadingAsync, LoadsItselfWhereTheOtherFoundNothing) {
  std::latch began(1);
  std::latch go_on(1);
  auto other = std::async(std::launch::async, [&] {
    return cache_.get_or_load("k", [&]() -> std::optional<std::string> {
      began.count_down();
      go_on.wait();
      return std::nullopt;
    });
  });
  began.wait();
  auto future = cache_.load_async(
      "k", [] { return "mine"; }, later_.executor());
  go_on.count_down();
  EXPECT_EQ(other.get(), std::nullopt);
  later_.run_all();
  EXPECT_EQ(future.get(), "mine");
}

TEST_F(LoadingAsync, GivesNothingAndErrorsToItsFuture) {
  const auto nothing = []() -> std::optional<std::string> { return std::nullopt; };
  auto none = cache_.load_async("k", nothing, later_.executor());
  const auto fails = []() -> std::string { throw std::runtime_error("no network"); };
  auto failed = cache_.load_async("l", fails, later_.executor());
  later_.run_all();
  EXPECT_EQ(none.get(), std::nullopt);
  EXPECT_THROW(static_cast<void>(failed.get()), std::runtime_error);
}

TEST_F(LoadingAsync, HarmsNobodyElseByAnExecutorThatThrowsOrDrops) {
  auto waits = cache_.load_async(
      "k", [] { return "v"; }, later_.executor());
  const Executor refuses = [](const std::function<void()>&) { throw std::runtime_error("full"); };
  auto refused = cache_.load_async(
      "k", [] { return "w"; }, refuses);
  EXPECT_THROW(static_cast<void>(refused.get()), std::runtime_error);
  later_.run_all();
  EXPECT_EQ(waits.get(), "v");
  auto dropped = cache_.load_async(
      "l", [] { return "w"; }, later_.executor());
  later_.drop_all();
  EXPECT_THROW(static_cast<void>(dropped.get()), UsageError);
  EXPECT_EQ(cache_.get_or_load("l", [] { return "v"; }), "v");
  EXPECT_THROW(static_cast<void>(cache_.load_async(
                   "l", [] { return "w"; }, nullptr)),
               UsageError);
}

TEST_F(LoadingAsync, KeepsNothingThatWasWrittenMeanwhile) {  // trap A2
  auto future = cache_.load_async(
      "k",
      [this] {
        cache_.set("k", "set");
        return std::string("loaded");
      },
      later_.executor());
  later_.run_all();
  EXPECT_EQ(future.get(), "loaded");
  EXPECT_EQ(cache_.get("k"), "set");
}

TEST_F(LoadingAsync, MayRunInAnyNumberOfThreads) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  const Executor spawns = [&](std::function<void()> task) {
    const std::lock_guard lock(mutex);
    threads.emplace_back(std::move(task));
  };
  std::atomic<int> called{0};
  std::vector<std::future<std::string>> futures;
  for (int i = 0; i < 64; ++i) {
    const auto key = std::to_string(i % 8);
    futures.push_back(cache_.load_async(
        key,
        [&called, key] {
          ++called;
          return key;
        },
        spawns));
  }
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), std::to_string(i % 8));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(called, 8);
}

}  // namespace
}  // namespace tarmac::core_tests
