// Reads beside everything else: they wait for nobody, allocate nothing, and whatever they look at
// stays, for as long as they look and not much longer.
#include <gtest/gtest.h>
#include <tarmac/core/internal/access_log.h>
#include <tarmac/core/internal/epoch.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <latch>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TARMAC_SANITIZER_ALLOCATES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TARMAC_SANITIZER_ALLOCATES 1
#endif
#endif

namespace {
thread_local std::uint64_t allocations = 0;  // Of this thread.
}

#ifndef TARMAC_SANITIZER_ALLOCATES  // The sanitizers have their own. Inlined, they would seem
                                    // mismatched.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
#endif

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;

CacheOptions quiet(const std::string& strategy = "lru", std::uint64_t max_entries = 1'000) {
  auto options = quiet_options(std::make_shared<ManualClock>());
  options.eviction = strategy;
  options.max_entries = max_entries;
  return options;
}

/// A value of one cache line.
struct Line {
  std::array<std::uint64_t, 8> words{};
  explicit Line(std::uint64_t n = 0) { words.fill(n); }
  bool operator==(const Line&) const = default;
};

template <class K>
K key_of(std::uint64_t n) {
  if constexpr (std::is_same_v<K, std::string>) {
    return "a key too long for the string itself: " + std::to_string(n);
  } else {
    return n;
  }
}
template <class V>
V value_of(std::uint64_t n) {
  if constexpr (std::is_same_v<V, std::string>) {
    return "a value too long for the string itself: " + std::to_string(n);
  } else {
    return V(n);
  }
}

/// Stops a thread where the cache compares keys. erase() does that under the shard's lock only.
struct Trap {
  inline static thread_local bool armed_ = false;
  inline static std::latch* caught_ = nullptr;
  inline static std::latch* released_ = nullptr;
};
struct TrappingEqual {
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    if (Trap::armed_) {
      Trap::armed_ = false;
      Trap::caught_->count_down();
      Trap::released_->wait();
    }
    return KeyEqual{}(a, b);
  }
};

template <class Kinds>
class Reads : public ::testing::Test {
 public:
  using K = typename Kinds::first_type;
  using V = typename Kinds::second_type;
  using Cache = CacheManager<K, V, Hash<K>, TrappingEqual>;

  static void fill(Cache& cache) {
    for (std::uint64_t i = 0; i < 50; ++i) cache.set(key_of<K>(i), value_of<V>(i));
  }
  static void read(Cache& cache, std::uint64_t keys) {
    for (std::uint64_t i = 0; i < keys; ++i) {
      const auto key = key_of<K>(i);
      const auto value = value_of<V>(i);
      EXPECT_EQ(cache.get(key), value);
      EXPECT_TRUE(cache.visit(key, [&](const V& seen) { EXPECT_EQ(seen, value); }));
      EXPECT_TRUE(cache.contains(key));
    }
    EXPECT_FALSE(cache.contains(key_of<K>(99)));
    EXPECT_EQ(cache.get(key_of<K>(99)), std::nullopt);
  }
};
using Kinds =
    ::testing::Types<std::pair<std::uint64_t, std::uint64_t>, std::pair<std::string, std::string>,
                     std::pair<std::uint64_t, Line>, std::pair<std::string, std::uint64_t>>;
TYPED_TEST_SUITE(Reads, Kinds);

// Goal: a read returns while a writer holds the lock of its shard. Method: the writer is stopped in
// a comparison of keys; a third thread, which does take the lock, shows that it is held. (Where
// hits have an order, a thread may note as many entries as its ring holds before it must tell the
// strategy.)
TYPED_TEST(Reads, WaitForNoWriter) {
  using Key = typename TestFixture::K;
  for (const std::string strategy : {"fifo", "lru", "lfu", "ttl"}) {
    typename TestFixture::Cache cache(quiet(strategy));
    TestFixture::fill(cache);
    std::latch caught(1);
    std::latch released(1);
    std::latch locker_started(1);
    Trap::caught_ = &caught;
    Trap::released_ = &released;
    std::atomic<bool> released_yet{false};
    std::jthread writer([&] {
      Trap::armed_ = true;
      cache.erase(key_of<Key>(7));
    });
    caught.wait();
    std::jthread locker([&] {
      locker_started.count_down();
      EXPECT_TRUE(cache.inspect(key_of<Key>(8)));
      EXPECT_TRUE(released_yet) << "the writer was not stopped under the lock";
    });
    locker_started.wait();
    // Key 7 among them: it has not been erased yet.
    const bool ordered = strategy == "lru" || strategy == "lfu";
    TestFixture::read(cache, ordered ? internal::AccessRing::kSize : 50);
    released_yet = true;
    released.count_down();
    writer.join();
    EXPECT_FALSE(cache.contains(key_of<Key>(7)));
  }
}

TYPED_TEST(Reads, AllocateNothing) {
#ifdef TARMAC_SANITIZER_ALLOCATES
  GTEST_SKIP() << "the sanitizers allocate by themselves";
#endif
  using Key = typename TestFixture::K;
  using Value = typename TestFixture::V;
  for (const auto& row : catalog()) {
    typename TestFixture::Cache cache(quiet(std::string(row.name)));
    TestFixture::fill(cache);
    std::vector<Key> keys;
    for (std::uint64_t i = 0; i < 100; ++i) keys.push_back(key_of<Key>(i));
    std::jthread([&] {
      std::uint64_t seen = 0;
      const auto look = [&](const Value&) { ++seen; };
      cache.visit(keys[0], look);  // The first hit makes what a thread needs.
      const auto before = allocations;
      for (int round = 0; round < 20; ++round) {
        for (const auto& key : keys) {
          cache.visit(key, look);
          if (cache.contains(key)) ++seen;
          if constexpr (!std::is_same_v<Value, std::string>) {
            if (cache.get(key)) ++seen;
          }
        }
      }
      EXPECT_EQ(allocations - before, 0U) << row.name;
      EXPECT_GE(seen, 2'001U);
    }).join();
  }
}

/// What became of the values of a test.
struct Tally {
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> destroyed{0};
  [[nodiscard]] std::uint64_t alive() const { return made - destroyed; }
};

/// A value that knows whether it still is one.
class Watched {
 public:
  explicit Watched(Tally& tally, std::function<void()> at_end = nullptr)
      : tally_(&tally), at_end_(std::move(at_end)) {
    ++tally.made;
  }
  Watched(Watched&& other) noexcept
      : tally_(std::exchange(other.tally_, nullptr)), at_end_(std::move(other.at_end_)) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  Watched& operator=(Watched&&) = delete;
  ~Watched() {
    canary_ = 0;
    if (tally_ == nullptr) return;
    ++tally_->destroyed;
    if (at_end_) at_end_();
  }
  [[nodiscard]] bool intact() const { return canary_ == kCanary; }

 private:
  static constexpr std::uint64_t kCanary = 0xFEED'CAFE'F00D'BEEF;
  Tally* tally_;
  std::function<void()> at_end_;
  volatile std::uint64_t canary_ = kCanary;  // Written and read although it is about to go.
};
using WatchedCache = CacheManager<std::uint64_t, Watched>;

/// A way for the value of key 1 to go.
struct Leaving {
  const char* name;
  std::function<void(WatchedCache&, Tally&, ManualClock&)> act;
  /// A new value of key 1 is there after it.
  bool stays = false;
};
const std::vector<Leaving>& ways_to_leave() {
  static const std::vector<Leaving> ways{
      {"replaced", [](auto& c, auto& t, auto&) { c.set(1, Watched(t)); }, true},
      {"erased", [](auto& c, auto&, auto&) { c.erase(1); }},
      {"cleared", [](auto& c, auto&, auto&) { c.clear(); }},
      {"evicted",
       [](auto& c, auto&, auto&) {
         c.visit(2, [](const Watched&) {});
         c.resize({.max_entries = 1});
       }},
      {"expired",
       [](auto& c, auto&, auto& clock) {
         clock.advance(2h);
         c.purge_expired();
       }},
      {"found expired",
       [](auto& c, auto&, auto& clock) {
         clock.advance(2h);
         c.visit(1, [](const Watched&) { ADD_FAILURE() << "it has expired"; });
       }},
      {"computed away",
       [](auto& c, auto&, auto&) { c.erase_if([](auto key, auto&) { return key == 1; }); }},
  };
  return ways;
}

/// Key 1, which goes first, and key 2.
struct WatchedRig {
  Tally first;
  Tally others;
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  WatchedCache cache{quiet_options(clock)};

  explicit WatchedRig(std::function<void()> at_end = nullptr) {
    cache.set(1, Watched(first, std::move(at_end)), {.ttl = 1h});
    cache.set(2, Watched(others));
  }
};

TEST(FastPath, AValueThatIsLookedAtStaysUntilItsReaderHasGone) {  // trap F6
  for (const auto& way : ways_to_leave()) {
    SCOPED_TRACE(way.name);
    WatchedRig rig;
    EXPECT_TRUE(rig.cache.visit(1, [&](const Watched& value) {
      std::jthread([&] {
        way.act(rig.cache, rig.others, *rig.clock);
        // Whatever moves reclamation on must stop at this reader.
        for (int i = 0; i < 200; ++i) rig.cache.set(3, Watched(rig.others));
        rig.cache.erase(3);
        for (int i = 0; i < 5; ++i) internal::Epoch::try_advance();
        rig.cache.erase(4);
      }).join();
      EXPECT_EQ(rig.first.destroyed, 0U);
      EXPECT_TRUE(value.intact());
    }));
    rig.cache.set(3, Watched(rig.others));
    EXPECT_EQ(rig.first.destroyed, 1U) << "one write after its reader had gone";
    EXPECT_LE(rig.others.alive(), 3U);
  }
}

TEST(FastPath, AReaderMayItselfDropWhatItLooksAt) {
  for (const auto& way : ways_to_leave()) {
    SCOPED_TRACE(way.name);
    WatchedRig rig;
    EXPECT_TRUE(rig.cache.visit(1, [&](const Watched& value) {
      way.act(rig.cache, rig.others, *rig.clock);
      for (int i = 0; i < 200; ++i) rig.cache.set(3, Watched(rig.others));
      EXPECT_TRUE(value.intact());
      EXPECT_EQ(rig.first.destroyed, 0U);
    }));
    rig.cache.set(3, Watched(rig.others));
    EXPECT_EQ(rig.first.destroyed, 1U);
  }
}

TEST(FastPath, WithOneThreadAValueIsDestroyedByTheCallThatDropsIt) {
  for (const auto& way : ways_to_leave()) {
    WatchedRig rig;
    EXPECT_TRUE(rig.cache.visit(1, [](const Watched& value) { EXPECT_TRUE(value.intact()); }));
    way.act(rig.cache, rig.others, *rig.clock);
    EXPECT_EQ(rig.first.destroyed, 1U) << way.name;
  }
  WatchedRig rig;
  {
    const auto snapshot = rig.cache.take_snapshot();
    rig.cache.clear();
    EXPECT_EQ(rig.first.destroyed, 0U);  // The snapshot has it.
    rig.cache.restore_snapshot(snapshot);
  }
  rig.cache.erase(1);
  EXPECT_EQ(rig.first.destroyed, 1U);
}

// This thread could read, and does not.
TEST(FastPath, BesideOtherThreadsAnErasedValueIsDestroyedByTheCallAllTheSame) {
  WatchedRig rig;
  std::jthread([&] {
    rig.cache.erase(1);
    EXPECT_EQ(rig.first.destroyed, 1U);
  }).join();
}

// Also by the destructors of other values, and of the cache itself.
TEST(FastPath, TheDestructorOfAValueMayUseTheCache) {  // trap E8
  for (const auto& way : ways_to_leave()) {
    WatchedCache* cache = nullptr;
    Tally late;
    int calls = 0;
    WatchedRig rig([&] {
      ++calls;
      cache->set(50, Watched(late));
      EXPECT_TRUE(cache->visit(50, [](const Watched& value) { EXPECT_TRUE(value.intact()); }));
      EXPECT_TRUE(cache->inspect(50));
      cache->erase(50);
    });
    cache = &rig.cache;
    way.act(rig.cache, rig.others, *rig.clock);
    EXPECT_EQ(calls, 1) << way.name;
    EXPECT_EQ(late.alive(), 0U) << way.name;
  }
}

// What a cache that goes away has been hit by is not told to its strategy, whose entries have gone.
TEST(FastPath, TheDestructorOfAValueMayAskACacheThatIsGoingAway) {  // traps E8, F3
  for (const auto& row : catalog()) {
    Tally tally;
    int calls = 0;
    {
      WatchedCache cache(quiet(std::string(row.name)));
      const auto ask = [&] {
        ++calls;
        EXPECT_FALSE(cache.contains(1));
        EXPECT_FALSE(cache.visit(2, [](const Watched&) {}));
        EXPECT_FALSE(cache.inspect(3));
      };
      for (std::uint64_t i = 0; i < 20; ++i) cache.set(i, Watched(tally, ask));
      for (std::uint64_t i = 0; i < 20; ++i) cache.visit(i, [](const Watched&) {});
    }
    EXPECT_EQ(calls, 20) << row.name;
    EXPECT_EQ(tally.alive(), 0U);
  }
}

// Goal: values that wait for readers are few, however many are replaced. Method: another thread has
// read and lives on; it does not read now, so nothing keeps the epochs from moving.
TEST(FastPath, ReplacedValuesWaitInBoundedNumber) {
  for (const std::uint64_t entries : {10U, 1'000U, 17'000U}) {
    Tally tally;
    WatchedCache cache(quiet("lru", entries));
    const SetOptions kibibyte{.ttl = std::nullopt, .weight = 1'024};
    for (std::uint64_t i = 0; i < entries; ++i) cache.set(i, Watched(tally), kibibyte);
    std::latch has_read(1);
    std::latch done(1);
    std::jthread reader([&] {
      cache.visit(1, [](const Watched&) {});
      has_read.count_down();
      done.wait();
    });
    has_read.wait();
    std::uint64_t most = 0;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      cache.set(i % (2 * entries), Watched(tally), kibibyte);  // Replaces, or evicts.
      most = std::max(most, tally.alive() - entries);
    }
    EXPECT_GT(most, 0U);
    EXPECT_LE(most, 2'000U) << entries;
    if (entries == 10) {
      EXPECT_LE(most, 64U) << "a small cache waits for few";
    }
    done.count_down();
  }
}

// Goal: a hit that was noted before its entry left is forgotten before the entry's memory is.
// Method: more threads than a write asks for the hits of all; the one with the last ring hits the
// next victim. Then the epoch moves on by four, so that the next eviction finds the bag of the
// first one again. The address sanitizer sees the entry used after its end; without it, a newcomer
// in the same memory gets hits that it never had.
TEST(FastPath, AHitOfAnEntryThatHasGoneIsNotAppliedToItsMemory) {
  using Cache = CacheManager<std::uint64_t, std::uint64_t>;
  Cache cache(quiet("lru", 4));
  for (std::uint64_t i = 0; i < 4; ++i) cache.set(i, i);
  constexpr int kThreads = 72;
  std::latch alive(kThreads);
  std::latch go(1);
  std::latch have_read(kThreads);
  std::latch done(1);
  std::atomic<std::uint32_t> last{0};
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const auto index = internal::this_thread_slot().index;
      if (index < internal::AccessLog::kRings) {
        for (auto seen = last.load(); seen < index && !last.compare_exchange_weak(seen, index);) {
        }
      }
      alive.count_down();
      go.wait();
      if (index == last) {
        EXPECT_EQ(cache.get(0), 0U);
      }
      have_read.count_down();
      done.wait();
    });
  }
  alive.wait();
  go.count_down();
  have_read.wait();
  cache.set(10, 10);
  EXPECT_FALSE(cache.contains(0)) << "a write was not to see the hit";
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(internal::Epoch::try_advance());
  for (std::uint64_t key = 11; key < 15; ++key) cache.set(key, key);
  for (std::uint64_t key = 11; key < 15; ++key) EXPECT_EQ(cache.inspect(key)->visits, 0U);
  done.count_down();
}

TEST(FastPath, VisitsNest) {
  WatchedRig rig;
  EXPECT_TRUE(rig.cache.visit(1, [&](const Watched& outer) {
    EXPECT_TRUE(rig.cache.visit(2, [&](const Watched& inner) {
      rig.cache.clear();
      EXPECT_TRUE(inner.intact());
    }));
    // The end of the inner visit is not the end of the outer one.
    std::jthread([&] {
      for (int i = 0; i < 100; ++i) rig.cache.set(3, Watched(rig.others));
      rig.cache.erase(3);
    }).join();
    EXPECT_TRUE(outer.intact());
    EXPECT_EQ(rig.first.destroyed, 0U);
  }));
  rig.cache.clear();
  EXPECT_EQ(rig.first.destroyed, 1U);
}

TEST(FastPath, AVisitWhoseFunctionThrowsIsAHitAndLetsGo) {
  WatchedRig rig;
  const auto fail = [](const Watched&) { throw std::runtime_error("no"); };
  EXPECT_THROW(rig.cache.visit(1, fail), std::runtime_error);
  const auto stats = rig.cache.stats();
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.misses, 0U);
  EXPECT_EQ(rig.cache.inspect(1)->visits, 1U);
  rig.cache.erase(1);
  EXPECT_EQ(rig.first.destroyed, 1U) << "nobody is reading any more";
}

}  // namespace
}  // namespace tarmac::core_tests
