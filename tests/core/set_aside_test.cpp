// Writes that a cache keeps for its write policy: where they are found meanwhile, and what becomes
// of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core_rig.h"
#include "failing_memory.h"

namespace tarmac::core_tests {

/// A value that may have no bytes.
struct Shy {
  std::string text;
};

}  // namespace tarmac::core_tests

template <>
struct tarmac::Codec<tarmac::core_tests::Shy> {
  static std::string encode(const core_tests::Shy& value) {
    if (value.text.empty()) throw StoreError("encode a shy value: it does not want to");
    return value.text;
  }
  static core_tests::Shy decode(std::string_view bytes) { return {std::string(bytes)}; }
};

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;
using internal::SetAside;
using internal::SetAsideWrite;
using ::testing::ElementsAre;

/// With room for everything, and no interest in it.
class OpenIntake final : public WriteIntake {
 public:
  OpenIntake() : WriteIntake(1'000) {}
  void call(const std::optional<SteadyNanos>&) noexcept override {}
  void take(std::span<StoreWrite>, SteadyNanos) override {}
};

class SetAsideTest : public ::testing::Test {
 protected:
  std::optional<SteadyNanos> add(std::string_view key, std::string_view value) {
    const SetAsideWrite write{.key = key, .value = value, .stamp = ++stamp_, .hash = key.size()};
    const auto since = aside_.reserve(write.size(), intake_, clock_);
    aside_.add(write);
    return since;
  }
  static std::vector<std::string> keys(const SetAside::Block& block) {
    std::vector<std::string> found;
    block.for_each([&found](const SetAsideWrite& write) { found.emplace_back(write.key); });
    return found;
  }

  ManualClock clock_;
  OpenIntake intake_;
  SetAside aside_;
  std::uint64_t stamp_ = 0;
};

class SmallIntake final : public WriteIntake {
 public:
  SmallIntake() : WriteIntake(1) {}
  using WriteIntake::taken;
  void call(const std::optional<SteadyNanos>&) noexcept override {}
  void take(std::span<StoreWrite>, SteadyNanos) override {}
};

// Or one who is refused would have others refused for whom there is a place.
TEST(WriteIntakeTest, NeverHasMoreTakenThanThereAre) {
  SmallIntake intake;
  ASSERT_TRUE(intake.reserve());
  std::atomic<int> refused{0};
  std::jthread other([&] {
    for (int i = 0; i < 1'000'000; ++i) refused += intake.reserve() ? 0 : 1;
  });
  while (refused < 1'000'000) ASSERT_LE(intake.taken(), 1U);
  intake.give_back(1);
  EXPECT_TRUE(intake.reserve());
}

TEST_F(SetAsideTest, KeepsWritesInTheirOrderAndTellsTheFirst) {
  EXPECT_EQ(aside_.oldest_since(), kNever);
  EXPECT_EQ(add("a", "1"), clock_.steady_now());
  clock_.advance(1s);
  EXPECT_EQ(add("", ""), std::nullopt);
  EXPECT_EQ(add("a", "2"), std::nullopt);
  EXPECT_EQ(aside_.oldest_since(), clock_.steady_now() - 1'000'000'000);
  EXPECT_THAT(keys(aside_.seal_first()), ElementsAre("a", "", "a"));
  EXPECT_EQ(aside_.find("a", 1)->value, "2");
  EXPECT_EQ(aside_.find("a", 1)->stamp, 3U);
  EXPECT_EQ(aside_.find("", 0)->value, "");
  EXPECT_FALSE(aside_.find("b", 1));
}

TEST_F(SetAsideTest, ASealedBlockGetsNoMore) {
  add("a", "1");
  const auto& sealed = aside_.seal_first();
  EXPECT_EQ(aside_.blocks_opened(), 1U);
  clock_.advance(1s);
  EXPECT_EQ(add("b", "2"), clock_.steady_now()) << "who takes the first does not know of it";
  EXPECT_EQ(add("c", "3"), std::nullopt);
  EXPECT_EQ(aside_.blocks_opened(), 2U);
  EXPECT_EQ(sealed.count(), 1U);
  EXPECT_EQ(aside_.first_block(), 1U);
  aside_.drop_first();
  EXPECT_EQ(aside_.first_block(), 2U);
  EXPECT_THAT(keys(aside_.seal_first()), ElementsAre("b", "c"));
  aside_.drop_first();
  EXPECT_EQ(aside_.first_block(), aside_.blocks_opened() + 1);
  EXPECT_EQ(aside_.oldest_since(), kNever);
  EXPECT_EQ(add("d", "4"), clock_.steady_now());
}

TEST_F(SetAsideTest, TakesBackWhatIsNotUsed) {
  EXPECT_EQ(aside_.reserve(2, intake_, clock_), clock_.steady_now());
  aside_.take_back();
  EXPECT_EQ(aside_.oldest_since(), kNever);
  EXPECT_EQ(aside_.blocks_opened(), 0U);
  clock_.advance(1s);
  EXPECT_EQ(add("a", "1"), clock_.steady_now()) << "nobody has been told";
  EXPECT_EQ(aside_.reserve(2, intake_, clock_), std::nullopt);
  aside_.take_back();
  EXPECT_THAT(keys(aside_.seal_first()), ElementsAre("a"));
  EXPECT_EQ(aside_.reserve(2, intake_, clock_), clock_.steady_now());
  aside_.take_back();
  EXPECT_EQ(aside_.blocks_opened(), 1U);
  EXPECT_EQ(aside_.first_block(), 1U);
}

TEST_F(SetAsideTest, HasRoomForSmallAndLarge) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < 40; ++i) {
    values.emplace_back(i * i * 40, static_cast<char>('a' + i % 26));
    add(std::to_string(i), values.back());
  }
  std::vector<std::string> found;
  while (aside_.oldest_since() != kNever) {
    aside_.seal_first().for_each([&](const SetAsideWrite& w) { found.emplace_back(w.value); });
    aside_.drop_first();
  }
  EXPECT_EQ(found, values);
}

TEST_F(SetAsideTest, KnowsWhenItHasTooMuch) {
  const std::string value(60'000, 'v');
  std::size_t count = 0;
  for (; !aside_.is_full(); ++count) add("a", value);
  EXPECT_GE(count * value.size(), SetAside::kAllBytesMax / 2);
  EXPECT_LE((count - 1) * value.size(), SetAside::kAllBytesMax);
  static_cast<void>(aside_.seal_first());
  aside_.drop_first();
  EXPECT_FALSE(aside_.is_full());
  while (aside_.oldest_since() != kNever) {
    static_cast<void>(aside_.seal_first());
    aside_.drop_first();
  }
  for (; !aside_.is_full(); --count) add("a", value);
  EXPECT_EQ(count, 0U) << "all of it was given back";
}

/// Takes whatever it is given, and remembers how.
class CountingPolicy final : public WritePolicy {
 public:
  struct Given {
    std::size_t at_once = 0;
    std::size_t taken = 0;
    /// Of the upper bits of a hash, as the cache does it if there are eight.
    std::set<std::uint64_t> shards;
  };
  class Intake final : public WriteIntake {
   public:
    explicit Intake(Given& given) : WriteIntake(1'000'000), given_(given) {}
    void call(const std::optional<SteadyNanos>&) noexcept override {}
    void take(std::span<StoreWrite> writes, SteadyNanos) override {
      given_.taken += writes.size();
      for (const auto& write : writes) given_.shards.insert((write.hash >> 48U) & 7U);
      give_back(writes.size());
    }

   private:
    Given& given_;
  };

  explicit CountingPolicy(Given& given) : given_(given), intake_(given) {}
  ~CountingPolicy() override { host_->hand_over(std::numeric_limits<std::size_t>::max()); }
  [[nodiscard]] std::string_view name() const noexcept override { return "counting"; }
  [[nodiscard]] std::shared_ptr<BackingStore> store() const override { return store_; }
  void attach(WritePolicyHost& host) override { host_ = &host; }
  [[nodiscard]] EntryState on_write(StoreWrite) override {
    ++given_.at_once;
    return EntryState::dirty;
  }
  [[nodiscard]] WriteIntake* intake() noexcept override { return &intake_; }
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view) const override { return {}; }
  FlushReport flush(std::chrono::nanoseconds) override {
    host_->hand_over(std::numeric_limits<std::size_t>::max());
    return {};
  }
  [[nodiscard]] WritePolicyStats stats() const noexcept override { return {}; }
  [[nodiscard]] std::shared_ptr<const StoreImage> image() override { return nullptr; }
  void put_back(const StoreImage&) override {}
  SteadyNanos hand_over(std::size_t most) { return host_->hand_over(most); }

 private:
  Given& given_;
  Intake intake_;
  const std::shared_ptr<BackingStore> store_ = make_memory_store();
  WritePolicyHost* host_ = nullptr;
};

// Or the writes of one key, of which the queue keeps the last, would fill the memory.
TEST(WriteAsideBoundsTest, HandsOverInGoodTimeWhatTakesMuchMemory) {
  CountingPolicy::Given given;
  StringCache cache(quiet_options(std::make_shared<ManualClock>()));
  cache.set_write_policy(std::make_unique<CountingPolicy>(given));
  const std::string value(60'000, 'v');
  const std::size_t count = 3 * SetAside::kAllBytesMax / value.size();
  std::size_t most = 0;
  for (std::size_t i = 1; i <= count; ++i) {
    cache.set("hot", value);
    most = std::max(most, i - given.at_once - given.taken);
  }
  EXPECT_EQ(given.at_once, 2U);
  EXPECT_LE(most * value.size(), SetAside::kAllBytesMax + value.size());
}

// Not under the shard's lock, in which much would be searched.
TEST(WriteAsideBoundsTest, ARefreshAsksThePolicy) {
  CountingPolicy::Given given;
  const auto clock = std::make_shared<ManualClock>();
  StringCache cache(quiet_options(clock));
  cache.set_write_policy(std::make_unique<CountingPolicy>(given));
  cache.set("a", "1");
  clock->advance(1s);
  static_cast<void>(cache.get_or_load("a", [] { return "2"; }, {.refresh_after = 1s}));
  EXPECT_EQ(given.taken, 1U);
}

// Goal: however little is asked for at a time, no shard waits while others have several turns.
TEST(WriteAsideBoundsTest, EveryShardHasItsTurn) {
  constexpr std::size_t kShards = 8;
  CountingPolicy::Given given;
  auto options = quiet_options(std::make_shared<ManualClock>());
  options.shards = kShards;
  CacheManager<std::string, std::string> cache(options);
  auto made = std::make_unique<CountingPolicy>(given);
  auto& policy = *made;
  cache.set_write_policy(std::move(made));
  // Some blocks of each shard, with 182 writes each.
  for (int i = 10'000; i < 30'000; ++i) cache.set(std::to_string(i), "v");
  constexpr std::size_t kThreeBlocks = 500;
  for (int call = 0; call < 3; ++call) EXPECT_NE(policy.hand_over(kThreeBlocks), kNever);
  EXPECT_EQ(given.shards.size(), kShards);
}

class WriteAsideTest : public ::testing::Test {
 protected:
  WriteAsideTest() {
    cache_.set_write_policy(write_back(store_, {.loss_window_max = 1h, .shutdown_limit = 0s}));
  }
  CacheOptions options() {
    CacheOptions options = quiet_options(clock_);
    options.max_entries = 4;
    options.read_through = true;
    return options;
  }
  [[nodiscard]] std::string stored(std::string_view key) {
    const auto found = store_->load(key, clock_->wall_now());
    return found ? found->bytes : "(none)";
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<testing::FaultyStore> store_ =
      std::make_shared<testing::FaultyStore>(make_memory_store());
  StringCache cache_{options()};
};

TEST_F(WriteAsideTest, WhatWasEvictedIsReadAgainBeforeAnybodyHasStoredIt) {
  for (int i = 0; i < 16; ++i) cache_.set(std::to_string(i), "v" + std::to_string(i));
  ASSERT_FALSE(cache_.contains("0"));
  EXPECT_EQ(cache_.get("0"), "v0");
  cache_.set("1", "new");
  for (int i = 20; i < 24; ++i) cache_.set(std::to_string(i), "v");
  ASSERT_FALSE(cache_.contains("1"));
  EXPECT_EQ(cache_.get_or_load("1", [] { return "of the loader"; }), "new");
  EXPECT_EQ(store_->attempts(), 0U);
}

TEST_F(WriteAsideTest, AValueHasTheDeadlineOfItsSetThoughItIsFetchedLater) {
  const auto expires_at = clock_->wall_now() + 5'000'000'000;
  cache_.set("a", "1", {.ttl = 5s});
  clock_->advance(3s);
  ASSERT_TRUE(cache_.flush().complete());
  EXPECT_EQ(store_->load("a", 0)->expires_at, expires_at);
  cache_.set("b", "1", {.ttl = 1s});
  clock_->advance(2s);
  ASSERT_TRUE(cache_.flush().complete());
  EXPECT_EQ(store_->attempts_for("b"), 1U);
  EXPECT_EQ(stored("b"), "(none)");
}

TEST_F(WriteAsideTest, WritesOfOneKeyKeepTheirOrderWhicheverWayTheyGo) {
  cache_.set("a", "1");
  cache_.compute("a", [](auto value) { return *value + "2"; });
  cache_.set("b", "1");
  cache_.erase("b");
  cache_.erase("c");
  cache_.set("c", "1");
  cache_.set("d", "small");
  cache_.set("d", std::string(100'000, 'x'));
  cache_.set("e", std::string(100'000, 'x'));
  cache_.set("e", "small");
  ASSERT_TRUE(cache_.flush().complete());
  EXPECT_EQ(stored("a"), "12");
  EXPECT_EQ(stored("b"), "(none)");
  EXPECT_EQ(stored("c"), "1");
  EXPECT_EQ(stored("d"), std::string(100'000, 'x'));
  EXPECT_EQ(stored("e"), "small");
}

TEST_F(WriteAsideTest, WhatIsOwedIsCountedByKeys) {
  for (int i = 0; i < 10; ++i) cache_.set("a", std::to_string(i));
  cache_.set("b", "1");
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 2U);
  clock_->advance(2s);
  cache_.set("b", "2");
  EXPECT_EQ(cache_.stats().oldest_dirty_seconds, 2.0);
}

TEST_F(WriteAsideTest, ACacheWithoutRoomRefusesANewKeyAndStaysAsItWas) {
  cache_.set_write_policy(
      write_back(store_, {.loss_window_max = 1h, .dirty_max = 2, .block_max = 0s}));
  store_->block_writes();
  for (int i = 0; i < 10; ++i) cache_.set("a", std::to_string(i));
  cache_.set("b", "1");
  EXPECT_THROW(cache_.set("c", "1"), StoreError);
  EXPECT_FALSE(cache_.contains("c"));
  cache_.set("a", "last");
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 2U);
  store_->release_writes();
  ASSERT_TRUE(cache_.flush().complete());
  EXPECT_EQ(stored("a"), "last");
  cache_.set("c", "1");
}

TEST_F(WriteAsideTest, ASnapshotHasWhatIsSetAsideAndARestoreBringsItBack) {
  cache_.set("a", "1");
  const auto snapshot = cache_.take_snapshot();
  cache_.set("a", "2");
  cache_.set("b", "2");
  cache_.restore_snapshot(snapshot);
  EXPECT_TRUE(cache_.inspect("a")->dirty);
  ASSERT_TRUE(cache_.flush().complete());
  EXPECT_EQ(stored("a"), "1");
  EXPECT_EQ(stored("b"), "(none)");
}

TEST_F(WriteAsideTest, AValueThatCannotBeEncodedIsRefusedBySetItself) {
  CacheManager<std::string, Shy> cache(quiet_options(clock_));
  cache.set_write_policy(write_back(store_, {.loss_window_max = 1h}));
  cache.set("a", Shy{"1"});
  EXPECT_THROW(cache.set("a", Shy{}), StoreError);
  EXPECT_EQ(cache.get("a")->text, "1");
  ASSERT_TRUE(cache.flush().complete());
  EXPECT_EQ(stored("a"), "1");
}

// Goal: at whichever request memory runs out, the store gets what the cache has, and nothing else.
TEST_F(WriteAsideTest, AWriteStandsAndIsOwedOrDoesNeither) {
  std::size_t stood = 0;
  std::uint64_t request = 1;
  for (bool has_failed = true; has_failed; ++request) {
    const auto store = make_memory_store();
    CacheOptions many = quiet_options(clock_);
    many.max_entries = 1'000;
    StringCache cache(many);
    cache.set_write_policy(write_back(store, {.loss_window_max = 1h}));
    const auto slot = cache.events().connect(EventType::entry_set, [](const Event&) {});
    FailingMemory::restart(request);
    for (int i = 0; i < 20; ++i) {
      const std::string key(40, static_cast<char>('a' + i % 10));
      const std::string value(40, static_cast<char>('a' + i));
      try {
        const FailingMemory failing;
        cache.set(key, value);
      } catch (const std::bad_alloc&) {
        if (cache.get(key) == value) ++stood;
      }
    }
    has_failed = FailingMemory::has_failed();
    cache.set("large", std::string(20'000, 'x'));  // In a block of its own.
    ASSERT_TRUE(cache.flush().complete());
    ASSERT_TRUE(store->load("large", 0)) << "request " << request;
    for (char first = 'a'; first < 'a' + 10; ++first) {
      const std::string key(40, first);
      const auto in_store = store->load(key, 0);
      const auto in_cache = cache.get(key);
      ASSERT_EQ(in_store.has_value(), in_cache.has_value()) << "request " << request;
      if (!in_cache) continue;
      ASSERT_EQ(in_store->bytes, *in_cache) << "request " << request;
    }
    ASSERT_EQ(cache.stats().dirty_writes_pending, 0U) << "request " << request;
  }
  EXPECT_GT(stood, 0U) << "it has to fail late, too";
}

// Or the policy could outlive its cache, and flush into what is no more.
TEST_F(WriteAsideTest, NobodyOwnsAPolicyWhileSlotsAreCalled) {
  std::latch is_called{1};
  std::latch may_return{1};
  const auto slot = cache_.events().connect(EventType::entry_set, [&](const Event&) {
    is_called.count_down();
    may_return.wait();
  });
  auto store = make_memory_store();
  const std::weak_ptr<BackingStore> watched = store;
  cache_.set_write_policy(write_back(std::move(store), {.loss_window_max = 1h}));
  std::jthread setter([&] { cache_.set("a", "1"); });
  is_called.wait();
  cache_.set_write_policy(no_write_policy());
  EXPECT_TRUE(watched.expired());
  may_return.count_down();
}

// Goal: no write gets into a policy that has gone. Method: threads write keys of their own while
// policies come and go; each policy's end finds everything stored that was acknowledged before.
TEST_F(WriteAsideTest, NothingIsLostWhilePoliciesComeAndGo) {
  constexpr int kWriters = 2;
  constexpr int kSwaps = 40;
  CacheOptions many = quiet_options(clock_);
  many.shards = 4;
  CacheManager<std::uint64_t, std::uint64_t> cache(many);
  const WriteBackOptions small{.loss_window_max = 1h, .batch_max = 8, .dirty_max = 64};
  cache.set_write_policy(write_back(store_, small));
  std::atomic<bool> stops{false};
  std::array<std::atomic<std::uint64_t>, kWriters> last{};
  {
    std::vector<std::jthread> writers;
    for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        for (std::uint64_t round = 1; !stops; ++round) {
          for (std::uint64_t key = 0; key < 100; ++key) cache.set(1'000 * writer + key, round);
          last.at(writer) = round;
        }
      });
    }
    const auto all_write = [&] { return last[0] >= 20 && last[1] >= 20; };
    for (int i = 0; i < kSwaps || !all_write(); ++i) {
      cache.set_write_policy(write_back(store_, small));
    }
    stops = true;
  }
  ASSERT_TRUE(cache.flush().complete());
  EXPECT_EQ(cache.stats().dirty_writes_pending, 0U);
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    for (std::uint64_t key = 0; key < 100; ++key) {
      const auto bytes = Codec<std::uint64_t>::encode(1'000 * writer + key);
      ASSERT_EQ(Codec<std::uint64_t>::decode(stored(bytes)), last.at(writer)) << key;
    }
  }
}

}  // namespace
}  // namespace tarmac::core_tests
