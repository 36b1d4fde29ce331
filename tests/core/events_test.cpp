#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"

namespace tarmac {
namespace core_tests {

/// A key whose turning into text is counted.
struct RenderedKey {
  int n = 0;
  bool operator==(const RenderedKey&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const RenderedKey& key) {
    ++renders;
    return out << "key " << key.n;
  }

  static inline int renders = 0;
};
struct RenderedHash {
  std::uint64_t operator()(const RenderedKey& key, std::uint64_t seed) const {
    return mix(static_cast<std::uint64_t>(key.n), seed);
  }
};

/// Calls a function when the last copy of it goes.
class Bell {
 public:
  Bell() = default;
  explicit Bell(std::function<void()> ring) : ring_(new std::function(std::move(ring)), call) {}

 private:
  static void call(const std::function<void()>* ring) {
    (*ring)();
    delete ring;
  }

  std::shared_ptr<const std::function<void()>> ring_;
};

}  // namespace core_tests

template <>
struct Codec<core_tests::Bell> {
  static std::string encode(const core_tests::Bell&) { return "bell"; }
  static core_tests::Bell decode(std::string_view) { return {}; }
};

namespace core_tests {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

class EventsTest : public ::testing::Test {
 protected:
  CacheOptions options() { return quiet_options(clock_); }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

using Lines = std::vector<std::string>;

/// One operation on "k", and what must be told for each state of that key.
struct MatrixRow {
  std::string name;
  std::function<void(StringCache&)> act;
  Lines if_absent;
  Lines if_live;
  Lines if_expired;
};

const Lines kExpired{"entry_expired k expired"};

const std::vector<MatrixRow>& matrix() {
  static const std::vector<MatrixRow> rows{
      {"set",
       [](StringCache& c) { c.set("k", "v"); },
       {"entry_set k"},
       {"entry_set k replaced"},
       {"entry_expired k expired", "entry_set k"}},
      {"set_expired_at_once",
       [](StringCache& c) { c.set("k", "v", {.ttl = nanoseconds(0)}); },
       {},
       kExpired,
       kExpired},
      {"set_too_large",
       [](StringCache& c) { c.set("k", "v", {.weight = 1'000}); },
       {},
       {"entry_deleted k refused"},
       kExpired},
      {"get",
       [](StringCache& c) { static_cast<void>(c.get("k")); },
       {"entry_get_miss k"},
       {"entry_get_hit k"},
       {"entry_expired k expired", "entry_get_miss k"}},
      {"erase", [](StringCache& c) { c.erase("k"); }, {}, {"entry_deleted k erased"}, kExpired},
      {"clear", [](StringCache& c) { c.clear(); }, {}, {"entry_deleted k cleared"}, kExpired},
      {"compute_a_value",
       [](StringCache& c) { c.compute("k", [](auto) { return std::string("v"); }); },
       {"entry_set k"},
       {"entry_set k replaced"},
       {"entry_expired k expired", "entry_set k"}},
      {"compute_nothing",
       [](StringCache& c) { c.compute("k", [](auto) { return std::optional<std::string>(); }); },
       {},
       {"entry_deleted k erased"},
       kExpired},
      {"erase_if",
       [](StringCache& c) { c.erase_if([](const auto&, const auto&) { return true; }); },
       {},
       {"entry_deleted k erased"},
       {}},
      {"make_room",
       [](StringCache& c) { c.set("o", "v", {.weight = 100}); },
       {"entry_set o"},
       {"entry_evicted k evicted", "entry_set o"},
       {"entry_expired k expired", "entry_set o"}},
      {"shrink",
       [](StringCache& c) { c.resize({.max_entries = 5, .max_bytes = 1}); },
       {},
       {"entry_evicted k evicted"},
       kExpired},
      {"purge", [](StringCache& c) { c.purge_expired(); }, {}, {}, kExpired},
      {"contains", [](StringCache& c) { static_cast<void>(c.contains("k")); }, {}, {}, {}},
      {"inspect", [](StringCache& c) { static_cast<void>(c.inspect("k")); }, {}, {}, {}},
  };
  return rows;
}

class EventMatrix : public EventsTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  Lines told_by(const MatrixRow& row, bool present, bool expired) {
    auto bounded = options();
    bounded.max_bytes = 100;
    StringCache cache(bounded);
    if (present) cache.set("k", "old", {.ttl = seconds(1)});
    if (expired) clock_->advance(seconds(1));
    EventLog log(cache);
    row.act(cache);
    return log.take_lines();
  }
};

TEST_P(EventMatrix, TellsExactlyOneCause) {  // trap E4
  const auto& row = matrix()[GetParam()];
  EXPECT_THAT(told_by(row, false, false), ElementsAreArray(row.if_absent)) << "absent";
  EXPECT_THAT(told_by(row, true, false), ElementsAreArray(row.if_live)) << "live";
  EXPECT_THAT(told_by(row, true, true), ElementsAreArray(row.if_expired)) << "expired";
}

INSTANTIATE_TEST_SUITE_P(Each, EventMatrix, ::testing::Range<std::size_t>(0, matrix().size()),
                         [](const auto& row) { return matrix()[row.param].name; });

TEST_F(EventsTest, CarryStampWeightTimeAndCacheOfWhatTheyTell) {
  StringCache cache(options());
  EventLog log(cache);
  cache.set("k", "one", {.weight = 5});
  const auto first = cache.inspect("k")->stamp;
  clock_->advance(seconds(3));
  cache.set("k", "two", {.weight = 6});
  const auto second = cache.inspect("k")->stamp;
  cache.erase("k");
  const auto seen = log.take();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].stamp, first);
  EXPECT_EQ(seen[1].stamp, second);
  EXPECT_EQ(seen[2].stamp, second) << "of the version that left";
  EXPECT_LT(first, second);
  EXPECT_EQ(seen[0].weight, 5U);
  EXPECT_EQ(seen[2].weight, 6U);
  EXPECT_EQ(seen[0].at, ManualClock::kSteadyStart);
  EXPECT_EQ(seen[1].at, clock_->steady_now());
  EXPECT_EQ(seen[2].count, 1U);
}

// Goal: one removal for each value that came in, whichever way it leaves. Method: many operations
// in a small cache; every stamp of a set is ended by exactly one replacement or removal.
TEST_F(EventsTest, EachInsertedValueLeavesExactlyOnce) {  // trap E5
  auto small = options();
  small.max_entries = 4;
  StringCache cache(small);
  EventLog log(cache);
  for (int i = 0; i < 400; ++i) {
    const auto key = std::to_string((i * 7) % 11);
    if (i % 3 == 0) {
      cache.set(key, "v", {.ttl = seconds(1 + i % 4)});
    } else if (i % 3 == 1) {
      cache.set(key, "v");
    } else if (i % 5 == 0) {
      cache.erase(key);
    } else {
      static_cast<void>(cache.get(key));
    }
    if (i % 10 == 0) clock_->advance(seconds(1));
    if (i == 200) cache.clear();
  }
  cache.clear();
  std::map<std::string, std::uint64_t> living;
  for (const auto& event : log.take()) {
    switch (event.type) {
      case EventType::entry_set:
        EXPECT_EQ(living.contains(event.key), event.cause == RemovalCause::replaced) << event.key;
        living[event.key] = event.stamp;
        break;
      case EventType::entry_deleted:
      case EventType::entry_evicted:
      case EventType::entry_expired:
        ASSERT_TRUE(living.contains(event.key)) << event.key;
        EXPECT_EQ(living[event.key], event.stamp);
        living.erase(event.key);
        break;
      default:
        break;
    }
  }
  EXPECT_THAT(living, IsEmpty());
}

TEST_F(EventsTest, ASlotMayCallTheCacheInEveryWay) {  // trap E1
  auto small = options();
  small.max_entries = 3;
  small.shards = 2;
  StringCache cache(small);
  StringCache other(options());
  bool armed = false;
  std::vector<EventConnection> connections;
  for (const EventType type : all_event_types()) {
    connections.push_back(cache.events().connect(type, [&](const Event& event) {
      if (!std::exchange(armed, false)) return;  // What it does is told, too.
      const auto key = event.has_key() ? event.key() : "k";
      cache.set(key, "from a slot");
      static_cast<void>(cache.get(key));
      cache.compute("computed", [](auto) { return std::string("x"); });
      cache.erase("computed");
      other.set(key, "v");
      cache.swap_strategy("lfu");
      cache.swap_strategy("lru");
      cache.resize({.max_entries = 2});
      cache.restore_snapshot(cache.take_snapshot());
      cache.set_write_policy(write_through(make_memory_store()));
      cache.execute(SetCommand{"k", "v"});
      cache.undo();
      static_cast<void>(cache.size() + cache.stats().hits);
      cache.clear();
    }));
  }
  const auto expect_called = [&armed](const char* what, const std::function<void()>& act) {
    armed = true;
    act();
    EXPECT_FALSE(armed) << what;
    armed = false;
  };
  expect_called("set", [&] { cache.set("k", "v"); });
  expect_called("get", [&] { static_cast<void>(cache.get("k")); });
  expect_called("swap_strategy", [&] { cache.swap_strategy("fifo"); });
  expect_called("set_write_policy",
                [&] { cache.set_write_policy(write_through(make_memory_store())); });
  const auto snapshot = cache.take_snapshot();
  expect_called("take_snapshot", [&] { static_cast<void>(cache.take_snapshot()); });
  expect_called("restore_snapshot", [&] { cache.restore_snapshot(snapshot); });
  cache.set("a", "v");
  cache.set("b", "v");
  expect_called("resize", [&] { cache.resize({.max_entries = 1}); });
  cache.set("a", "v");
  expect_called("erase", [&] { cache.erase("a"); });
  cache.set("a", "v");
  expect_called("clear", [&] { cache.clear(); });
  expect_called("execute", [&] { cache.execute(SetCommand{"k", "v"}); });
  EXPECT_EQ(cache.stats().observer_errors, 0U);
}

TEST_F(EventsTest, ASlotThatThrowsChangesNoResultAndIsCounted) {  // trap E2
  StringCache cache(options());
  Lines told;
  const auto bad = cache.events().connect(EventType::entry_set,
                                          [](const Event&) { throw std::runtime_error("no"); });
  const auto good = cache.events().connect(
      EventType::entry_set, [&told](const Event& event) { told.push_back(event.key()); });
  const auto error = cache.events().connect(EventType::observer_error, [&told](const Event& event) {
    told.push_back("error in " + std::string(event.detail));
  });
  EXPECT_EQ(cache.set("k", "v"), SetOutcome::stored);
  EXPECT_EQ(cache.get("k"), "v");
  EXPECT_THAT(told, ElementsAre("k", "error in entry_set"));
  EXPECT_EQ(cache.stats().observer_errors, 1U);
}

TEST_F(EventsTest, ASlotMayDisconnectItselfAndAnotherMeanwhile) {  // trap E3
  StringCache cache(options());
  int self_calls = 0;
  int other_calls = 0;
  EventConnection self;
  EventConnection other;
  self = cache.events().connect(EventType::entry_set, [&](const Event&) {
    ++self_calls;
    self.disconnect();
    other.disconnect();
  });
  other = cache.events().connect(EventType::entry_set, [&](const Event&) { ++other_calls; });
  cache.set("a", "1");
  cache.set("b", "1");
  EXPECT_EQ(self_calls, 1);
  EXPECT_EQ(other_calls, 0);
  EXPECT_EQ(cache.events().slot_count(), 0U);
}

TEST_F(EventsTest, OfAKeyComeInTheOrderOfTheirStampsThoughSlotsWriteIt) {  // trap E6
  StringCache cache(options());
  std::vector<std::uint64_t> stamps;
  const auto echo = cache.events().connect(EventType::entry_set, [&](const Event& event) {
    stamps.push_back(event.stamp);
    if (stamps.size() < 20) cache.set("k", std::to_string(stamps.size()));
  });
  cache.set("k", "start");
  EXPECT_EQ(stamps.size(), 20U);
  EXPECT_TRUE(std::is_sorted(stamps.begin(), stamps.end()));
  EXPECT_EQ(cache.get("k"), "19");
}

TEST_F(EventsTest, AKeyIsTurnedIntoTextOnlyWhenASlotAsks) {
  CacheManager<RenderedKey, int, RenderedHash> cache(options());
  RenderedKey::renders = 0;
  const auto use = [&cache] {
    cache.set({1}, 1);
    static_cast<void>(cache.get({1}));
    static_cast<void>(cache.get({2}));
    cache.erase({1});
  };
  use();
  EXPECT_EQ(RenderedKey::renders, 0) << "nobody listens";
  {
    std::vector<EventConnection> deaf;
    for (const EventType type : all_event_types()) {
      deaf.push_back(cache.events().connect(type, [](const Event&) {}));
    }
    use();
  }
  EXPECT_EQ(RenderedKey::renders, 0) << "nobody asks";
  Lines keys;
  const auto miss = cache.events().connect(
      EventType::entry_get_miss, [&keys](const Event& event) { keys.push_back(event.key()); });
  const auto deleted = cache.events().connect(
      EventType::entry_deleted, [&keys](const Event& event) { keys.push_back(event.key()); });
  use();
  EXPECT_THAT(keys, ElementsAre("key 2", "key 1"));
  EXPECT_EQ(RenderedKey::renders, 2);
}

// Goal: a slow slot cannot make the queue grow without bound: writers wait instead. Method: while
// the slot of the first event is held up, another thread gets exactly as far as the bound.
TEST_F(EventsTest, WritersWaitForASlotThatIsFarBehind) {  // trap E7
  StringCache cache(options());
  constexpr std::size_t kBound = internal::EventQueue::kMost;
  std::atomic<std::size_t> finished{0};
  std::atomic<bool> hold{true};
  std::size_t told = 0;
  bool bounded = true;
  std::atomic<bool> holding{false};
  const auto slow = cache.events().connect(EventType::entry_set, [&](const Event&) {
    ++told;
    if (!hold.exchange(false)) return;
    holding = true;
    while (finished < kBound - 1) std::this_thread::yield();
    for (int i = 0; i < 2'000; ++i) {
      std::this_thread::yield();
      bounded = bounded && finished < kBound;
    }
  });
  std::jthread first([&cache] { cache.set("first", "v"); });
  while (!holding) std::this_thread::yield();
  std::jthread second([&] {
    for (std::size_t i = 0; i < 3 * kBound; ++i) {
      cache.set(std::to_string(i), "v");
      ++finished;
    }
  });
  first.join();
  second.join();
  EXPECT_TRUE(bounded);
  EXPECT_EQ(told, 3 * kBound + 1) << "held up, not lost";
}

class ValueDestructorTest : public EventsTest, public ::testing::WithParamInterface<bool> {
 protected:
  using BellCache = CacheManager<std::string, Bell>;

  ValueDestructorTest() {
    auto small = options();
    small.max_entries = 4;
    small.undo_commands_max = 2;
    cache_.emplace(small);
    if (GetParam()) cache_->set_write_policy(write_through(make_memory_store()));
  }
  Bell bell() {
    return Bell([this] {
      ++rung_;
      cache_->set("k", Bell());
      static_cast<void>(cache_->get("k"));
      cache_->erase("k");
      cache_->compute("k", [](auto) { return Bell(); });
      cache_->swap_strategy("fifo");
      cache_->swap_strategy("lru");
      static_cast<void>(cache_->take_snapshot());
      cache_->resize({.max_entries = 4});
    });
  }
  /// Puts a value that calls the cache under "k", lets `act` end it, and expects that it did.
  void expect_rung_by(const char* what, const std::function<void(BellCache&)>& act,
                      const SetOptions& how = {}) {
    rung_ = 0;
    cache_->set("k", bell(), how);
    act(*cache_);
    EXPECT_EQ(rung_, 1) << what;
    cache_->clear();
  }

  std::optional<BellCache> cache_;
  int rung_ = 0;
};

// Goal: a value is destroyed under no lock, neither of a shard nor of its key nor of the whole, so
// that its destructor may call the cache. Method: destructors that do; a lock held would end in a
// deadlock or in an exception that ends the process.
TEST_P(ValueDestructorTest, MayCallTheCacheHoweverTheValueLeaves) {  // trap E8
  expect_rung_by("set", [](BellCache& c) { c.set("k", Bell()); });
  expect_rung_by("erase", [](BellCache& c) { c.erase("k"); });
  expect_rung_by("clear", [](BellCache& c) { c.clear(); });
  expect_rung_by("compute", [](BellCache& c) { c.compute("k", [](auto) { return Bell(); }); });
  expect_rung_by("compute to nothing",
                 [](BellCache& c) { c.compute("k", [](auto) { return std::optional<Bell>(); }); });
  expect_rung_by("erase_if",
                 [](BellCache& c) { c.erase_if([](const auto&, const auto&) { return true; }); });
  expect_rung_by("eviction", [](BellCache& c) {
    for (int i = 0; i < 4; ++i) c.set(std::to_string(i), Bell());
  });
  expect_rung_by("resize", [](BellCache& c) {
    c.set("other", Bell());
    c.resize({.max_entries = 1});
  });
  const auto die = [this](BellCache&) { clock_->advance(seconds(1)); };
  expect_rung_by("expiry by a look",
                 [&](BellCache& c) {
                   die(c);
                   static_cast<void>(c.get("k"));
                 },
                 {.ttl = seconds(1)});
  expect_rung_by("expiry by a sweep",
                 [&](BellCache& c) {
                   die(c);
                   c.purge_expired();
                 },
                 {.ttl = seconds(1)});
  const auto empty = cache_->take_snapshot();
  expect_rung_by("restore", [&empty](BellCache& c) { c.restore_snapshot(empty); });
  expect_rung_by("the end of the history", [](BellCache& c) {
    c.execute(DeleteCommand{"k"});
    c.execute(DeleteCommand{"x"});
    c.execute(DeleteCommand{"y"});
  });
}

INSTANTIATE_TEST_SUITE_P(Policies, ValueDestructorTest, ::testing::Bool(),
                         [](const auto& row) { return row.param ? "write_through" : "none"; });

TEST_F(EventsTest, AValueMayAskTheCacheThatIsBeingDestroyed) {  // trap E8
  auto owner = std::make_unique<CacheManager<std::string, Bell>>(options());
  auto* cache = owner.get();
  int rung = 0;
  for (int i = 0; i < 3; ++i) {
    cache->set(std::to_string(i), Bell([&] {
                 ++rung;
                 static_cast<void>(cache->contains("1"));
               }));
  }
  owner.reset();
  EXPECT_EQ(rung, 3);
}

}  // namespace
}  // namespace core_tests
}  // namespace tarmac
