// What a cache is after memory has run out in the middle of a write: it counts what it has, keeps
// its bound, and has lost nothing that nobody can reach any more.
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/core/internal/limbo.h>
#include <tarmac/strategies/catalog.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "core_rig.h"
#include "failing_memory.h"

namespace tarmac::core_tests {
namespace {

/// Counts those that live.
struct Counted {
  Counted() { ++living; }
  Counted(const Counted&) { ++living; }
  Counted(Counted&&) noexcept { ++living; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --living; }

  inline static int living = 0;
};

class OutOfMemoryTest : public ::testing::TestWithParam<std::string> {
 protected:
  using Cache = CacheManager<std::string, Counted>;
  static constexpr int kKeys = 12;
  static constexpr std::uint64_t kMost = 5;

  CacheOptions options() {
    CacheOptions options = quiet_options(clock_);
    options.max_bytes = kMost;
    options.eviction = GetParam();
    return options;
  }
  static std::string key_of(int number) { return std::string(30, 'k') + std::to_string(number); }
  static std::uint64_t count(Cache& cache) {
    std::uint64_t there = 0;
    for (int i = 0; i < kKeys; ++i) there += cache.contains(key_of(i)) ? 1U : 0U;
    return there;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

// Goal: at whichever request memory runs out in a full cache that tells of each eviction.
TEST_P(OutOfMemoryTest, CountsWhatItHasAndKeepsItsBound) {
  std::uint64_t request = 1;
  std::uint64_t failures = 0;
  for (bool has_failed = true; has_failed; ++request) {
    {
      Cache cache(options());
      // The events find no room, one after the other.
      const auto evicted = cache.events().connect(EventType::entry_evicted, [](const Event&) {});
      for (int i = 0; i < 5; ++i) cache.set(key_of(i), Counted(), {.weight = 1});
      FailingMemory::restart(request);
      for (int i = 0; i < 3 * kKeys; ++i) {
        // Some new, some there, some heavy.
        const SetOptions weight{.weight = i % 4 == 0 ? 3U : 1U};
        try {
          const auto key = key_of((7 * i) % kKeys);
          const FailingMemory failing;
          cache.set(key, Counted(), weight);
        } catch (const std::bad_alloc&) {
          ++failures;
        }
      }
      has_failed = FailingMemory::has_failed();
      cache.set(key_of(0), Counted(), {.weight = 1});  // Makes up for what was left undone.
      ASSERT_EQ(cache.stats().current_items, count(cache)) << "request " << request;
      ASSERT_LE(cache.stats().total_bytes, kMost) << "request " << request;
      cache.clear();
      ASSERT_EQ(cache.stats().current_items, 0U);
      ASSERT_EQ(cache.stats().total_bytes, 0U);
    }
    ASSERT_EQ(Counted::living, 0) << "request " << request;
  }
  EXPECT_GT(failures, 20U) << "it has to fail somewhere";
}

// Goal: at whichever request memory runs out, what waits for readers is let go once.
TEST(OutOfMemoryLimbo, LetsGoOfEachValueOnce) {
  using internal::Epoch;
  using Value = const internal::Payload<Counted>;
  std::uint64_t request = 1;
  for (bool has_failed = true; has_failed; ++request) {
    {
      internal::Limbo<std::string, Counted> limbo;
      FailingMemory::restart(request);
      for (int round = 0; round < 12; ++round) {
        for (int i = 0; i < 20; ++i) {
          internal::Ref<Value> value(new Value(Counted()));
          try {
            const FailingMemory failing;
            limbo.reserve();
            limbo.retire(value.get(), 1);
          } catch (const std::bad_alloc&) {
            continue;
          }
          static_cast<void>(value.release_ownership());
        }
        // With every third write that ends the epoch has moved by four.
        for (const auto end = Epoch::current() + 4; Epoch::current() < end;) Epoch::try_advance();
        if (round % 3 != 2) continue;
        internal::Remains<std::string, Counted> out;
        try {
          const FailingMemory failing;
          limbo.collect(out, /*all=*/round % 6 == 5, /*kept=*/0, [] {});
        } catch (const std::bad_alloc&) {
          continue;
        }
      }
      has_failed = FailingMemory::has_failed();
      internal::Remains<std::string, Counted> out;
      limbo.take_all(out);
      ASSERT_TRUE(limbo.empty()) << "request " << request;
    }
    ASSERT_EQ(Counted::living, 0) << "request " << request;
  }
  EXPECT_GT(request, 10U) << "it has to fail somewhere";
}

INSTANTIATE_TEST_SUITE_P(Strategies, OutOfMemoryTest,
                         ::testing::Values("lru", "fifo", "sieve", "s3fifo", "wtinylfu", "arc"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace tarmac::core_tests
