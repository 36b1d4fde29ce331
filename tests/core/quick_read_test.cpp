// Look-ups of numbers have ways of their own through the cache, some shorter than others: whichever
// one takes, it counts, tells the strategy, and lets go of what it has looked at.
#include <gtest/gtest.h>
#include <tarmac/core/internal/epoch.h>
#include <tarmac/strategies/catalog.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;
using internal::current_thread_slot;

bool nothing_is_pinned() { return current_thread_slot->pinned.load() == 0; }

struct Way {
  const char* name;
  const char* strategy;
  std::chrono::nanoseconds ttl;
  std::chrono::nanoseconds idle;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class QuickRead : public ::testing::TestWithParam<Way> {
 protected:
  using Cache = CacheManager<std::uint64_t, std::uint64_t>;
  static constexpr std::uint64_t kEntries = 500;

  QuickRead() {
    auto options = quiet_options(clock);
    options.eviction = GetParam().strategy;
    options.max_entries = 2 * kEntries;
    if (GetParam().ttl != 0ns) options.default_ttl = GetParam().ttl;
    if (GetParam().idle != 0ns) options.expire_after_access = GetParam().idle;
    cache = std::make_unique<Cache>(options);
    for (std::uint64_t i = 0; i < kEntries; ++i) cache->set(i, 3 * i);
  }

  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::unique_ptr<Cache> cache;
};

TEST_P(QuickRead, FindsCountsAndLetsGo) {
  constexpr std::uint64_t kRounds = 5;  // Marks rise, and are then at their highest.
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (std::uint64_t i = 0; i < 2 * kEntries; ++i) {
      const auto found = cache->get(i);
      ASSERT_EQ(found.has_value(), i < kEntries) << i;
      ASSERT_EQ(found.value_or(3 * i), 3 * i);
      ASSERT_TRUE(nothing_is_pinned()) << i;
    }
  }
  const auto stats = cache->stats();
  EXPECT_EQ(stats.hits, kRounds * kEntries);
  EXPECT_EQ(stats.misses, kRounds * kEntries);
}

TEST_P(QuickRead, MayThrowWhileItLooks) {
  const auto fail = [](std::uint64_t) { throw std::runtime_error("no"); };
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    EXPECT_THROW(cache->visit(i % 7, fail), std::runtime_error);
    ASSERT_TRUE(nothing_is_pinned());
  }
  EXPECT_FALSE(cache->visit(kEntries, fail));
  EXPECT_EQ(cache->stats().hits, kEntries);
}

TEST_P(QuickRead, MayReadAndWriteWhileItLooks) {
  std::uint64_t inner = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(cache->visit(i, [&](std::uint64_t value) {
      EXPECT_TRUE(cache->erase(i));
      EXPECT_FALSE(cache->get(i));
      cache->set(i, value + 1);
      inner += cache->get(i) == value + 1 ? 1U : 0U;
    }));
    ASSERT_TRUE(nothing_is_pinned());
  }
  EXPECT_EQ(inner, 100U);
}

// Whichever way gives the value: a function sees a const V&, also one that would take anything.
TEST_P(QuickRead, GivesAConstantValue) {
  std::uint64_t sum = 0;
  const auto add = [&sum](auto& value) {
    static_assert(std::is_same_v<decltype(value), const std::uint64_t&>);
    sum += value;
  };
  const auto add_any = [&sum](auto&& value) {
    static_assert(std::is_same_v<decltype(value), const std::uint64_t&>);
    sum += value;
  };
  for (std::uint64_t i = 0; i < 2 * kEntries; ++i) {
    EXPECT_EQ(cache->visit(i, add), i < kEntries);
    EXPECT_EQ(cache->visit(i, add_any), i < kEntries);
  }
  EXPECT_EQ(sum, 3 * kEntries * (kEntries - 1));
}

TEST_P(QuickRead, TellsWhoeverListensJustThen) {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  const auto read_all = [this] {
    for (std::uint64_t i = 0; i < 2 * kEntries; ++i) {
      ASSERT_EQ(cache->get(i).has_value(), i < kEntries) << i;
    }
  };
  const auto count = [](std::uint64_t& events) { return [&events](const Event&) { ++events; }; };
  read_all();
  {
    const auto listening = cache->events().connect(EventType::entry_get_hit, count(hits));
    read_all();
  }
  EXPECT_EQ(hits, kEntries);
  {
    const auto listening = cache->events().connect(EventType::entry_get_miss, count(misses));
    read_all();
  }
  EXPECT_EQ(misses, kEntries);
  read_all();
  EXPECT_EQ(hits, kEntries);
  EXPECT_EQ(misses, kEntries);
  EXPECT_EQ(cache->stats().hits, 4 * kEntries);
  EXPECT_EQ(cache->stats().misses, 4 * kEntries);
}

class TimedRead : public QuickRead {};

TEST_P(TimedRead, SeesNothingThatHasExpired) {
  cache->set(kEntries, 1, {.ttl = 1s});
  EXPECT_TRUE(cache->get(0));
  EXPECT_TRUE(cache->get(kEntries));
  clock->advance(1s);
  EXPECT_FALSE(cache->get(kEntries));
  EXPECT_TRUE(cache->get(0));
  clock->advance(1h);
  EXPECT_FALSE(cache->get(0));
  EXPECT_TRUE(nothing_is_pinned());
}

std::string name_of(const ::testing::TestParamInfo<Way>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Ways, QuickRead,
    ::testing::Values(Way{"NoteNothing", "fifo", 0ns, 0ns}, Way{"RaiseMarks", "sieve", 0ns, 0ns},
                      Way{"KeepMarks", "s3fifo", 0ns, 0ns}, Way{"InOrder", "lru", 0ns, 0ns},
                      Way{"Expire", "fifo", 10min, 0ns}, Way{"ExpireInOrder", "lru", 10min, 0ns},
                      Way{"ExpireUnused", "sieve", 0ns, 10min}),
    name_of);
INSTANTIATE_TEST_SUITE_P(Ways, TimedRead,
                         ::testing::Values(Way{"Expire", "fifo", 10min, 0ns},
                                           Way{"ExpireInOrder", "lru", 10min, 0ns},
                                           Way{"ExpireUnused", "sieve", 0ns, 10min}),
                         name_of);

// What the outer one looks at must not go, whatever the inner ones have let go.
TEST(QuickReadOfKeys, InsideAnotherVisitLetsThatOneHold) {
  const auto clock = std::make_shared<ManualClock>();
  StringCache outer(quiet_options(clock));
  CacheManager<std::uint64_t, std::uint64_t> inner(quiet_options(clock));
  outer.set("k", "v");
  inner.set(1, 2);
  EXPECT_TRUE(outer.visit("k", [&inner](const std::string&) {
    EXPECT_TRUE(inner.get(1));
    EXPECT_FALSE(nothing_is_pinned());
    EXPECT_FALSE(inner.get(3));
    EXPECT_FALSE(nothing_is_pinned());
  }));
  EXPECT_TRUE(nothing_is_pinned());
}

struct FailingEqual {
  bool operator()(std::uint64_t a, std::uint64_t b) const {
    if (fails) throw std::runtime_error("cannot compare");
    return a == b;
  }
  inline static bool fails = false;
};

TEST(QuickReadOfKeys, ThatCannotBeComparedLetsGo) {
  CacheManager<std::uint64_t, std::uint64_t, Hash<std::uint64_t>, FailingEqual> cache(
      quiet_options(std::make_shared<ManualClock>()));
  cache.set(1, 2);
  EXPECT_TRUE(cache.get(1));
  FailingEqual::fails = true;
  EXPECT_THROW(static_cast<void>(cache.get(1)), std::runtime_error);
  FailingEqual::fails = false;
  EXPECT_TRUE(nothing_is_pinned());
  EXPECT_TRUE(cache.get(1));
}

struct OneHash {
  std::uint64_t operator()(std::uint64_t /*key*/, std::uint64_t /*seed*/) const { return 0; }
};

// All stand in one group, and behind it.
TEST(QuickReadOfKeys, WithOneHashFindsEachAndNoOther) {
  CacheManager<std::uint64_t, std::uint64_t, OneHash> cache(
      quiet_options(std::make_shared<ManualClock>()));
  for (std::uint64_t i = 0; i < 50; ++i) cache.set(i, i);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(cache.get(i).has_value(), i < 50) << i;
  for (std::uint64_t i = 0; i < 50; i += 2) EXPECT_TRUE(cache.erase(i));
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_EQ(cache.get(i).has_value(), i % 2 == 1) << i;
  EXPECT_EQ(cache.stats().hits, 75U);
  EXPECT_EQ(cache.stats().misses, 75U);
}

}  // namespace
}  // namespace tarmac::core_tests
