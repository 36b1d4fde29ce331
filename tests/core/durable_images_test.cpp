// Images of a durable cache, and snapshot files of any cache.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "durable_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::seconds;
using tarmac::testing::damage_fake_snapshot;
using tarmac::testing::register_fake_snapshot_format;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class DurableImages : public DurableTest {
 protected:
  DurableImages() { register_fake_snapshot_format(); }

  [[nodiscard]] std::vector<std::string> image() const {
    std::vector<std::string> lines;
    for (const auto& one : disk_->image()) lines.push_back(line_of(one));
    return lines;
  }

  void clear_beside_writers() {
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    for (int w = 0; w < 2; ++w) {
      writers.emplace_back([this, w, &stop] {
        for (int i = 0; !stop; ++i) {
          cache_->set(std::to_string(w) + "." + std::to_string(i % 50), std::to_string(i));
          if (i % 7 == 0) cache_->erase(std::to_string(w) + "." + std::to_string(i % 50));
        }
      });
    }
    while (disk_->stats().appended_records < 100) std::this_thread::yield();
    for (int i = 0; i < 50; ++i) {
      cache_->compact();
      if (i % 10 == 5) cache_->clear();
    }
    stop = true;
    for (auto& writer : writers) writer.join();
    const auto before = content();
    crash();
    EXPECT_EQ(content(), before);
  }
};

TEST_F(DurableImages, HoldTheContentInTheOrderOfUse) {
  for (const auto* key : {"a", "b", "c"}) cache_->set(key, "1");
  cache_->set("t", "1", {.ttl = seconds(1)});
  static_cast<void>(cache_->get("a"));
  static_cast<void>(cache_->get("a"));
  clock_->advance(seconds(1));
  cache_->compact();
  EXPECT_THAT(image(), ElementsAre("put b=1", "put c=1", "put a=1"));
  EXPECT_THAT(logged(), IsEmpty());
  EXPECT_EQ(disk_->header()->cache_name, "test");
  crash();
  EXPECT_EQ(cache_->inspect("a")->visits, 2U);
  options_.max_entries = 1;
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
}

TEST_F(DurableImages, MixTheShardsOrders) {
  options_.shards = 4;
  reopen();
  for (int i = 0; i < 400; ++i) cache_->set(std::to_string(i), "v");
  cache_->compact();
  options_.shards = 1;
  options_.max_entries = 200;
  crash();
  int late = 0;
  for (int i = 200; i < 400; ++i) late += cache_->contains(std::to_string(i)) ? 1 : 0;
  EXPECT_GT(late, 170) << "those written last stay, whatever shard they were in";
}

TEST_F(DurableImages, AreMadeInTheBackgroundWhenTheLogHasGrown) {
  cache_->set("a", "1");
  disk_->want_image(true);
  cache_->set("b", "2");
  disk_->await_images(1);
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(DurableImages, ThatFailAreToldAndMadeAgainAfterAPause) {
  EventLog events(*cache_);
  cache_->set("a", "1");
  disk_->fail_images(2);
  EXPECT_THROW(cache_->compact(), DurabilityError);
  EXPECT_THAT(logged(), ElementsAre("put a=1")) << "the log is as it was";
  disk_->want_image(true);
  cache_->set("b", "2");
  clock_->await_waiters(1);  // It has failed, and waits for its time.
  cache_->set("c", "3");
  EXPECT_EQ(disk_->stats().compactions, 0U) << "not at each write";
  EXPECT_THAT(events.take_lines(), Contains("durability_error"));
  EXPECT_EQ(cache_->stats().journal.compaction_failures, 2U);
  clock_->advance(seconds(1));
  disk_->await_images(1);
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
}

TEST_F(DurableImages, MissNoWriteThatIsOnItsWay) {
  cache_->set("a", "1");
  disk_->hold_waits();
  std::thread writer([this] { cache_->set("b", "2"); });
  disk_->await_held();  // In the log, not in the cache: an image that began now would lose it.
  std::thread compactor([this] { cache_->compact(); });
  disk_->release_waits();
  writer.join();
  compactor.join();
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(DurableImages, AndClearBesideWritersLoseNothing) { clear_beside_writers(); }

TEST_F(DurableImages, AndClearBesideWritersLoseNothingWhereTheLogTakesSomeAtOnce) {
  disk_->take_at_once(2);
  clear_beside_writers();
  EXPECT_GT(disk_->taken_at_once(), 0U);
}

TEST_F(DurableImages, AreHowARestoreIsLogged) {
  cache_->set("a", "1");
  cache_->set("b", "2");
  const auto snapshot = cache_->take_snapshot();
  cache_->set("a", "changed");
  cache_->erase("b");
  disk_->fail_images(1);
  EXPECT_THROW(cache_->restore_snapshot(snapshot), DurabilityError);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "changed"))) << "nothing has changed";
  cache_->restore_snapshot(snapshot);
  cache_->set("c", "3");
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
  cache_->restore_snapshot(snapshot);
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(DurableImages, SnapshotFilesMoveContentBetweenCaches) {
  auto options = quiet_options(clock_);
  StringCache source(options);
  source.set("a", "1", {.ttl = seconds(10), .weight = 7});
  source.set("b", "2");
  static_cast<void>(source.get("a"));
  source.save_snapshot("file");
  clock_->advance(seconds(4));
  options.name = "other";
  options.shards = 2;
  StringCache target(options);
  target.set("gone", "x");
  target.load_snapshot("file");
  EXPECT_THAT(content_of(target), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(target.inspect("a")->remaining_ttl, std::chrono::nanoseconds(seconds(6)));
  EXPECT_EQ(target.inspect("a")->weight, 7U);
  EXPECT_EQ(target.inspect("a")->visits, 1U);
  EXPECT_EQ(target.stats().snapshots_restored, 1U);
}

TEST_F(DurableImages, ADamagedSnapshotFileChangesNothing) {
  cache_->set("a", "1");
  cache_->save_snapshot("damaged");
  cache_->set("a", "2");
  damage_fake_snapshot("damaged");
  EXPECT_THROW(cache_->load_snapshot("damaged"), DurabilityError);
  EXPECT_THROW(cache_->load_snapshot("missing"), DurabilityError);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "2")));
}

TEST_F(DurableImages, ALoadedSnapshotFileIsDurable) {
  cache_->set("a", "1");
  cache_->save_snapshot("durable");
  cache_->set("a", "2");
  cache_->set("b", "2");
  cache_->load_snapshot("durable");
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
}

TEST_F(DurableImages, ASnapshotFileLargerThanTheCacheIsCutByItsOrder) {
  for (int i = 0; i < 10; ++i) cache_->set(std::to_string(i), "v");
  cache_->save_snapshot("large");
  auto options = quiet_options(clock_);
  options.max_entries = 2;
  StringCache small(options);
  small.load_snapshot("large");
  EXPECT_THAT(content_of(small), ElementsAre(Pair("8", "v"), Pair("9", "v")));
}

}  // namespace
}  // namespace tarmac::core_tests
