// Snapshots of a cache that has a store behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/faulty_store.h>

#include <latch>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tarmac::testing::FaultyStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

/// A store that cannot make images.
class ImagelessStore final : public BackingStore {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "imageless"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos now) override {
    return inner_->load(key, now);
  }
  void write(std::span<const StoreWrite> batch) override { inner_->write(batch); }
  void scan(const std::function<void(std::string_view, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }

 private:
  std::shared_ptr<BackingStore> inner_ = make_memory_store();
};

/// Tells when a thread has compared keys as often as it wanted to know.
struct TellingEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    if (told != nullptr && --left == 0) told->count_down();
    return a == b;
  }
  inline static thread_local std::latch* told = nullptr;
  inline static thread_local int left = 0;
};

class SnapshotWithStoreTest : public ::testing::Test {
 protected:
  CacheOptions options() { return quiet_options(clock_); }
  static std::map<std::string, std::string> content(BackingStore& store) {
    std::map<std::string, std::string> all;
    store.scan([&all](std::string_view key, const StoredValue& value) {
      all[std::string(key)] = value.bytes;
    });
    return all;
  }
  /// Writes nothing until it is flushed.
  static WriteBackOptions lazy() {
    return {.loss_window_max = hours(1), .shutdown_limit = seconds(0)};
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<BackingStore> memory_ = make_memory_store();
  std::shared_ptr<FaultyStore> faulty_ = std::make_shared<FaultyStore>(memory_);
};

TEST_F(SnapshotWithStoreTest, WriteThroughPutsTheImageOfTheStoreBack) {
  StringCache cache(options());
  cache.set_write_policy(write_through(memory_));
  cache.set("a", "1");
  cache.set("b", "2");
  cache.resize({.max_entries = 1});  // "a" is in the store alone.
  const auto snapshot = cache.take_snapshot();
  EXPECT_EQ(snapshot.write_policy(), "write_through");
  EXPECT_EQ(snapshot.store(), "memory");
  cache.set("a", "changed");
  cache.set("c", "3");
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(cache.get("b"), "2");
  EXPECT_EQ(cache.get("c"), std::nullopt);
  cache.set("b", "newer");
  EXPECT_EQ(content(*memory_)["b"], "newer");
}

TEST_F(SnapshotWithStoreTest, WriteBackPutsStoreAndDebtsBack) {
  StringCache cache(options());
  cache.set_write_policy(write_back(memory_, lazy()));
  cache.set("clean", "1");
  EXPECT_TRUE(cache.flush().complete());
  cache.set("dirty", "2");
  const auto snapshot = cache.take_snapshot();
  cache.set("clean", "changed");
  cache.set("late", "3");
  EXPECT_TRUE(cache.flush().complete());
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("clean", "1")));
  EXPECT_EQ(cache.inspect("clean")->state, EntryState::clean);
  EXPECT_EQ(cache.inspect("dirty")->state, EntryState::dirty);
  EXPECT_EQ(cache.stats().dirty_writes_pending, 1U);
  EXPECT_TRUE(cache.flush().complete());
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("clean", "1"), Pair("dirty", "2")));
  EXPECT_EQ(cache.inspect("dirty")->state, EntryState::clean);
}

TEST_F(SnapshotWithStoreTest, AStoreWithoutImagesIsWrittenTheRestoredEntries) {
  const auto store = std::make_shared<ImagelessStore>();
  StringCache cache(options());
  cache.set_write_policy(write_through(store));
  cache.set("a", "1");
  cache.set("b", "2", {.ttl = seconds(10)});
  const auto snapshot = cache.take_snapshot();
  cache.set("a", "changed");
  cache.erase("b");
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(*store), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(store->load("b", 0)->expires_at, clock_->wall_now() + 10'000'000'000);
  cache.set("a", "newer");
  EXPECT_EQ(content(*store)["a"], "newer");
}

TEST_F(SnapshotWithStoreTest, AnotherStoreThanOfTheSnapshotIsWrittenTheRestoredEntries) {
  StringCache cache(options());
  cache.set_write_policy(write_through(memory_));
  cache.set("a", "1");
  const auto snapshot = cache.take_snapshot();
  const auto second = make_memory_store();
  cache.set_write_policy(write_through(second));
  cache.set("a", "changed");
  cache.restore_snapshot(snapshot);
  EXPECT_THAT(content(*second), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("a", "1"))) << "no longer this cache's store";
  EXPECT_EQ(cache.describe().write_policy, "write_through") << "the policy stays";
}

// Goal: stamps of a snapshot from another cache do not make the store drop newer writes.
TEST_F(SnapshotWithStoreTest, WritesAfterARestoreReachTheStore) {
  StringCache ahead(options());
  ahead.set_write_policy(write_through(memory_));
  for (int i = 0; i < 50; ++i) ahead.set("k", "old");
  StringCache cache(options());
  cache.set_write_policy(write_through(memory_));
  cache.restore_snapshot(ahead.take_snapshot());
  cache.set("k", "new");
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("k", "new")));
}

TEST_F(SnapshotWithStoreTest, AStoreThatRefusesLeavesTheCacheUnchanged) {
  StringCache cache(options());
  cache.set_write_policy(write_through(faulty_));
  cache.set("a", "1");
  const auto snapshot = cache.take_snapshot();
  cache.set("a", "changed");
  cache.set("b", "2");
  cache.swap_strategy("lfu");
  faulty_->fail_put_back(true);
  EventLog log(cache);
  EXPECT_THROW(cache.restore_snapshot(snapshot), StoreError);
  EXPECT_THAT(log.take(), IsEmpty());
  EXPECT_EQ(cache.get("a"), "changed");
  EXPECT_EQ(cache.get("b"), "2");
  EXPECT_EQ(cache.describe().strategy, "lfu");
  EXPECT_EQ(cache.stats().snapshots_restored, 0U);
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("a", "changed"), Pair("b", "2")));
  faulty_->fail_put_back(false);
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.get("a"), "1");
}

TEST_F(SnapshotWithStoreTest, ASnapshotWithoutAStoreIsRestoredIntoOneThatRefuses) {
  StringCache cache(options());
  cache.set("a", "1");
  const auto snapshot = cache.take_snapshot();
  cache.set("a", "changed");
  cache.set_write_policy(write_through(faulty_));
  faulty_->fail_next_writes(1);
  EXPECT_THROW(cache.restore_snapshot(snapshot), StoreError);
  EXPECT_EQ(cache.get("a"), "changed");
  cache.set("b", "after");
  EXPECT_EQ(cache.get("b"), "after");
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(cache.get("a"), "1");
  EXPECT_FALSE(cache.contains("b"));
}

// Goal: a restore that the store refuses half-way leaves the store as it was, too.
TEST_F(SnapshotWithStoreTest, AStoreThatRefusesHalfWayGetsItsContentBack) {
  StringCache other(options());
  for (int i = 0; i < 10; ++i) other.set("k" + std::to_string(i), "of the other");
  const auto snapshot = other.take_snapshot();
  StringCache cache(options());
  cache.set_write_policy(write_through(faulty_));
  cache.set("k0", "mine");
  cache.set("k1", "mine");
  faulty_->fail_keys([](std::string_view key) { return key == "k9"; });
  EXPECT_THROW(cache.restore_snapshot(snapshot), StoreError);
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("k0", "mine"), Pair("k1", "mine")));
  EXPECT_EQ(cache.get("k0"), "mine");
  EXPECT_FALSE(cache.contains("k5"));
  faulty_->fail_keys(nullptr);
  cache.restore_snapshot(snapshot);
  EXPECT_EQ(content(*memory_).size(), 10U);
}

// Goal: a write that has begun before a restore and ends after it stands, in the store as well.
// Method: it has the lock of its key, which is when it looks for the entry again, while the store
// is given what comes before that key. So the restore writes the key later, as if it were newer.
TEST_F(SnapshotWithStoreTest, AWriteThatWaitsForARestoreIsNewer) {
  CacheManager<std::string, std::string, Hash<std::string>, TellingEqual> cache(options());
  cache.set("a", "old");
  cache.set("b", "old");
  const auto snapshot = cache.take_snapshot();
  cache.set_write_policy(write_through(faulty_));
  faulty_->block_writes_of("a");
  std::jthread restorer([&] { cache.restore_snapshot(snapshot); });
  faulty_->await_blocked();
  std::latch holds_key{1};
  std::jthread setter([&] {
    TellingEqual::left = 2;
    TellingEqual::told = &holds_key;
    cache.set("b", "new");
    TellingEqual::told = nullptr;
  });
  holds_key.wait();
  faulty_->release_writes();
  restorer.join();
  setter.join();
  EXPECT_EQ(cache.get("b"), "new");
  EXPECT_THAT(content(*memory_), ElementsAre(Pair("a", "old"), Pair("b", "new")));
}

}  // namespace
}  // namespace tarmac::core_tests
