// Goal: what threads see of one key is what some order of the calls, each at a moment between its
// begin and its end, would have shown. Method: record small histories of real threads and search
// for such an order (Wing and Gong, "Testing and Verifying Concurrent Objects", 1993).
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "stress.h"

namespace tarmac {
namespace {

enum class Action { get, set, erase, add };

struct Call {
  Action action = Action::get;
  std::uint64_t argument = 0;
  /// What get() and compute() saw; 0 for nothing.
  std::uint64_t seen = 0;
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
};

/// Searches for an order of one key's calls that explains what each has seen.
class Checker {
 public:
  explicit Checker(std::vector<Call> calls) : calls_(std::move(calls)) {}
  [[nodiscard]] bool explains() { return search(0, 0); }

 private:
  bool search(std::uint64_t done, std::uint64_t value) {
    if (done == (std::uint64_t{1} << calls_.size()) - 1) return true;
    if (!tried_.insert({done, value}).second) return false;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if ((done >> i & 1U) != 0 || !may_be_next(i, done)) continue;
      const auto& call = calls_[i];
      std::uint64_t after = value;
      if (call.action == Action::get && call.seen != value) continue;
      if (call.action == Action::set) after = call.argument;
      if (call.action == Action::erase) after = 0;
      if (call.action == Action::add) {
        if (call.seen != value) continue;
        after = value + call.argument;
      }
      if (search(done | std::uint64_t{1} << i, after)) return true;
    }
    return false;
  }
  /// Not if another call that is still to come had ended before this one began.
  [[nodiscard]] bool may_be_next(std::size_t i, std::uint64_t done) const {
    for (std::size_t j = 0; j < calls_.size(); ++j) {
      if (j != i && (done >> j & 1U) == 0 && calls_[j].ended < calls_[i].began) return false;
    }
    return true;
  }

  std::vector<Call> calls_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> tried_;
};

TEST(Linearizability, TheCheckerRejectsAStaleRead) {
  const std::vector<Call> stale{{Action::set, 1, 0, 0, 1}, {Action::get, 0, 0, 2, 3}};
  EXPECT_FALSE(Checker(stale).explains());
  const std::vector<Call> overlapping{{Action::set, 1, 0, 0, 3}, {Action::get, 0, 0, 2, 4}};
  EXPECT_TRUE(Checker(overlapping).explains());
  const std::vector<Call> lost{
      {Action::add, 1, 0, 0, 5}, {Action::add, 1, 0, 0, 5}, {Action::get, 0, 2, 6, 7}};
  EXPECT_FALSE(Checker(lost).explains());
}

using IntCache = CacheManager<std::uint64_t, std::uint64_t>;

void check_histories(IntCache& cache, std::uint64_t everyday_rounds) {
  const auto rounds = everyday_rounds * core_tests::stress_factor();
  constexpr int kThreads = 3;
  constexpr int kCalls = 6;
  std::atomic<std::uint64_t> time{0};
  std::vector<std::vector<Call>> histories(kThreads);
  std::barrier turn(kThreads + 1);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(core_tests::stress_seed() + static_cast<std::uint64_t>(thread));
      std::uint64_t next_value = static_cast<std::uint64_t>(thread + 1) << 32U;
      for (std::uint64_t round = 0; round < rounds; ++round) {
        turn.arrive_and_wait();
        auto& history = histories[static_cast<std::size_t>(thread)];
        for (int i = 0; i < kCalls; ++i) {
          Call call;
          call.action = static_cast<Action>(random() % 4);
          call.argument = call.action == Action::add ? 1 : ++next_value;
          call.began = time.fetch_add(1);
          switch (call.action) {
            case Action::get:
              call.seen = cache.get(1).value_or(0);
              break;
            case Action::set:
              cache.set(1, call.argument);
              break;
            case Action::erase:
              cache.erase(1);
              break;
            case Action::add:
              cache.compute(1, [&call](std::optional<std::uint64_t> value) {
                call.seen = value.value_or(0);
                return call.seen + call.argument;
              });
          }
          call.ended = time.fetch_add(1);
          history.push_back(call);
        }
        turn.arrive_and_wait();
      }
    });
  }
  for (std::uint64_t round = 0; round < rounds; ++round) {
    cache.erase(1);
    turn.arrive_and_wait();
    turn.arrive_and_wait();
    std::vector<Call> all;
    for (auto& history : histories) {
      all.insert(all.end(), history.begin(), history.end());
      history.clear();
    }
    EXPECT_TRUE(Checker(all).explains()) << "round " << round;
  }
}

CacheOptions options() {
  CacheOptions made;
  made.name = "history";
  made.max_entries = 8;  // One key only, so nothing is evicted, which would not be a write.
  return made;
}

TEST(Linearizability, HoldsWithoutAStore) {  // trap F8
  IntCache cache(options());
  check_histories(cache, 1'000);
}

TEST(Linearizability, HoldsUnderWriteThrough) {  // trap F8
  IntCache cache(options());
  cache.set_write_policy(write_through(make_memory_store()));
  check_histories(cache, 1'000);
}

TEST(Linearizability, HoldsUnderWriteBackAndStrategySwaps) {  // trap F8
  IntCache cache(options());
  cache.set_write_policy(write_back(make_memory_store()));
  std::atomic<bool> stop{false};
  std::jthread swapper([&] {
    while (!stop) {
      cache.swap_strategy("fifo");
      cache.swap_strategy("lru");
    }
  });
  check_histories(cache, 500);
  stop = true;
}

}  // namespace
}  // namespace tarmac
