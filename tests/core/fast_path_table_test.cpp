// What a reader without a lock finds while the table changes under it: never less than has been
// there all the time, and never anything else than somebody has written.
#include <gtest/gtest.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <latch>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"
#include "stress.h"

namespace tarmac::core_tests {
namespace {

/// Numbers keep their values in the table, strings beside their keys.
template <class T>
T make(std::uint64_t n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return "number " + std::to_string(n) + ", and more than a string has room for";
  } else {
    return n;
  }
}

template <class T>
class FastPathTable : public ::testing::Test {
 public:
  using Cache = CacheManager<T, T>;

  static CacheOptions options(std::uint64_t max_entries) {
    CacheOptions options;
    options.max_entries = max_entries;
    options.shards = 1;
    options.seed = stress_seed() + 5;
    options.background_expiry = false;
    return options;
  }
};
using TableKinds = ::testing::Types<std::uint64_t, std::string>;
TYPED_TEST_SUITE(FastPathTable, TableKinds);

/// Threads that call `look` until it is their end.
class Readers {
 public:
  template <class Look>
  explicit Readers(const Look& look) : started_(kCount) {
    for (std::uint64_t i = 0; i < kCount; ++i) {
      threads_.emplace_back([this, look, i](const std::stop_token& stop) {
        std::mt19937_64 chances(stress_seed() + i);
        look(chances);
        started_.count_down();
        while (!stop.stop_requested()) {
          look(chances);
          ++looks_;
        }
      });
    }
    started_.wait();
  }
  /// Lets each reader have its turn, however few processors there are.
  void await_looks(std::uint64_t count) {
    const auto end = looks_ + count;
    while (looks_ < end) std::this_thread::yield();
  }

 private:
  static constexpr std::uint64_t kCount = 3;
  std::latch started_;
  std::atomic<std::uint64_t> looks_{0};
  std::vector<std::jthread> threads_;  // The last member: it is joined first.
};

TYPED_TEST(FastPathTable, GrowthHidesNothing) {
  const auto rounds = 5 * stress_factor();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    typename TestFixture::Cache cache(TestFixture::options(100'000));
    for (std::uint64_t i = 0; i < 8; ++i) cache.set(make<TypeParam>(i), make<TypeParam>(i));
    Readers readers([&cache](std::mt19937_64& chances) {
      const auto n = chances() % 8;
      const auto key = make<TypeParam>(n);
      EXPECT_EQ(cache.get(key), key) << "a key that was there all the time";
      EXPECT_TRUE(cache.contains(key));
    });
    for (std::uint64_t i = 8; i < 3'000; ++i) {
      cache.set(make<TypeParam>(i), make<TypeParam>(i));
      if ((i & (i - 1)) == 0) readers.await_looks(20);
    }
    EXPECT_EQ(cache.size(), 3'000U);
  }
}

// Goal: neither what comes and goes in a slot beside theirs nor what had to pass their group makes
// keys disappear. Method: a table as full as it gets, so that many nodes are not in their own
// group.
TYPED_TEST(FastPathTable, ComingsAndGoingsHideNothingThatStays) {
  typename TestFixture::Cache cache(TestFixture::options(100'000));
  constexpr std::uint64_t kStaying = 64;
  for (std::uint64_t i = 0; i < kStaying; ++i) cache.set(make<TypeParam>(i), make<TypeParam>(i));
  const auto gone_key = make<TypeParam>(1'000'000);
  Readers readers([&](std::mt19937_64& chances) {
    const auto key = make<TypeParam>(chances() % kStaying);
    EXPECT_EQ(cache.get(key), key) << "a key that was there all the time";
    const auto churned = make<TypeParam>(kStaying + chances() % 200);
    if (const auto value = cache.get(churned)) {
      EXPECT_EQ(*value, churned) << "the value of another key";
    }
    EXPECT_FALSE(cache.contains(gone_key));
  });
  std::mt19937_64 chances(stress_seed());
  const auto steps = 30'000 * stress_factor();
  for (std::uint64_t i = 0; i < steps; ++i) {
    const auto key = make<TypeParam>(kStaying + chances() % 200);
    if (chances() % 2 == 0) {
      cache.set(key, key);
    } else {
      cache.erase(key);
    }
    if (i % 3'000 == 0) readers.await_looks(50);
  }
}

// Each value names its key; the second half of it is old or new, and new after the return.
TYPED_TEST(FastPathTable, ARestoreShowsTheOldOrTheNewAndThenTheNewOnly) {
  constexpr std::uint64_t kKeys = 100;
  typename TestFixture::Cache cache(TestFixture::options(1'000));
  const auto fill = [&cache](std::uint64_t version) {
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      cache.set(make<TypeParam>(i), make<TypeParam>(1'000 * version + i));
    }
  };
  std::vector<Snapshot> snapshots;
  for (std::uint64_t version = 0; version < 2; ++version) {
    fill(version);
    snapshots.push_back(cache.take_snapshot());
  }
  std::atomic<std::uint64_t> restored{2};  // Even: the version is settled; odd: it changes.
  cache.restore_snapshot(snapshots[1]);
  Readers readers([&](std::mt19937_64& chances) {
    const auto n = chances() % kKeys;
    const auto before = restored.load();
    const auto value = cache.get(make<TypeParam>(n));
    const auto after = restored.load();
    ASSERT_TRUE(value) << n << " is in both contents";
    const bool is_first = *value == make<TypeParam>(n);
    const bool is_second = *value == make<TypeParam>(1'000 + n);
    EXPECT_TRUE(is_first || is_second) << n;
    if (before == after && before % 2 == 0) {
      EXPECT_EQ(is_second, before / 2 % 2 == 1) << "content " << before / 2;
    }
  });
  const auto rounds = 100 * stress_factor();
  for (std::uint64_t round = 2; round < 2 + rounds; ++round) {
    ++restored;
    cache.restore_snapshot(snapshots[round % 2]);
    ++restored;
    readers.await_looks(30);
    if (round % 5 == 0) cache.swap_strategy(std::string(catalog()[round % catalog().size()].name));
  }
}

// Goal: the memory of what was evicted is not used again while an event or a snapshot has it.
// Method: far more evictions than fit, each told to a slot, while a snapshot holds the first keys.
TYPED_TEST(FastPathTable, WhatWasEvictedStaysWholeForThoseWhoHoldIt) {
  auto options = TestFixture::options(16);
  options.eviction = "fifo";
  typename TestFixture::Cache cache(options);
  for (std::uint64_t n = 0; n < 16; ++n) cache.set(make<TypeParam>(n), make<TypeParam>(n));
  const auto snapshot = cache.take_snapshot();
  std::vector<std::string> evicted;
  const auto connection = cache.events().connect(
      EventType::entry_evicted, [&](const Event& event) { evicted.push_back(event.key()); });
  for (std::uint64_t n = 16; n < 500; ++n) cache.set(make<TypeParam>(n), make<TypeParam>(n));

  ASSERT_EQ(evicted.size(), 484U);
  for (std::uint64_t n = 0; n < 484; ++n) EXPECT_EQ(evicted[n], render_key(make<TypeParam>(n)));
  cache.restore_snapshot(snapshot);
  for (std::uint64_t n = 0; n < 16; ++n) {
    EXPECT_EQ(cache.get(make<TypeParam>(n)), make<TypeParam>(n));
  }
}

// What a thread has written itself it finds, whatever other threads do with other keys.
TYPED_TEST(FastPathTable, AThreadFindsItsOwnWrites) {
  typename TestFixture::Cache cache(TestFixture::options(100'000));
  const auto steps = 5'000 * stress_factor();
  std::vector<std::jthread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache, steps, thread] {
      std::mt19937_64 chances(stress_seed() + thread);
      std::vector<std::optional<TypeParam>> known(60);
      for (std::uint64_t i = 0; i < steps; ++i) {
        const auto n = chances() % known.size();
        const auto key = make<TypeParam>(100 * thread + n);
        if (chances() % 8 == 0) {
          known[n].reset();
          cache.erase(key);
        } else if (chances() % 2 == 0) {
          known[n] = make<TypeParam>(i);
          cache.set(key, *known[n]);
        }
        ASSERT_EQ(cache.get(key), known[n]);
      }
    });
  }
}

}  // namespace
}  // namespace tarmac::core_tests
