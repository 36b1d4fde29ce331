// Many threads at once: run it under the thread sanitizer too. What is asserted holds for every
// interleaving; no test waits for time to pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/core/cache_registry.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "stress.h"

namespace tarmac {
namespace {

using IntCache = CacheManager<std::uint64_t, std::uint64_t>;

/// Starts `count` threads together and waits for them.
void run_together(int count, const std::function<void(int)>& work) {
  std::barrier start(count);
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
}

CacheOptions sharded(std::uint64_t max_entries, std::uint32_t shards = 4) {
  CacheOptions options;
  options.name = "stress";
  options.max_entries = max_entries;
  options.shards = shards;
  options.seed = core_tests::stress_seed() + 7;
  return options;
}

/// A stream of small numbers for one thread, the same in each round of the same seed.
class Choice {
 public:
  explicit Choice(int thread)
      : engine_(core_tests::stress_seed() + static_cast<std::uint64_t>(thread) + 1) {}
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

 private:
  std::mt19937_64 engine_;
};

TEST(Concurrency, HitsAndMissesAddUpToGets) {  // trap L1
  IntCache cache(sharded(1'000));
  constexpr int kThreads = 8;
  constexpr std::uint64_t kGets = 20'000;
  run_together(kThreads, [&](int thread) {
    Choice choice(thread);
    for (std::uint64_t i = 0; i < kGets; ++i) {
      const auto key = choice.below(2'000);
      if (!cache.get(key)) cache.set(key, key);
    }
  });
  const auto stats = cache.stats();
  EXPECT_EQ(stats.hits + stats.misses, kThreads * kGets);
  EXPECT_EQ(stats.sets, stats.misses);
  EXPECT_LE(cache.size(), 1'000U);
}

TEST(Concurrency, ComputeLosesNoUpdate) {  // trap F4
  IntCache cache(sharded(100));
  constexpr int kThreads = 8;
  constexpr std::uint64_t kAdds = 5'000;
  run_together(kThreads, [&](int) {
    for (std::uint64_t i = 0; i < kAdds; ++i) {
      cache.compute(i % 3, [](std::optional<std::uint64_t> n) { return n.value_or(0) + 1; });
    }
  });
  std::uint64_t total = 0;
  cache.for_each([&](std::uint64_t, std::uint64_t n) { total += n; });
  EXPECT_EQ(total, kThreads * kAdds);
}

TEST(Concurrency, ComputeWithAStoreLosesNoUpdateAndStoreAndCacheAgree) {  // traps F4, I4
  auto store = make_memory_store();
  IntCache cache(sharded(100));
  cache.set_write_policy(write_through(store));
  run_together(4, [&](int) {
    for (int i = 0; i < 2'000; ++i) {
      cache.compute(1, [](std::optional<std::uint64_t> n) { return n.value_or(0) + 1; });
    }
  });
  EXPECT_EQ(cache.get(1), 8'000U);
  const auto stored = store->load(Codec<std::uint64_t>::encode(1), 0);
  ASSERT_TRUE(stored);
  EXPECT_EQ(Codec<std::uint64_t>::decode(stored->bytes), 8'000U);
}

TEST(Concurrency, AComputeThatWritesItsOwnKeyIsRefusedAndNothingHangs) {  // trap F5
  IntCache cache(sharded(10));
  EXPECT_THROW(cache.compute(1,
                             [&](std::optional<std::uint64_t>) {
                               cache.set(1, 5);
                               return std::uint64_t{6};
                             }),
               UsageError);
  cache.set(1, 7);  // The lock was given back.
  EXPECT_EQ(cache.get(1), 7U);
  EXPECT_THROW(cache.compute(1,
                             [&](std::optional<std::uint64_t>) {
                               cache.set(2, 1);  // Another key is another matter.
                               cache.clear();    // Would call this function again, for ever.
                               return std::uint64_t{1};
                             }),
               UsageError);
  EXPECT_EQ(cache.get(1), 7U);
  EXPECT_EQ(cache.get(2), 1U);
}

// Goal: two functions that each write the other's key cannot wait for each other for ever.
TEST(Concurrency, ComputesThatCallEachOthersKeysEndWithAnErrorInOneOfThem) {
  IntCache cache(sharded(10));
  std::barrier both_hold(2);
  std::atomic<int> refused{0};
  run_together(2, [&](int thread) {
    const std::uint64_t mine = thread == 0 ? 1 : 2;
    const std::uint64_t other = 3 - mine;
    try {
      bool first = true;
      cache.compute(mine, [&](std::optional<std::uint64_t>) {
        if (std::exchange(first, false)) both_hold.arrive_and_wait();
        cache.set(other, 9);
        return std::uint64_t{1};
      });
    } catch (const UsageError&) {
      ++refused;
    }
  });
  EXPECT_EQ(refused, 1);
}

// Goal: table, strategy and counters hold the same entries after any mix of operations.
// Method: eight threads mix everything, swaps of each pair of strategies included; then the cache
// is emptied by eviction alone, which finds an entry only through its strategy.
TEST(Concurrency, NoEntryIsLostBetweenTableAndStrategy) {  // traps D1, F1
  IntCache cache(sharded(500));
  std::vector<std::string> names;
  for (const auto& row : catalog()) names.emplace_back(row.name);
  run_together(8, [&](int thread) {
    Choice choice(thread);
    if (thread == 0) {
      for (int round = 0; round < 200; ++round) {
        cache.swap_strategy(names[static_cast<std::size_t>(round) % names.size()]);
      }
      return;
    }
    for (int i = 0; i < 10'000; ++i) {
      const auto key = choice.below(1'000);
      switch (choice.below(10)) {
        case 0:
          cache.erase(key);
          break;
        case 1:
          if (i % 1'000 == 0) cache.clear();
          break;
        case 2:
          if (i % 500 == 0) cache.resize({.max_entries = 300 + choice.below(300)});
          break;
        case 3:
          cache.compute(key, [](std::optional<std::uint64_t> v) { return v.value_or(0) + 1; });
          break;
        case 4:
        case 5:
        case 6:
          cache.set(key, key, {.ttl = std::chrono::hours(1)});
          break;
        default:
          static_cast<void>(cache.get(key));
      }
    }
  });
  std::set<std::uint64_t> keys;
  cache.for_each([&](std::uint64_t key, std::uint64_t) { EXPECT_TRUE(keys.insert(key).second); });
  EXPECT_EQ(keys.size(), cache.size());
  EXPECT_LE(cache.size(), 600U);
  EXPECT_EQ(cache.weight(), cache.size() * 16);
  cache.resize({.max_entries = 1});
  EXPECT_EQ(cache.size(), 1U);
}

TEST(Concurrency, ASwapAloneEvictsNothing) {  // trap D1
  IntCache cache(sharded(10'000));
  for (std::uint64_t key = 0; key < 4'000; ++key) cache.set(key, key);
  run_together(4, [&](int thread) {
    Choice choice(thread);
    for (int i = 0; i < 5'000; ++i) {
      if (thread == 0 && i % 50 == 0) {
        cache.swap_strategy(i % 100 == 0 ? "lfu" : "lru");
      } else {
        EXPECT_TRUE(cache.get(choice.below(4'000)));
      }
    }
  });
  EXPECT_EQ(cache.size(), 4'000U);
  EXPECT_EQ(cache.stats().evictions, 0U);
}

TEST(Concurrency, AnIterationSeesEachEntryThatStaysExactlyOnce) {  // trap F2
  IntCache cache(sharded(100'000));
  for (std::uint64_t key = 0; key < 2'000; ++key) cache.set(key, key);
  std::atomic<bool> stop{false};
  {
    std::vector<std::jthread> writers;
    for (int thread = 0; thread < 3; ++thread) {
      writers.emplace_back([&, thread] {
        Choice choice(thread);
        while (!stop) {
          const auto key = 10'000 + choice.below(1'000);
          cache.set(key, key);
          cache.erase(10'000 + choice.below(1'000));
        }
      });
    }
    for (int round = 0; round < 20; ++round) {
      std::map<std::uint64_t, int> seen;
      cache.for_each([&](std::uint64_t key, std::uint64_t) {
        if (key < 10'000) ++seen[key];
      });
      EXPECT_EQ(seen.size(), 2'000U);
      for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key;
    }
    stop = true;
  }
}

/// A value whose two halves agree in every state that a reader may see.
struct Pair {
  explicit Pair(std::uint64_t n) : left(std::to_string(n)), right(left) {}
  std::string left;
  std::string right;
};

TEST(Concurrency, AReaderKeepsItsValueWhileItIsReplacedAndEvicted) {  // trap F6
  CacheManager<std::uint64_t, Pair> cache(sharded(4, 1));
  run_together(6, [&](int thread) {
    Choice choice(thread);
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      const auto key = choice.below(8);
      if (thread < 3) {
        cache.set(key, Pair(i));
      } else {
        cache.visit(key, [](const Pair& pair) { EXPECT_EQ(pair.left, pair.right); });
      }
    }
  });
}

TEST(Concurrency, TheBoundIsKeptWhileManyThreadsInsert) {  // trap C7
  IntCache cache(sharded(100));
  constexpr int kThreads = 6;
  std::atomic<bool> stop{false};
  std::uint64_t most = 0;
  {
    std::jthread sampler([&] {
      while (!stop) most = std::max(most, cache.stats().current_items);
    });
    run_together(kThreads, [&](int thread) {
      for (std::uint64_t i = 0; i < 10'000; ++i) {
        cache.set(i * kThreads + static_cast<std::uint64_t>(thread), i);
      }
    });
    stop = true;
  }
  EXPECT_LE(most, 100U + kThreads);  // Each insert announces itself before it makes room.
  EXPECT_EQ(cache.size(), 100U);
}

TEST(Concurrency, EveryInsertedValueLeavesExactlyOnce) {  // trap E5
  IntCache cache(sharded(50));
  std::atomic<std::uint64_t> sets{0};
  std::atomic<std::uint64_t> replaced{0};
  std::atomic<std::uint64_t> removed{0};
  std::vector<EventConnection> connections;
  connections.push_back(cache.events().connect(EventType::entry_set, [&](const Event& event) {
    ++sets;
    if (event.cause == RemovalCause::replaced) ++replaced;
  }));
  for (const auto type :
       {EventType::entry_evicted, EventType::entry_deleted, EventType::entry_expired}) {
    connections.push_back(cache.events().connect(type, [&](const Event&) { ++removed; }));
  }
  run_together(6, [&](int thread) {
    Choice choice(thread);
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      if (choice.below(3) == 0) {
        cache.erase(choice.below(100));
      } else {
        cache.set(choice.below(100), i);
      }
    }
  });
  EXPECT_EQ(sets, replaced + removed + cache.size());
  EXPECT_EQ(sets, cache.stats().sets);
}

TEST(Concurrency, EventsOfAKeyComeInTheOrderOfTheirStamps) {  // trap E6
  IntCache cache(sharded(1'000));
  std::mutex mutex;
  std::map<std::string, std::uint64_t> last;
  int disorder = 0;
  auto connection = cache.events().connect(EventType::entry_set, [&](const Event& event) {
    const std::lock_guard lock(mutex);
    auto& before = last[event.key()];
    if (event.stamp <= before) ++disorder;
    before = event.stamp;
  });
  run_together(6, [&](int thread) {
    Choice choice(thread);
    for (std::uint64_t i = 0; i < 3'000; ++i) cache.set(choice.below(5), i);
  });
  EXPECT_EQ(disorder, 0);
  EXPECT_EQ(last.size(), 5U);
}

TEST(Concurrency, ASlotThatUsesTheCacheDoesNotBlockIt) {  // trap E1
  IntCache cache(sharded(20));
  IntCache other(sharded(20));
  std::atomic<int> calls{0};
  auto connection = cache.events().connect(EventType::entry_evicted, [&](const Event& event) {
    ++calls;
    other.set(event.stamp % 50, 1);
    static_cast<void>(cache.get(event.stamp % 50));
    if (calls % 7 == 0) cache.erase(event.stamp % 50);
    if (calls % 101 == 0) cache.set(event.stamp % 50, 1);  // May evict, and so come back here.
  });
  auto back = other.events().connect(EventType::entry_evicted,
                                     [&](const Event&) { static_cast<void>(cache.contains(1)); });
  run_together(6, [&](int thread) {
    Choice choice(thread);
    for (std::uint64_t i = 0; i < 3'000; ++i) cache.set(choice.below(1'000), i);
  });
  EXPECT_GT(calls, 0);
}

// Goal: a snapshot shows one moment. Method: each writer moves an amount between two keys in an
// order that keeps the sum at most the whole, at every moment: first take, then give.
TEST(Concurrency, ASnapshotShowsOneMoment) {  // trap G7
  IntCache cache(sharded(10'000, 8));
  constexpr std::uint64_t kPairs = 64;
  constexpr std::uint64_t kWhole = 1'000;
  for (std::uint64_t pair = 0; pair < kPairs; ++pair) {
    cache.set(2 * pair, kWhole);
    cache.set(2 * pair + 1, 0);
  }
  for (std::uint64_t filler = 1'000; filler < 5'000; ++filler) cache.set(filler, filler);
  std::atomic<bool> stop{false};
  {
    std::vector<std::jthread> writers;
    for (std::uint64_t thread = 0; thread < 3; ++thread) {
      writers.emplace_back([&, thread] {
        for (std::uint64_t i = thread; !stop; i += 3) {
          const std::uint64_t pair = (i / 3 * 3 + thread) % kPairs / 3 * 3 + thread;
          if (pair >= kPairs) continue;
          const auto from = 2 * pair + (i % 2);
          const auto to = 2 * pair + ((i + 1) % 2);
          const auto amount = cache.get(from).value_or(0);
          cache.set(from, 0);
          cache.set(to, cache.get(to).value_or(0) + amount);
        }
      });
    }
    for (int round = 0; round < 30; ++round) {
      const auto snapshot = cache.take_snapshot();
      IntCache copy(sharded(10'000, 2));
      copy.restore_snapshot(snapshot);
      EXPECT_EQ(copy.size(), 2 * kPairs + 4'000);
      for (std::uint64_t pair = 0; pair < kPairs; ++pair) {
        const auto sum = copy.get(2 * pair).value() + copy.get(2 * pair + 1).value();
        EXPECT_TRUE(sum == kWhole || sum == 0) << sum;  // 0: between taking and giving.
      }
    }
    stop = true;
  }
}

TEST(Concurrency, SnapshotsRestoresSwapsAndTrafficMix) {  // traps G8, F1
  auto store = make_memory_store();
  IntCache cache(sharded(200));
  cache.set_write_policy(write_back(store));
  run_together(6, [&](int thread) {
    Choice choice(thread);
    std::optional<Snapshot> snapshot;
    for (int i = 0; i < 1'500; ++i) {
      const auto key = choice.below(400);
      switch (choice.below(40)) {
        case 0:
          snapshot = cache.take_snapshot();
          break;
        case 1:
          if (snapshot) cache.restore_snapshot(*snapshot);
          break;
        case 2:
          if (thread == 0)
            cache.set_write_policy(i % 2 == 0 ? write_through(store) : write_back(store));
          break;
        case 3:
          static_cast<void>(cache.flush());
          break;
        case 4:
          cache.execute(SetCommand{key, key});
          break;
        case 5:
          static_cast<void>(cache.undo());
          break;
        case 6:
          static_cast<void>(cache.redo());
          break;
        case 7:
          if (thread == 1) cache.swap_strategy(i % 2 == 0 ? "ttl" : "lfu");
          break;
        default:
          if (choice.below(2) == 0) {
            cache.set(key, key);
          } else {
            static_cast<void>(cache.get(key));
          }
      }
    }
  });
  EXPECT_TRUE(cache.flush().complete());
  EXPECT_LE(cache.size(), 200U);
  cache.for_each([&](std::uint64_t key, std::uint64_t value) {
    const auto stored = store->load(Codec<std::uint64_t>::encode(key), 0);
    ASSERT_TRUE(stored) << key;
    EXPECT_EQ(Codec<std::uint64_t>::decode(stored->bytes), value) << key;
  });
}

TEST(Concurrency, DestructionWaitsForSweepsFlushesAndProbes) {  // trap F3
  auto store = make_memory_store();
  for (int round = 0; round < 100; ++round) {
    std::shared_ptr<CacheProbe> probe;
    std::atomic<bool> stop{false};
    std::jthread observer;
    {
      auto options = sharded(100);
      options.default_ttl = std::chrono::microseconds(200);
      options.sweep_interval = std::chrono::microseconds(1);
      IntCache cache(options);
      cache.set_write_policy(write_back(store));
      probe = cache.probe();
      observer = std::jthread([&] {
        while (!stop) {
          probe->with_cache([](CacheBase& seen) { static_cast<void>(seen.stats().hits); });
        }
      });
      for (std::uint64_t key = 0; key < 50; ++key) cache.set(key, key);
    }
    EXPECT_FALSE(probe->with_cache([](CacheBase&) {}));
    stop = true;
  }
}

TEST(Concurrency, TheRegistryMakesOneCacheHoweverManyAsk) {
  std::set<IntCache*> seen;
  std::mutex mutex;
  run_together(8, [&](int) {
    auto& cache = CacheRegistry::instance().get<std::uint64_t, std::uint64_t>("asked_by_many");
    const std::lock_guard lock(mutex);
    seen.insert(&cache);
  });
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_TRUE(CacheRegistry::instance().remove("asked_by_many"));
}

}  // namespace
}  // namespace tarmac
