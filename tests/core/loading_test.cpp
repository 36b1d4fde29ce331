// get_or_load(): what it returns, what it keeps, and what came between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <chrono>
#include <stdexcept>

#include "loading_rig.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;

class Loading : public ::testing::Test {
 protected:
  /// A loader that must not be called.
  static std::string unwanted() {
    ADD_FAILURE() << "the loader was called";
    return "unwanted";
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  StringCache cache_{quiet_options(clock_)};
};

TEST_F(Loading, LoadsOnceAndKeepsWhatItLoaded) {
  EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v");
  EXPECT_EQ(cache_.get_or_load("k", unwanted), "v");
  EXPECT_EQ(cache_.get("k"), "v");
}

TEST_F(Loading, CountsLoadsWithTheirTime) {
  const auto slow = [&] {
    clock_->advance(20ms);
    return "v";
  };
  static_cast<void>(cache_.get_or_load("k", slow));
  static_cast<void>(cache_.get_or_load("k", unwanted));
  const auto stats = cache_.stats();
  EXPECT_EQ(stats.loads, 1U);
  EXPECT_EQ(stats.load_failures, 0U);
  EXPECT_EQ(stats.coalesced_loads, 0U);
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_EQ(stats.sets, 0U);
  EXPECT_EQ(stats.load_durations.count(), 1U);
  EXPECT_DOUBLE_EQ(stats.load_durations.sum_seconds, 0.02);
}

TEST_F(Loading, LetsTheLoaderSayTtlAndWeight) {
  const auto loader = [] { return Loaded<std::string>{"v", {.ttl = 5s, .weight = 77}}; };
  EXPECT_EQ(cache_.get_or_load("k", loader), "v");
  const auto info = cache_.inspect("k");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->remaining_ttl, 5s);
  EXPECT_EQ(info->weight, 77U);
  clock_->advance(5s);
  EXPECT_EQ(cache_.get_or_load("k", [] { return "later"; }), "later");
}

TEST_F(Loading, ReturnsNothingAndKeepsNothingWhenThereIsNothing) {
  const auto nothing = []() -> std::optional<std::string> { return std::nullopt; };
  EXPECT_EQ(cache_.get_or_load("k", nothing), std::nullopt);
  EXPECT_FALSE(cache_.contains("k"));
  const auto found = [] { return std::optional<std::string>("v"); };
  EXPECT_EQ(cache_.get_or_load("k", found), std::optional<std::string>("v"));
  const auto options = [] { return std::optional(Loaded<std::string>{"w", {.weight = 9}}); };
  EXPECT_EQ(cache_.get_or_load("l", options), std::optional<std::string>("w"));
  EXPECT_EQ(cache_.inspect("l")->weight, 9U);
}

TEST_F(Loading, DoesNotLetANothingTouchWhatIsSetAfterIt) {  // trap A10
  cache_.get_or_load("k", []() -> std::optional<std::string> { return std::nullopt; });
  cache_.set("k", "v", {.ttl = 9s});
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, 9s);
  EXPECT_EQ(cache_.get_or_load("k", unwanted), "v");
}

TEST_F(Loading, PassesExceptionsOnAndTriesAgain) {  // trap A5
  const auto fails = []() -> std::string { throw std::runtime_error("no network"); };
  EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", fails)), std::runtime_error);
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.stats().load_failures, 1U);
  EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v");
}

TEST_F(Loading, ReturnsWhatIsTooLargeToBeKept) {
  cache_.resize({.max_bytes = 10});
  std::string large(100, 'x');
  EXPECT_EQ(cache_.get_or_load("k", [&] { return large; }), large);
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.stats().rejected, 1U);
}

TEST_F(Loading, RefusesALoaderThatLoadsItsOwnKey) {  // trap A7
  const auto loader = [&] { return cache_.get_or_load("k", unwanted); };
  EXPECT_THROW(static_cast<void>(cache_.get_or_load("k", loader)), UsageError);
  EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v");
  const auto other = [&] { return cache_.get_or_load("k", unwanted) + "+"; };
  EXPECT_EQ(cache_.get_or_load("l", other), "v+");
}

TEST_F(Loading, LetsTheLoaderWriteItsOwnKeyAndKeepsThat) {  // trap A2
  const auto loader = [&] {
    cache_.set("k", "set");
    return "loaded";
  };
  EXPECT_EQ(cache_.get_or_load("k", loader), "loaded");
  EXPECT_EQ(cache_.get("k"), "set");
}

TEST_F(Loading, TellsObserversThatTheEntryIsSet) {
  EventLog log(cache_);
  static_cast<void>(cache_.get_or_load("k", [] { return "v"; }));
  EXPECT_THAT(log.take_lines(), ::testing::ElementsAre("entry_get_miss k", "entry_set k"));
}

TEST_F(Loading, ShowsNoWritePolicyWhatItLoaded) {
  auto store = make_memory_store();
  cache_.set_write_policy(write_through(store));
  EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v");
  EXPECT_EQ(store->size(), 0U);
  EXPECT_FALSE(cache_.inspect("k")->dirty);
}

// trap I3: the store is behind the queue, so a loader that reads it would read the past.
TEST_F(Loading, ReturnsWhatTheWritePolicyStillOwes) {
  auto store = make_memory_store();
  cache_.set_write_policy(write_back(store, {.loss_window_max = 1h}));
  cache_.set("k", "new");
  cache_.clear();  // Out of memory, and not in the store yet.
  EXPECT_EQ(cache_.get_or_load("k", unwanted), "new");
  ASSERT_TRUE(cache_.flush().complete());
  EXPECT_EQ(cache_.get_or_load("k", [] { return "from the store"; }), "from the store");
  EXPECT_TRUE(cache_.contains("k"));
}

TEST_F(Loading, KeepsNothingWhileARemovalIsOwed) {  // trap I3
  auto store = make_memory_store();
  cache_.set_write_policy(write_back(store, {.loss_window_max = 1h}));
  cache_.set("k", "old");
  cache_.erase("k");
  EXPECT_EQ(cache_.get_or_load("k", [] { return "old"; }), "old");
  EXPECT_FALSE(cache_.contains("k"));
  ASSERT_TRUE(cache_.flush().complete());
}

// What may happen to a key while it is loaded, and what it leaves there.
struct Interruption {
  const char* name;
  void (*happen)(StringCache&);
  std::optional<std::string> left = std::nullopt;
};

class StaleLoad : public ::testing::TestWithParam<Interruption> {};

// Goal: what was loaded before a write never comes after it. Method: the load stands still in its
// loader while the write happens; then it ends.
TEST_P(StaleLoad, ReachesItsCallerAndNotTheCache) {  // traps A1 to A3
  StringCache cache(quiet_options(std::make_shared<ManualClock>()));
  HeldLoad load(cache, "k", "stale");
  GetParam().happen(cache);
  EXPECT_EQ(load.finish(), "stale");
  EXPECT_EQ(cache.get("k"), GetParam().left);
  EXPECT_EQ(cache.weight(), GetParam().left ? 1 + GetParam().left->size() : 0);
  EXPECT_EQ(cache.get_or_load("k", [] { return "fresh"; }), GetParam().left.value_or("fresh"));
}

INSTANTIATE_TEST_SUITE_P(
    Interrupted, StaleLoad,
    ::testing::Values(
        Interruption{"erase", [](StringCache& cache) { cache.erase("k"); }},
        Interruption{"set", [](StringCache& cache) { cache.set("k", "set"); }, "set"},
        Interruption{"set_and_erase",
                     [](StringCache& cache) {
                       cache.set("k", "set");
                       cache.erase("k");
                     }},
        Interruption{"set_and_evict",
                     [](StringCache& cache) {
                       cache.set("k", "set");
                       cache.resize({.max_entries = 1});
                       cache.set("l", "other");
                       cache.erase("l");
                     }},
        Interruption{"clear", [](StringCache& cache) { cache.clear(); }},
        Interruption{"erase_if",
                     [](StringCache& cache) {
                       cache.erase_if([](const auto&, const auto&) { return true; });
                     }},
        Interruption{"compute",
                     [](StringCache& cache) {
                       cache.compute("k", [](const auto&) { return std::string("computed"); });
                     },
                     "computed"},
        Interruption{"compute_to_nothing",
                     [](StringCache& cache) {
                       cache.compute("k",
                                     [](const auto&) -> std::optional<std::string> { return {}; });
                     }},
        Interruption{"restore_snapshot",
                     [](StringCache& cache) { cache.restore_snapshot(cache.take_snapshot()); }},
        Interruption{"command_and_undo",
                     [](StringCache& cache) {
                       cache.execute(SetCommand{"k", "set"});
                       ASSERT_EQ(cache.undo(), UndoOutcome::done);
                     }},
        Interruption{"write_through",
                     [](StringCache& cache) {
                       cache.set_write_policy(write_through(make_memory_store()));
                       cache.erase("k");
                     }}),
    [](const auto& tested) { return std::string(tested.param.name); });

// A control for the above: where nothing happens to the key, the load does land.
TEST_F(Loading, LandsWhereOnlyOtherKeysAreWritten) {
  HeldLoad load(cache_, "k", "loaded");
  cache_.set("other", "set");
  cache_.erase("another");
  EXPECT_EQ(load.finish(), "loaded");
  EXPECT_EQ(cache_.get("k"), "loaded");
}

// trap A4: the first load is told from the second by what it is, not by a mark that the second
// would find as well.
TEST_F(Loading, AnOldLoadThatEndsLastDoesNotReplaceTheNewOne) {
  HeldLoad old_load(cache_, "k", "old");
  cache_.erase("k");
  HeldLoad new_load(cache_, "k", "new");  // Does not join the old one.
  EXPECT_EQ(new_load.finish(), "new");
  EXPECT_EQ(old_load.finish(), "old");
  EXPECT_EQ(cache_.get("k"), "new");
}

TEST_F(Loading, AnOldLoadThatEndsFirstDoesNotEndTheNewOne) {  // trap A4
  HeldLoad old_load(cache_, "k", "old");
  cache_.erase("k");
  HeldLoad new_load(cache_, "k", "new");
  EXPECT_EQ(old_load.finish(), "old");
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(new_load.finish(), "new");
  EXPECT_EQ(cache_.get("k"), "new");
}

TEST_F(Loading, DoesNotLandInTheMiddleOfACompute) {
  cache_.compute("k", [&](const std::optional<std::string>& before) {
    EXPECT_EQ(before, std::nullopt);
    EXPECT_EQ(cache_.get_or_load("k", [] { return "loaded"; }), "loaded");
    EXPECT_FALSE(cache_.contains("k"));
    return std::string("computed");
  });
  EXPECT_EQ(cache_.get("k"), "computed");
}

// Goal: get_or_load() leaves no stale value where the usual way of writing it by hand does. Method:
// the source changes, and its writer erases the key, just after the loader has read it: the worst
// moment, for each of 2048 keys.
TEST_F(Loading, LeavesNoStaleValueWhereAGetAndASetDo) {
  constexpr int kKeys = 2048;
  std::vector<std::string> source(kKeys, "1");
  const auto count_stale = [&](const auto& load) {
    int stale = 0;
    for (std::size_t i = 0; i < kKeys; ++i) {
      source[i] = "1";
      const auto key = std::to_string(i);
      load(key, [&] {
        auto read = source[i];
        source[i] = "2";
        cache_.erase(key);
        return read;
      });
      const auto cached = cache_.get(key);
      if (cached && *cached != source[i]) ++stale;
      cache_.erase(key);
    }
    return stale;
  };
  EXPECT_EQ(count_stale([&](const std::string& key, const auto& loader) {
              if (!cache_.get(key)) cache_.set(key, loader());
            }),
            kKeys);
  EXPECT_EQ(count_stale([&](const std::string& key, const auto& loader) {
              static_cast<void>(cache_.get_or_load(key, loader));
            }),
            0);
}

}  // namespace
}  // namespace tarmac::core_tests
