#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

using IntCache = CacheManager<int, int>;

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const auto& row : catalog()) names.emplace_back(row.name);
  return names;
}

struct ModelEntry {
  int value = 0;
  std::uint64_t weight = 0;
  SteadyNanos deadline = kNever;

  bool operator==(const ModelEntry&) const = default;
};

/// What a cache holds, by the simplest means.
using Content = std::map<int, ModelEntry>;

/// A cache beside the model, driven by the same random operations.
class ModelRun {
 public:
  explicit ModelRun(const Capacity& capacity, std::uint32_t shards)
      : bounded_(capacity.max_entries || capacity.max_bytes), capacity_(capacity) {
    CacheOptions options = quiet_options(clock_);
    options.max_entries = capacity.max_entries;
    options.max_bytes = capacity.max_bytes;
    options.shards = shards;
    options.eviction = *rc::gen::elementOf(strategy_names());
    cache_.emplace(options);
  }

  void step() {
    switch (*rc::gen::inRange(0, 15)) {
      case 0:
        erase();
        break;
      case 1:
        compute();
        break;
      case 2:
        clock_->advance(nanoseconds(*rc::gen::inRange(0, 8)));
        break;
      case 3:
        cache_->swap_strategy(*rc::gen::elementOf(strategy_names()));
        break;
      case 4:
        if (*rc::gen::inRange(0, 4) == 0) clear();
        break;
      case 5:
        take_or_restore();
        break;
      case 6:
      case 7:
        execute();
        break;
      case 8:
        undo_or_redo();
        break;
      case 9:
        if (bounded_) resize();
        break;
      case 10:
      case 11:
      case 12:
        get();
        break;
      default:
        set();
    }
    check();
  }

 private:
  static int any_key() { return *rc::gen::inRange(0, 12); }

  [[nodiscard]] SteadyNanos now() const { return clock_->steady_now(); }

  /// A set with random options: applied to the model, returned for the cache.
  SetOptions any_options(ModelEntry& entry) {
    SetOptions options;
    if (*rc::gen::inRange(0, 3) == 0) {
      const auto ttl = *rc::gen::inRange(-1, 12);
      options.ttl = nanoseconds(ttl);
      entry.deadline = now() + ttl;
    }
    entry.weight = *rc::gen::inRange<std::uint64_t>(0, 9);
    options.weight = entry.weight;
    return options;
  }
  void put(Content& content, int key, const ModelEntry& entry) const {
    const bool fits = !capacity_.max_bytes || entry.weight <= *capacity_.max_bytes;
    if (entry.deadline > now() && fits) {
      content[key] = entry;
    } else {
      content.erase(key);
    }
  }

  void set() {
    const int key = any_key();
    ModelEntry entry{*rc::gen::inRange(0, 1'000)};
    const auto options = any_options(entry);
    const auto outcome = cache_->set(key, entry.value, options);
    put(model_, key, entry);
    RC_ASSERT((outcome == SetOutcome::stored) == model_.contains(key));
    ++sets_;
  }
  void get() {
    const int key = any_key();
    const auto found = cache_->get(key);
    ++gets_;
    drop_expired();
    const auto expected = model_.find(key);
    if (found) {
      RC_ASSERT(expected != model_.end());
      RC_ASSERT(*found == expected->second.value);
    } else if (!bounded_) {
      RC_ASSERT(expected == model_.end());
    }
  }
  void erase() {
    const int key = any_key();
    drop_expired();
    const bool gone = cache_->erase(key);
    const bool expected = model_.erase(key) != 0;
    if (!bounded_) RC_ASSERT(gone == expected);
  }
  void compute() {
    const int key = any_key();
    ModelEntry entry;
    const auto options = any_options(entry);
    cache_->compute(
        key,
        [&entry](std::optional<int> value) {
          entry.value = value.value_or(0) + 1;
          return entry.value;
        },
        options);
    put(model_, key, entry);
    ++sets_;
  }
  void clear() {
    cache_->clear();
    model_.clear();
  }
  void take_or_restore() {
    if (!snapshot_ || *rc::gen::arbitrary<bool>()) {
      snapshot_ = cache_->take_snapshot();
      drop_expired();
      snapshot_model_ = model_;
      if (bounded_) snapshot_model_ = actual();
      RC_ASSERT(snapshot_->size() == snapshot_model_.size());
    } else {
      cache_->restore_snapshot(*snapshot_);
      model_ = snapshot_model_;
      drop_expired();
    }
  }
  /// Commands are checked by what undo gives back: the model remembers both sides.
  void execute() {
    const int key = any_key();
    ModelEntry entry{*rc::gen::inRange(0, 1'000)};
    if (*rc::gen::inRange(0, 3) == 0) {
      cache_->execute(DeleteCommand{key});
      model_.erase(key);
    } else {
      const auto options = any_options(entry);
      cache_->execute(SetCommand{key, entry.value, options});
      put(model_, key, entry);
      ++sets_;
    }
  }
  /// Whether it is done or a conflict, the cache tells what it now holds; what must hold is that a
  /// conflict changes nothing.
  void undo_or_redo() {
    const auto before = actual();
    const auto outcome = *rc::gen::arbitrary<bool>() ? cache_->undo() : cache_->redo();
    if (outcome != UndoOutcome::done) RC_ASSERT(actual() == before);
    model_ = actual();
  }
  void resize() {
    if (capacity_.max_entries) capacity_.max_entries = *rc::gen::inRange<std::uint64_t>(1, 9);
    if (capacity_.max_bytes) capacity_.max_bytes = *rc::gen::inRange<std::uint64_t>(1, 40);
    cache_->resize(capacity_);
  }

  void drop_expired() {
    std::erase_if(model_, [this](const auto& row) { return row.second.deadline <= now(); });
  }
  [[nodiscard]] Content actual() {
    Content content;
    cache_->for_each([&](const int& key, const int& value) {
      const auto info = cache_->inspect(key);
      RC_ASSERT(info);
      RC_ASSERT(!content.contains(key));
      const auto deadline = info->remaining_ttl ? now() + info->remaining_ttl->count() : kNever;
      content[key] = {value, info->weight, deadline};
    });
    return content;
  }

  void check() {  // trap C1, trap L1, trap L2
    drop_expired();
    const auto content = actual();
    if (bounded_) {
      for (const auto& [key, entry] : content) {
        const auto expected = model_.find(key);
        RC_ASSERT(expected != model_.end());
        RC_ASSERT(expected->second == entry);
      }
    } else {
      RC_ASSERT(content == model_);
    }
    std::uint64_t weight = 0;
    for (const auto& row : content) weight += row.second.weight;
    RC_ASSERT(cache_->size() == content.size());
    RC_ASSERT(cache_->weight() == weight);
    if (capacity_.max_entries) RC_ASSERT(content.size() <= *capacity_.max_entries);
    if (capacity_.max_bytes) RC_ASSERT(weight <= *capacity_.max_bytes);
    const auto stats = cache_->stats();
    RC_ASSERT(stats.hits + stats.misses == gets_);
    RC_ASSERT(stats.sets == sets_);
    RC_ASSERT(stats.current_items == content.size());
    RC_ASSERT(stats.total_bytes == weight);
    const std::vector counters{stats.hits,        stats.misses, stats.evictions,
                               stats.expirations, stats.sets,   stats.deletes};
    for (std::size_t i = 0; i < counters.size(); ++i) RC_ASSERT(counters[i] >= last_counters_[i]);
    last_counters_ = counters;
  }

  const bool bounded_;
  Capacity capacity_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::optional<IntCache> cache_;
  Content model_;
  std::optional<Snapshot> snapshot_;
  Content snapshot_model_;
  std::uint64_t gets_ = 0;
  std::uint64_t sets_ = 0;
  std::vector<std::uint64_t> last_counters_ = std::vector<std::uint64_t>(6, 0);
};

// Goal: whatever is done to a cache in whatever order, it holds what a plain map would hold, with
// the same deadlines and weights, and its figures add up. Method: random sequences, checked after
// each step.
TEST(CacheModel, AnUnboundedCacheHoldsWhatAMapHolds) {
  const bool held = rc::check("unbounded cache against std::map", [] {
    ModelRun run({}, *rc::gen::element(1U, 4U));
    const auto steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) run.step();
  });
  EXPECT_TRUE(held);
}

// The same with bounds: which entries are left is the strategy's to say, but none may be wrong.
TEST(CacheModel, ABoundedCacheHoldsNothingElseAndNotTooMuch) {
  const bool held = rc::check("bounded cache against std::map", [] {
    Capacity capacity;
    const auto kind = *rc::gen::inRange(0, 3);
    if (kind != 0) capacity.max_entries = *rc::gen::inRange<std::uint64_t>(1, 9);
    if (kind != 1) capacity.max_bytes = *rc::gen::inRange<std::uint64_t>(1, 40);
    ModelRun run(capacity, *rc::gen::element(1U, 4U));
    const auto steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) run.step();
  });
  EXPECT_TRUE(held);
}

class EveryStrategy : public ::testing::TestWithParam<std::string> {
 protected:
  CacheOptions options() {
    CacheOptions options = quiet_options(clock_);
    options.eviction = GetParam();
    return options;
  }
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};
INSTANTIATE_TEST_SUITE_P(Catalog, EveryStrategy, ::testing::ValuesIn(strategy_names()),
                         [](const auto& row) { return row.param; });

TEST_P(EveryStrategy, KeepsItsBoundAtAnyCapacity) {  // trap C4
  for (const std::uint64_t capacity : {1U, 2U, 3U, 100U}) {
    auto bounded = options();
    bounded.max_entries = capacity;
    IntCache cache(bounded);
    for (int i = 0; i < 500; ++i) {
      cache.set((i * 7) % 250, i, {.ttl = seconds(1 + i % 5)});
      ASSERT_LE(cache.size(), capacity);
      ASSERT_TRUE(cache.contains((i * 7) % 250));
      static_cast<void>(cache.get(i % 250));
      if (i % 50 == 0) clock_->advance(seconds(1));
    }
    const auto stats = cache.stats();
    std::uint64_t live = cache.size();
    EXPECT_LE(live, capacity);
    cache.resize({.max_entries = 1});
    EXPECT_LE(cache.size(), 1U);
    EXPECT_EQ(stats.hits + stats.misses, 500U);
  }
}

TEST_P(EveryStrategy, EvictsNothingThatFitsAndEverythingElse) {
  auto bounded = options();
  bounded.max_entries = 10;
  IntCache cache(bounded);
  for (int i = 0; i < 10; ++i) cache.set(i, i);
  EXPECT_EQ(cache.stats().evictions, 0U);
  for (int i = 0; i < 10; ++i) cache.set(i, -i);
  EXPECT_EQ(cache.stats().evictions, 0U) << "replacing evicts nothing";
  for (int i = 10; i < 30; ++i) cache.set(i, i);
  EXPECT_EQ(cache.stats().evictions, 20U);
  EXPECT_EQ(cache.size(), 10U);
}

TEST_P(EveryStrategy, ABoundInBytesHoldsWhenAValueGrows) {  // trap C1
  auto bounded = options();
  bounded.max_entries = std::nullopt;
  bounded.max_bytes = 100;
  IntCache cache(bounded);
  for (int i = 0; i < 10; ++i) cache.set(i, i, {.weight = 10});
  EXPECT_EQ(cache.weight(), 100U);
  for (int i = 0; i < 10; ++i) {
    cache.set(i, i, {.weight = 10 + static_cast<std::uint64_t>(i) * 9});
    ASSERT_LE(cache.weight(), 100U);
  }
  cache.set(0, 0, {.weight = 100});
  EXPECT_LE(cache.weight(), 100U);
  cache.clear();
  EXPECT_EQ(cache.weight(), 0U);
}

TEST(Accounting, TheWeightIsThatOfTheMomentOfTheSet) {  // trap C2
  const auto clock = std::make_shared<ManualClock>();
  std::uint64_t scale = 5;
  IntCache cache(quiet_options(clock), [&scale](const int&, const int&) { return scale; });
  cache.set(1, 1);
  scale = 50;
  cache.set(2, 2);
  EXPECT_EQ(cache.weight(), 55U);
  scale = 500;
  EXPECT_TRUE(cache.erase(1));
  EXPECT_EQ(cache.weight(), 50U);
  cache.set(2, 3);
  EXPECT_EQ(cache.weight(), 500U);
  cache.erase(2);
  EXPECT_EQ(cache.weight(), 0U);
}

// A value that grows makes room at the cost of others: set() has said that it is stored.
TEST(AccountingTest, AnUpdateThatNeedsRoomDoesNotEvictItself) {
  for (const auto& row : catalog()) {
    auto options = quiet_options(std::make_shared<ManualClock>());
    options.max_entries = std::nullopt;
    options.max_bytes = 100;
    options.eviction = std::string(row.name);
    StringCache cache(options);
    for (const auto* key : {"a", "b", "c", "d"}) cache.set(key, "v", {.weight = 25});
    EXPECT_EQ(cache.set("a", "larger", {.weight = 60}), SetOutcome::stored) << row.name;
    EXPECT_EQ(cache.get("a"), "larger") << row.name;
    EXPECT_EQ(cache.weight(), 85U) << row.name;
    EXPECT_EQ(cache.set("a", "all", {.weight = 100}), SetOutcome::stored) << row.name;
    EXPECT_EQ(cache.get("a"), "all") << row.name;
    EXPECT_EQ(cache.size(), 1U) << row.name;
  }
}

}  // namespace
}  // namespace tarmac::core_tests
