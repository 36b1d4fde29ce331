// Loads by many threads at once.
#include <gtest/gtest.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <atomic>
#include <barrier>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "loading_rig.h"

namespace tarmac::core_tests {
namespace {

using IntCache = CacheManager<std::uint64_t, std::uint64_t>;

class ThreadedLoading : public ::testing::Test {
 protected:
  StringCache cache_{quiet_options(nullptr)};
};

void join(std::vector<std::thread>& threads) {
  for (auto& thread : threads) thread.join();
}

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& what) {
    return what.what();
  }
}

TEST_F(ThreadedLoading, CallsOneLoaderHoweverManyAsk) {
  constexpr int kWaiters = 15;
  HeldLoad first(cache_, "k", "v");
  std::atomic<int> called{0};
  std::atomic<int> right{0};
  std::vector<std::thread> waiters;
  waiters.reserve(kWaiters);
  for (int i = 0; i < kWaiters; ++i) {
    waiters.emplace_back([&] {
      const auto value = cache_.get_or_load("k", [&] {
        ++called;
        return "mine";
      });
      if (value == "v") ++right;
    });
  }
  await_coalesced(cache_, kWaiters);
  EXPECT_EQ(first.finish(), "v");
  join(waiters);
  EXPECT_EQ(called, 0);
  EXPECT_EQ(right, kWaiters);
  EXPECT_EQ(cache_.stats().loads, 1U);
  EXPECT_EQ(cache_.stats().coalesced_loads, static_cast<std::uint64_t>(kWaiters));
}

// What is thrown is one object for all who wait. Each keeps it until the others are done: a
// standard library that was built without the thread sanitizer counts its holders where the
// sanitizer does not see it, and the last one's delete would look like a race with the others'
// reads.
TEST_F(ThreadedLoading, GivesAllWaitersTheException) {  // trap A5
  constexpr std::size_t kWaiters = 16;
  std::latch began(1);
  std::latch go_on(1);
  std::array<std::exception_ptr, kWaiters + 1> thrown;
  const auto ask = [&](std::size_t who, const auto& loader) {
    try {
      static_cast<void>(cache_.get_or_load("k", loader));
    } catch (...) {
      thrown[who] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    ask(kWaiters, [&]() -> std::string {
      began.count_down();
      go_on.wait();
      throw std::runtime_error("no network");
    });
  });
  began.wait();
  for (std::size_t i = 0; i < kWaiters; ++i) {
    threads.emplace_back([&, i] { ask(i, [] { return "of a waiter"; }); });
  }
  await_coalesced(cache_, kWaiters);
  go_on.count_down();
  join(threads);
  for (const auto& error : thrown) {
    ASSERT_TRUE(error);
    EXPECT_EQ(message_of(error), "no network");
  }
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v");
}

TEST_F(ThreadedLoading, LetsThoseWhoNeedAValueLoadWhereOthersFoundNothing) {
  std::latch began(1);
  std::latch go_on(1);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    EXPECT_EQ(cache_.get_or_load("k",
                                 [&]() -> std::optional<std::string> {
                                   began.count_down();
                                   go_on.wait();
                                   return std::nullopt;
                                 }),
              std::nullopt);
  });
  began.wait();
  threads.emplace_back([&] { EXPECT_EQ(cache_.get_or_load("k", [] { return "v"; }), "v"); });
  await_coalesced(cache_, 1);
  go_on.count_down();
  join(threads);
  EXPECT_EQ(cache_.get("k"), "v");
}

// Goal: two loaders that each load the other's key do not wait for each other for ever.
TEST_F(ThreadedLoading, RefusesACircleOfTwoThreads) {  // trap A8
  std::barrier both_load(2);
  std::atomic<int> refused{0};
  const auto load = [&](const std::string& mine, const std::string& other) {
    try {
      static_cast<void>(cache_.get_or_load(mine, [&] {
        both_load.arrive_and_wait();
        return cache_.get_or_load(other, [] { return std::string("unreached"); });
      }));
    } catch (const UsageError&) {
      ++refused;
    }
  };
  std::thread other([&] { load("b", "a"); });
  load("a", "b");
  other.join();
  EXPECT_EQ(refused, 2);  // One found the circle; the other waited for that one's result.
  EXPECT_EQ(cache_.get_or_load("a", [] { return "v"; }), "v");
}

// A load and a compute() that wait for each other are a circle, too.
TEST_F(ThreadedLoading, RefusesACircleThroughACompute) {  // trap A8
  std::barrier both_hold(2);
  std::atomic<int> refused{0};
  std::thread computing([&] {
    try {
      bool first = true;
      cache_.compute("computed", [&](const auto&) {
        if (std::exchange(first, false)) both_hold.arrive_and_wait();
        return cache_.get_or_load("loaded", [] { return std::string("v"); });
      });
    } catch (const UsageError&) {
      ++refused;
    }
  });
  try {
    static_cast<void>(cache_.get_or_load("loaded", [&] {
      both_hold.arrive_and_wait();
      cache_.set("computed", "set");
      return std::string("v");
    }));
  } catch (const UsageError&) {
    ++refused;
  }
  computing.join();
  EXPECT_GE(refused, 1);
}

// Goal: a thread that was let go, but has not woken yet, is not taken for one that still waits.
// Method: the other thread cannot wake, because this one keeps the mutex; nobody waits in a circle.
TEST(KeyLocks, TakesNoWaitThatIsOverForACircle) {
  std::mutex mutex;
  internal::KeyLocks<int, KeyEqual> locks;
  const int key = 1;
  {
    const std::lock_guard lock(mutex);
    locks.lock(key, 0, 1);
  }
  bool waits = false;
  std::thread other([&] {
    std::unique_lock lock(mutex);
    waits = true;  // Nobody sees it before the mutex is released, which is by waiting.
    locks.wait_until_free(lock, key, 0);
  });
  std::unique_lock lock(mutex);
  while (!waits) {
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
  const int elsewhere = 2;
  EXPECT_THROW(internal::WaitGraph::begin_wait(other.get_id(), &elsewhere), UsageError);
  locks.unlock(key);
  EXPECT_NO_THROW(internal::WaitGraph::begin_wait(other.get_id(), &elsewhere));
  internal::WaitGraph::end_waits_for(&elsewhere);
  lock.unlock();
  other.join();
}

// Goal: between the end of a load and its value in the cache there is no gap in which a second
// loader is called. Method: the generation of a key is raised before it is erased, so a loader that
// is called twice in one generation has found such a gap.
TEST_F(ThreadedLoading, CallsAtMostOneLoaderForAGeneration) {  // trap A6
  constexpr int kThreads = 8;
  constexpr int kRounds = 300;
  constexpr std::uint64_t kKeys = 16;
  CacheOptions options = quiet_options(nullptr);
  options.shards = 4;
  IntCache cache(options);
  std::atomic<int> called{0};
  std::barrier together(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        together.arrive_and_wait();
        for (std::uint64_t key = 0; key < kKeys; ++key) {
          const auto value = cache.get_or_load(key, [&] {
            ++called;
            return key + 1;
          });
          EXPECT_EQ(value, key + 1);
        }
        together.arrive_and_wait();
        if (t == 0) cache.clear();
      }
    });
  }
  join(threads);
  EXPECT_EQ(called, kRounds * static_cast<int>(kKeys));
}

// Goal: whatever the timing, when everything has come to rest the cache agrees with the source.
// Method: writers change the source, then erase the key; readers load. No latch: the machine
// chooses the moments.
TEST_F(ThreadedLoading, AgreesWithTheSourceInTheEnd) {
  constexpr std::uint64_t kKeys = 64;
  constexpr int kWrites = 3'000;
  constexpr int kReaders = 3;
  CacheOptions options = quiet_options(nullptr);
  options.shards = 2;
  IntCache cache(options);
  std::array<std::atomic<std::uint64_t>, kKeys> source{};
  std::atomic<bool> ends{false};
  std::vector<std::thread> readers;
  readers.reserve(kReaders);
  for (int t = 0; t < kReaders; ++t) {
    readers.emplace_back([&] {
      for (std::uint64_t i = 0; !ends; ++i) {
        const auto key = i % kKeys;
        static_cast<void>(cache.get_or_load(key, [&] {
          const auto read = source[key].load();
          std::this_thread::yield();
          return read;
        }));
      }
    });
  }
  for (int i = 0; i < kWrites; ++i) {
    const auto key = static_cast<std::uint64_t>(i) * 7 % kKeys;
    ++source[key];
    cache.erase(key);
    if (i % 500 == 0) cache.clear();
    // What is asked for after the erase was loaded after it.
    EXPECT_EQ(cache.get_or_load(key, [&] { return source[key].load(); }), source[key]);
  }
  ends = true;
  join(readers);
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    const auto cached = cache.get(key);
    EXPECT_EQ(cached.value_or(source[key]), source[key]) << "key " << key;
  }
}

}  // namespace
}  // namespace tarmac::core_tests
