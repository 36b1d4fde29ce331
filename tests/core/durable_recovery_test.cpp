// What a durable cache comes back with.
#include <gmock/gmock.h>

#include "durable_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using tarmac::testing::OwnedRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class DurableRecovery : public DurableTest {
 protected:
  /// Writes a record behind the cache's back.
  void append(const JournalRecord& record) {
    cache_.reset();
    auto journal = disk_->open();
    journal->wait(journal->append({&record, 1}));
  }
  [[nodiscard]] static JournalRecord put(std::string_view key, std::string_view value) {
    JournalRecord record;
    record.key = key;
    record.value = value;
    record.stamp = 1;
    return record;
  }
};

TEST_F(DurableRecovery, ForgetsWhatWasNotAcknowledgedAndKeepsWhatWas) {
  for (int i = 0; i < 100; ++i) cache_->set(std::to_string(i), "v" + std::to_string(i));
  const auto before = content();
  disk_->acknowledge_early(true);  // As if the disk lied: the negative control of this file.
  cache_->set("lost", "1");
  crash();
  EXPECT_EQ(content(), before);
}

TEST_F(DurableRecovery, TellsWhatItDid) {
  cache_->set("a", "1");
  cache_->compact();
  cache_->set("b", "2");
  cache_->set("c", "3", {.ttl = seconds(1)});
  clock_->advance(seconds(2));
  crash();
  ASSERT_TRUE(cache_->recovery_report());
  const auto& report = *cache_->recovery_report();
  EXPECT_EQ(report.image_entries, 1U);
  EXPECT_EQ(report.records, 2U);
  EXPECT_EQ(report.expired, 1U);
  std::vector<std::string> heard;
  for (int slot = 0; slot < 2; ++slot) {
    auto connection = cache_->events().connect(EventType::recovered, [&heard](const Event& event) {
      heard.push_back(std::string(event.cache) + " " + std::to_string(event.count) + ": " +
                      std::string(event.detail));
    });
  }
  const std::string line =
      "test 2: 1 entries of the image, 2 records of the log, 1 expired, 0 bytes torn";
  EXPECT_THAT(heard, ElementsAre(line, line)) << "every slot hears of it, though it came later";
  EXPECT_EQ(cache_->stats().recovery.records, 2U);
  EXPECT_TRUE(cache_->stats().durable);
}

TEST_F(DurableRecovery, IsSilentInFiguresAndEvents) {  // trap J9
  options_.max_entries = 2;
  reopen();
  for (int i = 0; i < 10; ++i) cache_->set(std::to_string(i), "v");
  cache_->erase("9");
  crash();
  const auto stats = cache_->stats();
  EXPECT_EQ(stats.sets + stats.evictions + stats.deletes + stats.expirations, 0U);
  EXPECT_EQ(stats.current_items, 2U);
  EXPECT_EQ(disk_->stats().appended_records, 11U) << "replaying logs nothing";
}

TEST_F(DurableRecovery, KeepsToTheCapacityByTheOrderOfUse) {  // trap J8
  for (int i = 0; i < 10; ++i) cache_->set(std::to_string(i), "v");
  cache_->set("3", "again");
  options_.max_entries = 3;
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("3", "again"), Pair("8", "v"), Pair("9", "v")));
}

TEST_F(DurableRecovery, DoesNotBringEvictedEntriesBackFromAnImage) {
  options_.max_entries = 3;
  reopen();
  for (int i = 0; i < 10; ++i) cache_->set(std::to_string(i), "v");
  cache_->compact();
  options_.max_entries = 100;
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("7", "v"), Pair("8", "v"), Pair("9", "v")));
}

TEST_F(DurableRecovery, LeavesTheRemainingTimeToLiveByTheWallClock) {
  cache_->set("a", "1", {.ttl = seconds(100)});
  cache_->set("b", "2", {.ttl = seconds(10)});
  cache_->set("c", "3");
  clock_->advance(seconds(30));
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("c", "3")));
  EXPECT_EQ(cache_->inspect("a")->remaining_ttl, nanoseconds(seconds(70)));
  EXPECT_EQ(cache_->inspect("c")->remaining_ttl, std::nullopt);
  cache_->compact();
  clock_->advance(seconds(69));
  crash();
  EXPECT_EQ(cache_->inspect("a")->remaining_ttl, nanoseconds(seconds(1)));
  clock_->advance(seconds(1));
  EXPECT_FALSE(cache_->contains("a")) << "its timer runs";
}

TEST_F(DurableRecovery, NeverLengthensATimeToLiveWhateverTheWallClockDoes) {  // A11
  auto record = put("a", "1");
  record.ttl = nanoseconds(seconds(10)).count();
  record.expires_at =
      clock_->wall_now() + nanoseconds(hours(24)).count();  // It was set back since.
  append(record);
  open();
  EXPECT_EQ(cache_->inspect("a")->remaining_ttl, nanoseconds(seconds(10)));
  record = put("b", "2");
  record.ttl = nanoseconds(seconds(10)).count();
  record.expires_at = clock_->wall_now() - 1;
  append(record);
  open();
  EXPECT_FALSE(cache_->contains("b"));
}

TEST_F(DurableRecovery, TakesATouchForANewExpiry) {
  cache_->set("a", "1", {.ttl = seconds(10)});
  const auto stamp = cache_->inspect("a")->stamp;
  JournalRecord touch;
  touch.kind = JournalRecord::Kind::touch;
  touch.key = "a";
  touch.stamp = stamp + 1;
  touch.ttl = nanoseconds(seconds(50)).count();
  touch.expires_at = clock_->wall_now() + touch.ttl;
  append(touch);
  open();
  EXPECT_EQ(cache_->get("a"), "1");
  EXPECT_EQ(cache_->inspect("a")->remaining_ttl, nanoseconds(seconds(50)));
}

TEST_F(DurableRecovery, LetsTheLargerStampOfAKeyWin) {
  auto record = put("a", "new");
  record.stamp = 9;
  append(record);
  record = put("a", "old");
  record.stamp = 8;
  append(record);
  JournalRecord erase;
  erase.kind = JournalRecord::Kind::erase;
  erase.key = "a";
  erase.stamp = 7;
  append(erase);
  open();
  EXPECT_EQ(cache_->get("a"), "new");
}

TEST_F(DurableRecovery, IsTheSameTheSecondTime) {
  for (int i = 0; i < 50; ++i) cache_->set(std::to_string(i % 20), std::to_string(i));
  cache_->compact();
  for (int i = 0; i < 50; ++i) cache_->erase(std::to_string(i * 3));
  const auto before = content();
  for (int i = 0; i < 3; ++i) {
    crash();
    EXPECT_EQ(content(), before);
  }
}

TEST_F(DurableRecovery, RefusesRecordsOfOtherTypes) {
  append(put("a", "not a number"));
  try {
    CacheManager<std::string, int> numbers(options_);
    FAIL() << "it was opened";
  } catch (const DurabilityError& error) {
    EXPECT_THAT(error.what(), HasSubstr("other types"));
  }
  open();
  EXPECT_EQ(cache_->get("a"), "not a number") << "and nothing has changed";
}

TEST_F(DurableRecovery, GoesOnWithTheStrategySwappedTo) {
  cache_->swap_strategy("slru", Parameters{{"segments", "1:4"}});
  EXPECT_THAT(logged().back(), HasSubstr("strategy slru"));
  crash();
  EXPECT_EQ(cache_->describe().strategy, "slru");
  EXPECT_EQ(cache_->options().eviction, "lru") << "what the options say does not change";
  cache_->compact();
  EXPECT_EQ(disk_->header()->strategy, "slru");
  crash();
  EXPECT_EQ(cache_->describe().strategy, "slru") << "now by the image";
  cache_->swap_strategy("lru");
  crash();
  EXPECT_EQ(cache_->describe().strategy, "lru") << "the last swap counts";
}

TEST_F(DurableRecovery, BeginsAnewWithTheStrategyOfOptionsThatHaveChanged) {
  cache_->swap_strategy("lfu");
  options_.eviction = "sieve";
  crash();
  EXPECT_EQ(cache_->describe().strategy, "sieve");
  options_.eviction = "lru";
  reopen();
  EXPECT_EQ(cache_->describe().strategy, "lru") << "the old swap is forgotten";
}

TEST_F(DurableRecovery, BeginsWithTheStrategyOfTheOptionsAfterOneOfTheProgram) {
  cache_->swap_strategy("lfu");
  cache_->swap_strategy("mine", [] { return strategy_registry().make("fifo", {}); });
  crash();
  EXPECT_EQ(cache_->describe().strategy, "lru");
}

TEST_F(DurableRecovery, ComesBackWithTheStrategyThatARestoreBrought) {
  cache_->set("a", "1");
  cache_->swap_strategy("lfu");
  const auto snapshot = cache_->take_snapshot();
  cache_->swap_strategy("fifo");
  cache_->restore_snapshot(snapshot);
  crash();
  EXPECT_EQ(cache_->describe().strategy, "lfu");
}

TEST_F(DurableRecovery, KeepsTheOldStrategyIfTheLogRefusesTheSwap) {
  disk_->fail_appends(1);
  EXPECT_THROW(cache_->swap_strategy("lfu"), DurabilityError);
  EXPECT_EQ(cache_->describe().strategy, "lru");
}

TEST(Durability, NeedsAJournalAndADirectory) {
  CacheOptions options;
  options.durability = DurabilityOptions{};
  EXPECT_THROW(StringCache{options}, ConfigError);
  options.durability->directory = "x";
  options.durability->interval = nanoseconds(0);
  EXPECT_THROW(StringCache{options}, ConfigError);
}

TEST(Durability, IsNothingToACacheWithoutIt) {
  StringCache cache;
  cache.set("a", "1");
  EXPECT_FALSE(cache.recovery_report());
  EXPECT_FALSE(cache.stats().durable);
}

}  // namespace
}  // namespace tarmac::core_tests
