#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/lru.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

using IntCache = CacheManager<int, int>;

/// What a strategy was told, kept by the test.
struct Tally {
  std::set<const EntryNode*> tracked;
  std::map<RemovalCause, int> removed;
  int inserted = 0;
  int faults = 0;
};

/// LRU that checks what it is told: each node comes in once and leaves once.
class CountingStrategy final : public EvictionStrategy {
 public:
  explicit CountingStrategy(Tally& tally) : tally_(tally) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "counting"; }
  void on_insert(EntryNode& node) noexcept override {
    ++tally_.inserted;
    if (!tally_.tracked.insert(&node).second) ++tally_.faults;
    inner_->on_insert(node);
  }
  void on_access(EntryNode& node) noexcept override {
    expect_tracked(node);
    inner_->on_access(node);
  }
  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    expect_tracked(node);
    inner_->on_update(node, old_weight);
  }
  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if (tally_.tracked.erase(&node) != 1) ++tally_.faults;
    ++tally_.removed[cause];
    inner_->on_remove(node, cause);
  }
  [[nodiscard]] EntryNode* choose_victim() noexcept override { return inner_->choose_victim(); }
  void hand_over(std::span<EntryNode*> order) noexcept override {
    if (order.size() != tally_.tracked.size()) ++tally_.faults;
    inner_->hand_over(order);
    tally_.tracked.clear();
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    if (!tally_.tracked.empty()) ++tally_.faults;
    inner_->take_over(order);
    tally_.tracked.insert(order.begin(), order.end());
  }

 private:
  void expect_tracked(const EntryNode& node) noexcept {
    if (!tally_.tracked.contains(&node)) ++tally_.faults;
  }

  Tally& tally_;
  std::unique_ptr<EvictionStrategy> inner_ = make_lru();
};

class SwapTest : public ::testing::Test {
 protected:
  CacheOptions options(std::uint64_t max_entries) {
    CacheOptions options = quiet_options(clock_);
    options.max_entries = max_entries;
    return options;
  }
  static std::vector<int> keys_of(IntCache& cache) {
    std::set<int> keys;
    cache.for_each([&keys](const int& key, const int&) { keys.insert(key); });
    return {keys.begin(), keys.end()};
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

// Goal: each way out of the cache tells the strategy, once.
TEST_F(SwapTest, EveryRemovalReachesTheStrategy) {  // trap D9
  std::vector<std::unique_ptr<Tally>> tallies;
  IntCache cache(options(5));
  cache.swap_strategy("counting", [&tallies] {
    tallies.push_back(std::make_unique<Tally>());
    return std::make_unique<CountingStrategy>(*tallies.back());
  });
  const auto check = [&](const char* what) {
    EXPECT_EQ(tallies.back()->faults, 0) << what;
    EXPECT_EQ(tallies.back()->tracked.size(), cache.size()) << what;
  };
  for (int i = 0; i < 8; ++i) cache.set(i, i);
  check("evictions");
  EXPECT_EQ(tallies.back()->removed[RemovalCause::evicted], 3);
  cache.set(7, 70);
  check("replacement");
  cache.erase(7);
  check("erase");
  cache.set(20, 1, {.ttl = seconds(1)});
  clock_->advance(seconds(1));
  EXPECT_EQ(cache.get(20), std::nullopt);
  check("expiry by a look");
  cache.set(21, 1, {.ttl = seconds(1)});
  clock_->advance(seconds(1));
  cache.purge_expired();
  check("expiry by a sweep");
  EXPECT_EQ(tallies.back()->removed[RemovalCause::expired], 2);
  cache.compute(6, [](auto) { return std::optional<int>(); });
  check("compute");
  cache.execute(SetCommand{30, 1});
  cache.execute(DeleteCommand{5});
  check("commands");
  cache.undo();
  cache.undo();
  check("undo");
  const auto snapshot = cache.take_snapshot();
  cache.clear();
  check("clear");
  cache.restore_snapshot(snapshot);
  check("restore");
  cache.resize({.max_entries = 1});
  check("resize");
  cache.swap_strategy("lfu");
  EXPECT_TRUE(tallies.back()->tracked.empty()) << "handed over";
  EXPECT_EQ(tallies.back()->faults, 0);
}

TEST_F(SwapTest, KeepsEveryEntryAndEvictsNothing) {  // trap D1, trap D4
  IntCache cache(options(100));
  for (int i = 0; i < 100; ++i) cache.set(i, i, {.ttl = seconds(10 + i % 7), .weight = 3});
  const auto before = keys_of(cache);
  for (const auto& from : catalog()) {
    for (const auto& to : catalog()) {
      cache.swap_strategy(std::string(from.name));
      cache.swap_strategy(std::string(to.name));
      EXPECT_EQ(cache.describe().strategy, to.name);
      EXPECT_EQ(keys_of(cache), before);
      EXPECT_EQ(cache.weight(), 300U);
      EXPECT_EQ(cache.inspect(3)->remaining_ttl, seconds(13));
    }
  }
  EXPECT_EQ(cache.stats().evictions, 0U);
}

TEST_F(SwapTest, LeavesNoHookBehindInALongLoop) {  // trap D2, trap D6
  IntCache cache(options(16));
  const auto count_threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                         std::filesystem::directory_iterator());
  };
  const auto slots = cache.events().slot_count();
  const auto threads = count_threads();
  const auto rows = catalog();
  for (int i = 0; i < 10'000; ++i) {
    cache.set(i % 40, i);
    cache.swap_strategy(std::string(rows[static_cast<std::size_t>(i) % rows.size()].name));
    static_cast<void>(cache.get((i * 3) % 40));
    if (i % 5 == 0) cache.erase(i % 40);
    ASSERT_LE(cache.size(), 16U);
  }
  EXPECT_EQ(cache.events().slot_count(), slots);
  EXPECT_EQ(count_threads(), threads);
  EXPECT_EQ(cache.stats().strategy_swaps, 10'000U);
}

// Goal: what was hot under the old strategy survives a scan under the new one.
TEST_F(SwapTest, TheHotSetSurvivesTheScanAfterASwapToLfu) {  // trap D3
  IntCache cache(options(100));
  for (int i = 0; i < 100; ++i) cache.set(i, i);
  for (int round = 0; round < 5; ++round) {
    for (int hot = 0; hot < 20; ++hot) static_cast<void>(cache.get(hot));
  }
  for (int cold = 50; cold < 100; ++cold) static_cast<void>(cache.get(cold));  // Newer than hot.
  cache.swap_strategy("lfu");
  for (int scan = 1'000; scan < 1'080; ++scan) cache.set(scan, scan);
  for (int hot = 0; hot < 20; ++hot) EXPECT_TRUE(cache.contains(hot)) << hot;
}

TEST_F(SwapTest, LruGoesOnInTheOrderOfUseThatItNeverSaw) {  // trap D5, trap D12
  CacheOptions lfu = options(4);
  lfu.eviction = "lfu";
  IntCache cache(lfu);
  for (int i = 0; i < 4; ++i) cache.set(i, i);
  static_cast<void>(cache.get(0));
  static_cast<void>(cache.get(2));
  cache.swap_strategy("lru");
  cache.set(10, 0);
  cache.set(11, 0);
  EXPECT_THAT(keys_of(cache), ElementsAre(0, 2, 10, 11));
  cache.set(12, 0);
  EXPECT_THAT(keys_of(cache), ElementsAre(2, 10, 11, 12));
}

// Where nobody asks for hits, none are recorded, and there is nothing to remember but the coming
// in.
TEST_F(SwapTest, AfterFifoLruStartsFromTheOrderOfInsertion) {
  CacheOptions fifo = options(3);
  fifo.eviction = "fifo";
  IntCache cache(fifo);
  for (int i = 0; i < 3; ++i) cache.set(i, i);
  static_cast<void>(cache.get(0));
  EXPECT_EQ(cache.inspect(0)->visits, 0U);
  cache.swap_strategy("lru");
  static_cast<void>(cache.get(1));
  cache.set(10, 0);
  cache.set(11, 0);
  EXPECT_THAT(keys_of(cache), ElementsAre(1, 10, 11));
}

TEST_F(SwapTest, AStrategyThatCannotBeMadeLeavesTheOldOneAtWork) {  // trap D7
  CacheOptions sharded = options(8);
  sharded.shards = 4;
  IntCache cache(sharded);
  EventLog log(cache);
  for (int i = 0; i < 8; ++i) cache.set(i, i);
  static_cast<void>(log.take());
  EXPECT_THROW(cache.swap_strategy("no such"), ConfigError);
  EXPECT_THROW(cache.swap_strategy("lfu", {{"ageing", "perhaps"}}), ConfigError);
  EXPECT_THROW(cache.swap_strategy("null", [] { return std::unique_ptr<EvictionStrategy>(); }),
               ConfigError);
  int made = 0;
  EXPECT_THROW(cache.swap_strategy("third fails",
                                   [&made]() -> std::unique_ptr<EvictionStrategy> {
                                     if (++made == 3) throw std::bad_alloc();
                                     return make_lru();
                                   }),
               std::bad_alloc);
  EXPECT_TRUE(log.take().empty());
  EXPECT_EQ(cache.describe().strategy, "lru");
  EXPECT_EQ(cache.stats().strategy_swaps, 0U);
  EXPECT_EQ(cache.size(), 8U);
  for (int i = 100; i < 200; ++i) cache.set(i, i);
  EXPECT_EQ(cache.size(), 8U);
}

TEST_F(SwapTest, TellsWhatWasSwappedAndHowMuch) {
  IntCache cache(options(8));
  EventLog log(cache);
  cache.set(1, 1);
  cache.set(2, 2);
  static_cast<void>(log.take());
  cache.swap_strategy("lfu");
  const auto seen = log.take();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].type, EventType::strategy_swapped);
  EXPECT_EQ(seen[0].detail, "lru -> lfu");
  EXPECT_EQ(seen[0].count, 2U);
}

TEST_F(SwapTest, PublishesWhatASwapCosts) {  // trap D8: the cost is stated, not judged
  IntCache cache(options(200'000));
  for (int i = 0; i < 100'000; ++i) cache.set(i, i);
  for (const auto& row : catalog()) {
    const auto began = system_clock()->steady_now();
    cache.swap_strategy(std::string(row.name));
    const auto took = system_clock()->steady_now() - began;
    std::printf("swap of 100000 entries to %s: %.1f ms\n", std::string(row.name).c_str(),
                static_cast<double>(took) / 1e6);
  }
  EXPECT_EQ(cache.size(), 100'000U);
}

}  // namespace
}  // namespace tarmac::core_tests
