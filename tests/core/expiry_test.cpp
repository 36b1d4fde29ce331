#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class ExpiryTest : public ::testing::Test {
 protected:
  CacheOptions options() { return quiet_options(clock_); }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

/// Every way of seeing an entry "k" in a cache that has nothing else.
struct Look {
  std::string name;
  std::function<bool(StringCache&)> sees;
};

bool snapshot_has_it(StringCache& cache) {
  const auto snapshot = cache.take_snapshot();
  return snapshot.size() == 1;
}

const std::vector<Look>& all_looks() {
  static const std::vector<Look> looks{
      {"get", [](StringCache& c) { return c.get("k").has_value(); }},
      {"visit", [](StringCache& c) { return c.visit("k", [](const auto&) {}); }},
      {"contains", [](StringCache& c) { return c.contains("k"); }},
      {"inspect", [](StringCache& c) { return c.inspect("k").has_value(); }},
      {"size", [](StringCache& c) { return c.size() == 1; }},
      {"weight", [](StringCache& c) { return c.weight() == 2; }},
      {"for_each",
       [](StringCache& c) {
         int seen = 0;
         c.for_each([&seen](const auto&, const auto&) { ++seen; });
         return seen == 1;
       }},
      {"erase_if",
       [](StringCache& c) {
         bool asked = false;
         c.erase_if([&asked](const auto&, const auto&) {
           asked = true;
           return false;
         });
         return asked;
       }},
      {"snapshot", snapshot_has_it},
      {"restore",
       [](StringCache& c) {
         c.restore_snapshot(c.take_snapshot());
         return c.contains("k");
       }},
      {"erase", [](StringCache& c) { return c.erase("k"); }},
      {"compute",
       [](StringCache& c) {
         bool had_value = false;
         c.compute("k", [&had_value](std::optional<std::string> value) {
           had_value = value.has_value();
           return std::optional<std::string>();
         });
         return had_value;
       }},
      {"delete_command", [](StringCache& c) { return c.execute(DeleteCommand{"k"}); }},
      {"stats_after_a_purge",
       [](StringCache& c) {
         c.purge_expired();
         return c.stats().current_items == 1 && c.stats().total_bytes == 2;
       }},
  };
  return looks;
}

class EveryLook : public ExpiryTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(EveryLook, SeesAnEntryUpToItsDeadlineAndNotFromThenOn) {  // trap B3, trap B4
  const auto& look = all_looks()[GetParam()];
  for (const std::int64_t offset : {-1, 0, 1}) {
    StringCache cache(options());
    cache.set("k", "v", {.ttl = seconds(5)});
    clock_->advance(seconds(5) + nanoseconds(offset));
    EXPECT_EQ(look.sees(cache), offset < 0) << look.name << " " << offset;
    clock_->advance(nanoseconds(1 - offset));  // Looking at it has lengthened nothing.
    EXPECT_FALSE(cache.contains("k")) << look.name << " " << offset;
  }
}

INSTANTIATE_TEST_SUITE_P(Expiry, EveryLook, ::testing::Range<std::size_t>(0, all_looks().size()),
                         [](const auto& row) { return all_looks()[row.param].name; });

TEST_F(ExpiryTest, UndoBringsNoExpiredValueBack) {  // trap B4, trap G2
  StringCache cache(options());
  cache.set("k", "old", {.ttl = seconds(5)});
  cache.execute(SetCommand{"k", "new"});
  clock_->advance(seconds(5));
  EXPECT_EQ(cache.undo(), UndoOutcome::done);
  EXPECT_EQ(cache.get("k"), std::nullopt);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.redo(), UndoOutcome::done);
  EXPECT_EQ(cache.get("k"), "new");
}

TEST_F(ExpiryTest, AJumpOfTheWallClockChangesNothing) {  // trap B1
  StringCache cache(options());
  cache.set("k", "v", {.ttl = seconds(10)});
  clock_->jump_wall(hours(24));
  EXPECT_TRUE(cache.contains("k"));
  clock_->jump_wall(-hours(48));
  EXPECT_EQ(cache.inspect("k")->remaining_ttl, seconds(10));
  clock_->advance(seconds(10));
  EXPECT_FALSE(cache.contains("k"));
}

TEST_F(ExpiryTest, TheTimerOfAReplacedValueDoesNotRemoveTheNewOne) {  // trap B6
  StringCache cache(options());
  cache.set("k", "1", {.ttl = seconds(1)});
  cache.set("k", "2", {.ttl = seconds(100)});
  cache.set("erased", "1", {.ttl = seconds(1)});
  cache.erase("erased");
  cache.set("erased", "2", {.ttl = seconds(100)});
  cache.set("for ever", "1", {.ttl = seconds(1)});
  cache.set("for ever", "2");
  clock_->advance(seconds(2));
  EXPECT_EQ(cache.purge_expired(), 0U);
  EXPECT_EQ(cache.size(), 3U);
  clock_->advance(seconds(100));
  EXPECT_EQ(cache.purge_expired(), 2U);
  EXPECT_EQ(cache.get("for ever"), "2");
}

TEST_F(ExpiryTest, TheDefaultTtlAppliesUnlessSetSaysOtherwise) {
  auto with_default = options();
  with_default.default_ttl = seconds(10);
  StringCache cache(with_default);
  cache.set("default", "v");
  cache.set("short", "v", {.ttl = seconds(1)});
  cache.set("long", "v", {.ttl = seconds(20)});
  EXPECT_EQ(cache.inspect("default")->remaining_ttl, seconds(10));
  clock_->advance(seconds(10));
  EXPECT_FALSE(cache.contains("default"));
  EXPECT_FALSE(cache.contains("short"));
  EXPECT_TRUE(cache.contains("long"));
}

TEST_F(ExpiryTest, ExtremeTtlsAreDefinedAndOverflowNothing) {  // trap B7
  auto jittery = options();
  for (const auto jitter : {nanoseconds(0), nanoseconds(seconds(10)), nanoseconds::max()}) {
    jittery.ttl_jitter = jitter;
    StringCache cache(jittery);
    cache.set("k", "old");
    for (const auto ttl : {nanoseconds(0), nanoseconds(-1), nanoseconds::min()}) {
      cache.set("k", "old");
      EXPECT_EQ(cache.set("k", "v", {.ttl = ttl}), SetOutcome::already_expired);
      EXPECT_FALSE(cache.contains("k")) << ttl.count() << ", jitter " << jitter.count();
      EXPECT_EQ(cache.weight(), 0U);
    }
    EXPECT_EQ(cache.set("k", "v", {.ttl = nanoseconds::max()}), SetOutcome::stored);
    clock_->advance(hours(24 * 365));
    EXPECT_TRUE(cache.contains("k"));
    cache.set("n", "v", {.ttl = nanoseconds(1)});
    EXPECT_TRUE(cache.contains("n"));
  }
}

TEST_F(ExpiryTest, JitterOnlyLengthensAndAtMostByItself) {  // trap B9
  const bool held = rc::check("ttl <= t <= ttl + jitter", [this] {
    auto jittery = options();
    jittery.ttl_jitter = nanoseconds(*rc::gen::inRange<std::int64_t>(0, 1'000'000));
    jittery.seed = *rc::gen::arbitrary<std::uint64_t>();
    const nanoseconds ttl(*rc::gen::inRange<std::int64_t>(1, 1'000'000));
    StringCache cache(jittery);
    for (int i = 0; i < 10; ++i) {
      cache.set(std::to_string(i), "v", {.ttl = ttl});
      const auto remaining = cache.inspect(std::to_string(i))->remaining_ttl;
      RC_ASSERT(remaining >= ttl);
      RC_ASSERT(remaining <= ttl + jittery.ttl_jitter);
    }
  });
  EXPECT_TRUE(held);
}

TEST_F(ExpiryTest, JitterSpreadsWhatWasSetTogether) {
  auto jittery = options();
  jittery.ttl_jitter = seconds(100);
  StringCache cache(jittery);
  for (int i = 0; i < 100; ++i) cache.set(std::to_string(i), "v", {.ttl = seconds(100)});
  clock_->advance(seconds(150));
  EXPECT_GT(cache.size(), 20U);
  EXPECT_LT(cache.size(), 80U);
}

TEST_F(ExpiryTest, AHitPutsTheIdleDeadlineOffButNeverBeyondTheTtl) {  // trap B3
  auto idle = options();
  idle.expire_after_access = seconds(10);
  StringCache cache(idle);
  cache.set("idle", "v");
  cache.set("busy", "v");
  cache.set("capped", "v", {.ttl = seconds(25)});
  for (int i = 0; i < 3; ++i) {
    clock_->advance(seconds(8));
    EXPECT_EQ(cache.get("busy").has_value(), true);
    EXPECT_EQ(cache.get("capped").has_value(), true);
  }
  EXPECT_FALSE(cache.contains("idle"));
  EXPECT_EQ(cache.inspect("capped")->remaining_ttl, seconds(1));
  EXPECT_EQ(cache.inspect("busy")->remaining_ttl, seconds(10));
  clock_->advance(seconds(1));
  EXPECT_EQ(cache.get("capped"), std::nullopt);
  EXPECT_EQ(cache.size(), 1U) << "a postponed timer removes nothing too early";
  clock_->advance(seconds(9));
  EXPECT_EQ(cache.get("busy"), std::nullopt) << "at its deadline a hit is too late";
  EXPECT_EQ(cache.stats().expirations, 3U);
}

TEST_F(ExpiryTest, ContainsAndInspectDoNotPutTheIdleDeadlineOff) {
  auto idle = options();
  idle.expire_after_access = seconds(10);
  StringCache cache(idle);
  cache.set("k", "v");
  clock_->advance(seconds(9));
  EXPECT_TRUE(cache.contains("k"));
  EXPECT_TRUE(cache.inspect("k"));
  clock_->advance(seconds(1));
  EXPECT_FALSE(cache.contains("k"));
}

TEST_F(ExpiryTest, WhatHasExpiredGivesItsPlaceBeforeAnythingThatLives) {  // trap B4
  auto small = options();
  small.max_entries = 2;
  StringCache cache(small);
  cache.set("alive", "v");
  cache.set("dead", "v", {.ttl = seconds(1)});
  clock_->advance(seconds(1));
  cache.set("new", "v");
  EXPECT_TRUE(cache.contains("alive"));
  EXPECT_TRUE(cache.contains("new"));
  EXPECT_EQ(cache.stats().evictions, 0U);
  EXPECT_EQ(cache.stats().expirations, 1U);
}

// Goal: memory falls and the event comes although nobody touches the cache. Method: wait for the
// event, with time moved by hand.
TEST_F(ExpiryTest, AnIdleCacheIsSweptInTheBackground) {  // trap B10
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> expired;
  auto swept = options();
  swept.background_expiry = true;
  StringCache cache(swept);
  const auto connection = cache.events().connect(EventType::entry_expired, [&](const Event& event) {
    const std::lock_guard lock(mutex);
    expired.push_back(event.key());
    changed.notify_all();
  });
  const auto await = [&](std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return expired.size() >= count; });
  };
  cache.set("late", "v", {.ttl = hours(10)});
  cache.set("soon", "v", {.ttl = seconds(5)});  // Nearer than what the thread waits for.
  clock_->await_waiters(1);
  clock_->advance(seconds(5));
  await(1);
  clock_->await_waiters(1);
  EXPECT_EQ(cache.stats().current_items, 1U);
  clock_->advance(hours(10));
  await(2);
  EXPECT_EQ(cache.stats().current_items, 0U);
  EXPECT_THAT(expired, ElementsAre("soon", "late"));
  clock_->await_waiters(1);
  cache.set("again", "v", {.ttl = seconds(1)});
  clock_->await_waiters(1);
  clock_->advance(seconds(2));
  await(3);
}

// Goal: numbers, of which a hit is told in the table how long they live, are there to their last
// moment and not longer, however long nobody writes. Method: a model, and leaps of the clock that
// are longer than what the table can tell apart.
TEST_F(ExpiryTest, NumbersLiveAsLongAsTheyAreToWhateverTimePasses) {
  const bool held = rc::check("numbers against a model", [] {
    const auto clock = std::make_shared<ManualClock>();
    CacheManager<std::uint64_t, std::uint64_t> cache(quiet_options(clock));
    std::map<std::uint64_t, std::pair<std::uint64_t, SteadyNanos>> model;
    const auto steps = *rc::gen::inRange(1, 80);
    for (int step = 0; step < steps; ++step) {
      const auto key = *rc::gen::inRange<std::uint64_t>(0, 8);
      const auto what = *rc::gen::inRange(0, 7);
      if (what == 6) {
        cache.restore_snapshot(cache.take_snapshot());
      } else if (what < 2) {
        const std::int64_t most = nanoseconds(what == 0 ? seconds(5) : hours(8)).count();
        clock->advance(nanoseconds(*rc::gen::inRange<std::int64_t>(0, most)));
      } else if (what == 2) {
        cache.erase(key);
        model.erase(key);
      } else {
        const auto value = static_cast<std::uint64_t>(step);
        const std::int64_t most = nanoseconds(what == 3 ? seconds(8) : hours(20)).count();
        const nanoseconds ttl(*rc::gen::inRange<std::int64_t>(1, most));
        const bool has_ttl = what != 5;
        cache.set(key, value, has_ttl ? SetOptions{.ttl = ttl} : SetOptions{});
        model[key] = {value, has_ttl ? clock->steady_now() + ttl.count() : kNever};
      }
      for (std::uint64_t k = 0; k < 8; ++k) {
        const auto known = model.find(k);
        const bool lives = known != model.end() && known->second.second > clock->steady_now();
        RC_ASSERT(cache.contains(k) == lives);
        if (*rc::gen::inRange(0, 2) == 0) continue;  // What a look-up finds over, it removes.
        const auto found = cache.get(k);
        RC_ASSERT(found.has_value() == lives);
        if (lives) RC_ASSERT(*found == known->second.first);
      }
    }
  });
  EXPECT_TRUE(held);
}

/// Does something while a reader looks at the coarse clock.
class InterruptingClock final : public Clock {
 public:
  [[nodiscard]] SteadyNanos steady_now() const noexcept override { return now; }
  [[nodiscard]] SteadyNanos coarse_now() const noexcept override {
    const SteadyNanos seen = now;
    if (const auto once = std::exchange(interruption, nullptr)) once();
    return seen;
  }
  [[nodiscard]] WallNanos wall_now() const noexcept override { return now; }
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyNanos, const std::function<bool()>& ready) override {
    condition.wait(lock, ready);
    return true;
  }

  SteadyNanos now = ManualClock::kSteadyStart;
  mutable std::function<void()> interruption;
};

// Goal: a value that was over before a look-up began is not found by the deadline of the one that
// replaces it. The writer looked at the clock in time, and was held up before it wrote.
TEST(LateWrites, LendNoDeadlineToTheValueBefore) {
  constexpr SteadyNanos kMilli = 1'000'000;
  for (const bool has_ttl : {true, false}) {
    const auto clock = std::make_shared<InterruptingClock>();
    CacheManager<std::uint64_t, std::uint64_t> cache(quiet_options(clock));
    cache.set(1, 100, {.ttl = nanoseconds(5 * kMilli)});
    const auto begun = clock->now;
    clock->now = begun + 6 * kMilli;
    clock->interruption = [&] {
      clock->now = begun + 4 * kMilli;
      cache.set(1, 200, has_ttl ? SetOptions{.ttl = hours(1)} : SetOptions{});
      clock->now = begun + 6 * kMilli;
    };
    EXPECT_EQ(cache.get(1), std::optional<std::uint64_t>(200));
    EXPECT_EQ(clock->interruption, nullptr);
  }
}

// Goal: one lock hold removes only a bounded number of entries, so that no caller waits for all of
// them. Method: the events of a batch come after its lock hold and before the next, so what is gone
// when the first one comes is one batch.
TEST_F(ExpiryTest, MassExpiryIsDoneInBatches) {  // trap B8
  auto wide = options();
  wide.max_entries = std::nullopt;
  StringCache cache(wide);
  constexpr std::uint64_t kEntries = 5'000;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    cache.set(std::to_string(i), "v", {.ttl = seconds(1)});
  }
  std::vector<std::uint64_t> left;
  const auto connection = cache.events().connect(EventType::entry_expired, [&](const Event&) {
    const auto now = cache.stats().current_items;
    if (left.empty() || left.back() != now) left.push_back(now);
  });
  clock_->advance(seconds(1));
  EXPECT_EQ(cache.purge_expired(), kEntries);
  std::uint64_t before = kEntries;
  for (const auto now : left) {
    EXPECT_LE(before - now, 256U);
    before = now;
  }
  EXPECT_EQ(before, 0U);
}

TEST_F(ExpiryTest, PurgeTellsHowManyWereRemoved) {
  StringCache cache(options());
  for (int i = 0; i < 300; ++i) cache.set(std::to_string(i), "v", {.ttl = seconds(1 + i % 2)});
  EXPECT_EQ(cache.purge_expired(), 0U);
  clock_->advance(seconds(1));
  EXPECT_EQ(cache.purge_expired(), 150U);
  EXPECT_EQ(cache.stats().expirations, 150U);
  clock_->advance(seconds(1));
  EXPECT_EQ(cache.purge_expired(), 150U);
}

}  // namespace
}  // namespace tarmac::core_tests
