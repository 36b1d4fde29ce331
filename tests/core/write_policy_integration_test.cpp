#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/faulty_store.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using tarmac::testing::FaultyStore;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class WritePolicyTest : public ::testing::Test {
 protected:
  CacheOptions options() {
    CacheOptions options = quiet_options(clock_);
    options.max_entries = 4;
    return options;
  }
  std::map<std::string, std::string> stored() {
    std::map<std::string, std::string> all;
    memory_->scan([&all](std::string_view key, const StoredValue& value) {
      all[std::string(key)] = value.bytes;
    });
    return all;
  }
  /// Writes nothing until it is flushed, and does not wait at the end.
  [[nodiscard]] std::unique_ptr<WritePolicy> lazy_write_back() const {
    return write_back(faulty_, {.loss_window_max = hours(1), .shutdown_limit = seconds(0)});
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<BackingStore> memory_ = make_memory_store();
  std::shared_ptr<FaultyStore> faulty_ = std::make_shared<FaultyStore>(memory_);
  StringCache cache_{options()};
};

TEST_F(WritePolicyTest, WriteThroughStoresBeforeSetReturns) {
  cache_.set_write_policy(write_through(memory_));
  cache_.set("a", "1", {.ttl = seconds(10)});
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(memory_->load("a", 0)->expires_at, clock_->wall_now() + 10'000'000'000);
  EXPECT_EQ(memory_->load("a", 0)->stamp, cache_.inspect("a")->stamp);
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::clean);
  cache_.compute("a", [](auto value) { return *value + "2"; });
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "12")));
  EXPECT_TRUE(cache_.erase("a"));
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(cache_.stats().flushed_writes, 3U);
}

TEST_F(WritePolicyTest, AStoreThatRefusesLeavesCacheAndStoreAsTheyWere) {  // trap I1
  cache_.set_write_policy(write_through(faulty_));
  cache_.set("a", "1");
  cache_.set("b", "2");
  const auto before = cache_.stats();
  const auto stamp = cache_.inspect("a")->stamp;
  faulty_->fail_keys([](std::string_view) { return true; });
  EventLog log(cache_);
  EXPECT_THROW(cache_.set("a", "new"), StoreError);
  EXPECT_THROW(cache_.set("c", "new"), StoreError);
  EXPECT_THROW(cache_.set("a", "new", {.ttl = nanoseconds(0)}), StoreError);
  EXPECT_THROW(cache_.erase("a"), StoreError);
  EXPECT_THROW(cache_.erase("absent"), StoreError);
  EXPECT_THROW(cache_.compute("a", [](auto) { return std::string("new"); }), StoreError);
  EXPECT_THROW(cache_.erase_if([](const auto&, const auto&) { return true; }), StoreError);
  EXPECT_THROW(cache_.execute(SetCommand{"a", "new"}), StoreError);
  EXPECT_THROW(cache_.execute(DeleteCommand{"a"}), StoreError);
  EXPECT_EQ(log.take_lines(), std::vector<std::string>(9, "store_error")) << "and nothing else";
  EXPECT_EQ(cache_.get("a"), "1");
  EXPECT_EQ(cache_.get("b"), "2");
  EXPECT_EQ(cache_.size(), 2U);
  EXPECT_EQ(cache_.inspect("a")->stamp, stamp);
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  const auto after = cache_.stats();
  EXPECT_EQ(after.sets, before.sets);
  EXPECT_EQ(after.deletes, before.deletes);
  EXPECT_EQ(after.undo_depth, 0U);
  EXPECT_EQ(after.store_errors, 9U);
  faulty_->fail_keys({});
  cache_.set("a", "after");  // No key lock has leaked.
  EXPECT_EQ(cache_.get("a"), "after");
  EXPECT_EQ(stored()["a"], "after");
}

TEST_F(WritePolicyTest, AnEraseReachesTheStoreThoughTheKeyIsNotCached) {  // trap I5
  cache_.set_write_policy(write_through(memory_));
  for (int i = 0; i < 6; ++i) cache_.set(std::to_string(i), "v");
  ASSERT_FALSE(cache_.contains("0"));
  EXPECT_FALSE(cache_.erase("0"));
  EXPECT_FALSE(stored().contains("0"));
  cache_.set_write_policy(lazy_write_back());
  EXPECT_FALSE(cache_.erase("1"));
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_FALSE(stored().contains("1"));
}

TEST_F(WritePolicyTest, ValuesTheCacheDoesNotKeepReachTheStore) {  // trap C3
  auto bounded = options();
  bounded.max_bytes = 10;
  StringCache cache(bounded);
  cache.set_write_policy(write_through(memory_));
  cache.set("k", "old");
  EXPECT_EQ(cache.set("k", std::string(50, 'x')), SetOutcome::too_large);
  EXPECT_FALSE(cache.contains("k"));
  EXPECT_THAT(stored(), ElementsAre(Pair("k", std::string(50, 'x'))));
  cache.set("k", "v", {.ttl = nanoseconds(0)});
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(WritePolicyTest, WriteBackMovesAnEntryFromDirtyOverFlushingToClean) {
  cache_.set_write_policy(lazy_write_back());
  cache_.set("a", "1");
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::dirty);
  EXPECT_TRUE(cache_.inspect("a")->dirty);
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 1U);
  EXPECT_THAT(stored(), IsEmpty());
  faulty_->block_writes();
  FlushReport report;
  std::jthread flusher([&] { report = cache_.flush(); });
  faulty_->await_blocked();
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::flushing);
  EXPECT_TRUE(cache_.inspect("a")->dirty);
  EXPECT_EQ(cache_.get("a"), "1");
  faulty_->release_writes();
  flusher.join();
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.flushed, 1U);
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::clean);
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 0U);
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "1")));
}

TEST_F(WritePolicyTest, AWriteDuringTheFlushStaysDirtyUntilItsOwn) {  // trap I4
  cache_.set_write_policy(lazy_write_back());
  cache_.set("a", "1");
  faulty_->block_writes();
  std::jthread flusher([this] { static_cast<void>(cache_.flush()); });
  faulty_->await_blocked();
  cache_.set("a", "2");
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::dirty);
  faulty_->release_writes();
  flusher.join();
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::dirty);
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::clean);
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "2")));
}

TEST_F(WritePolicyTest, AFlushThatFailsIsReportedAndTheEntriesStayDirty) {
  cache_.set_write_policy(lazy_write_back());
  cache_.set("a", "1");
  EventLog log(cache_);
  faulty_->fail_next_writes(1);
  const auto report = cache_.flush();
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.still_dirty, 1U);
  EXPECT_THAT(report.error, HasSubstr("told to fail"));
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::dirty);
  EXPECT_TRUE(cache_.flush().complete());
  const auto lines = log.take_lines();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "store_error"), 1);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "flushed"), 1);
  const auto stats = cache_.stats();
  EXPECT_EQ(stats.store_errors, 1U);
  EXPECT_EQ(stats.retries, 1U);
  EXPECT_EQ(stats.flushed_writes, 1U);
  EXPECT_EQ(stats.flush_durations.count(), 1U);
}

TEST_F(WritePolicyTest, DirtyEntriesThatLeaveTheCacheReachTheStore) {  // trap I2
  cache_.set_write_policy(lazy_write_back());
  for (int i = 0; i < 8; ++i) cache_.set("evicted" + std::to_string(i), "v");
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_EQ(stored().size(), 8U);
  cache_.set("cleared", "v");
  cache_.clear();
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_TRUE(stored().contains("cleared"));
  cache_.set("expired", "v", {.ttl = seconds(1)});
  clock_->advance(seconds(1));
  EXPECT_EQ(cache_.purge_expired(), 1U);
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_EQ(faulty_->attempts_for("expired"), 1U) << "it is written, with its deadline";
  EXPECT_EQ(memory_->load("expired", clock_->wall_now()), std::nullopt);
}

TEST_F(WritePolicyTest, TheLastOfPutDeleteAndPutIsWhatTheStoreHas) {  // trap I5
  cache_.set_write_policy(lazy_write_back());
  cache_.set("a", "1");
  cache_.erase("a");
  cache_.set("a", "2");
  cache_.set("b", "1");
  cache_.erase("b");
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "2")));
}

TEST_F(WritePolicyTest, DestructionWritesWhatIsDirtyWhileSlotsStillFindTheCache) {  // trap I9
  std::atomic<std::uint64_t> seen{0};
  {
    auto swept = options();
    swept.background_expiry = true;
    StringCache cache(swept);
    cache.set_write_policy(
        write_back(memory_, {.loss_window_max = hours(1), .shutdown_limit = seconds(30)}));
    cache.set("a", "1");
    cache.execute(SetCommand{"b", "2"});
    cache.events()
        .connect(EventType::flushed,
                 [&](const Event& event) {
                   seen += event.count;
                   EXPECT_EQ(cache.get("a"), "1");
                   EXPECT_EQ(cache.stats().undo_depth, 1U);
                   cache.set("late", "v", {.ttl = seconds(1)});
                 })
        .release();
  }
  EXPECT_EQ(seen, 2U);
  EXPECT_EQ(stored()["a"], "1");
  EXPECT_EQ(stored()["b"], "2");
}

TEST_F(WritePolicyTest, DestructionWithADeadStoreTellsWhatIsLost) {  // trap I9
  std::mutex mutex;
  std::vector<std::string> errors;
  faulty_->fail_keys([](std::string_view) { return true; });
  {
    StringCache cache(options());
    cache.set_write_policy(lazy_write_back());
    cache.set("a", "1");
    cache.events()
        .connect(EventType::store_error,
                 [&](const Event& event) {
                   const std::lock_guard lock(mutex);
                   errors.emplace_back(event.detail);
                 })
        .release();
  }
  EXPECT_THAT(errors, Contains(HasSubstr("1 writes not stored")));
}

TEST_F(WritePolicyTest, LeavingWriteBackFlushesFirst) {
  cache_.set_write_policy(lazy_write_back());
  cache_.set("a", "1");
  EventLog log(cache_);
  cache_.set_write_policy(write_through(memory_));
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::clean);
  EXPECT_EQ(cache_.describe().write_policy, "write_through");
  EXPECT_EQ(cache_.describe().store, "memory");
  const auto seen = log.take();
  ASSERT_EQ(seen.back().type, EventType::write_policy_swapped);
  EXPECT_EQ(seen.back().detail, "write_back -> write_through");
  cache_.set_write_policy(no_write_policy());
  cache_.set("a", "unstored");
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(cache_.describe().store, "");
  EXPECT_EQ(cache_.stats().write_policy_swaps, 3U);
}

TEST_F(WritePolicyTest, ASwapWhoseFlushFailsKeepsTheOldPolicyAndItsDebts) {
  cache_.set_write_policy(lazy_write_back());
  cache_.set("a", "1");
  faulty_->fail_keys([](std::string_view) { return true; });
  try {
    cache_.set_write_policy(write_through(memory_));
    FAIL() << "swapped";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the old policy stays"));
    EXPECT_THAT(error.what(), HasSubstr("told to fail"));
  }
  EXPECT_EQ(cache_.describe().write_policy, "write_back");
  EXPECT_EQ(cache_.inspect("a")->state, EntryState::dirty);
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 1U);
  EXPECT_EQ(cache_.stats().write_policy_swaps, 1U);
  EXPECT_THAT(stored(), IsEmpty());
  faulty_->fail_keys({});
  cache_.set("b", "2");
  cache_.set_write_policy(write_through(memory_));
  EXPECT_THAT(stored(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(WritePolicyTest, FiguresOfAPolicyStayWhenItGoes) {  // trap L2
  cache_.set_write_policy(write_through(faulty_));
  cache_.set("a", "1");
  faulty_->fail_next_writes(1);
  EXPECT_THROW(cache_.set("a", "2"), StoreError);
  cache_.set_write_policy(lazy_write_back());
  EXPECT_EQ(cache_.stats().flushed_writes, 1U);
  EXPECT_EQ(cache_.stats().store_errors, 1U);
  cache_.set("b", "1");
  cache_.set_write_policy(no_write_policy());
  EXPECT_EQ(cache_.stats().flushed_writes, 2U);
  EXPECT_EQ(cache_.stats().store_errors, 1U);
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 0U);
}

TEST_F(WritePolicyTest, RefusesAPolicyThatCannotWork) {
  EXPECT_THROW(cache_.set_write_policy(nullptr), UsageError);
  struct Opaque {
    int content = 0;
  };
  CacheManager<int, Opaque> cache(quiet_options(clock_));
  const SetOptions plain;  // As an argument of its own: GCC 12 takes the default one for unset.
  cache.set(1, Opaque(), plain);
  try {
    cache.set_write_policy(write_through(memory_));
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("tarmac::Codec"));
  }
  cache.set_write_policy(no_write_policy());
  EXPECT_TRUE(cache.contains(1));
}

/// Tells of the flush of a write before on_write() returns, as a quick worker of another thread
/// may.
class EagerPolicy final : public WritePolicy {
 public:
  explicit EagerPolicy(std::vector<EntryState> told) : told_(std::move(told)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "eager"; }
  [[nodiscard]] std::shared_ptr<BackingStore> store() const override { return store_; }
  void attach(WritePolicyHost& host) override { host_ = &host; }
  [[nodiscard]] EntryState on_write(StoreWrite write) override {
    for (const EntryState state : told_) host_->on_flush_state(write, state);
    return EntryState::dirty;
  }
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view) const override { return {}; }
  FlushReport flush(nanoseconds) override { return {}; }
  [[nodiscard]] WritePolicyStats stats() const noexcept override { return {}; }

 private:
  const std::vector<EntryState> told_;
  const std::shared_ptr<BackingStore> store_ = make_memory_store();
  WritePolicyHost* host_ = nullptr;
};

TEST_F(WritePolicyTest, AFlushThatOvertakesTheCacheIsNotForgotten) {
  cache_.set("clean before", "v");
  cache_.set_write_policy(
      std::make_unique<EagerPolicy>(std::vector{EntryState::flushing, EntryState::clean}));
  cache_.set("clean before", "v");
  cache_.set("new", "v");
  EXPECT_EQ(cache_.inspect("clean before")->state, EntryState::clean);
  EXPECT_EQ(cache_.inspect("new")->state, EntryState::clean);
  cache_.set_write_policy(std::make_unique<EagerPolicy>(std::vector{EntryState::flushing}));
  cache_.set("clean before", "v");
  cache_.set("newer", "v");
  cache_.compute("computed", [](auto) { return std::string("v"); });
  EXPECT_EQ(cache_.inspect("clean before")->state, EntryState::flushing);
  EXPECT_EQ(cache_.inspect("newer")->state, EntryState::flushing);
  EXPECT_EQ(cache_.inspect("computed")->state, EntryState::flushing);
}

}  // namespace
}  // namespace tarmac::core_tests
