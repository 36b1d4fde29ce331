// Recovery of so many records that threads share them out.
#include <gtest/gtest.h>

#include <random>

#include "durable_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;

class DurableMany : public DurableTest {
 protected:
  DurableMany() {
    options_.max_entries = kKeys * 2;
    options_.shards = 8;
    reopen();
  }

  static constexpr int kKeys = 3'000;
  [[nodiscard]] std::string some_key() { return "key " + std::to_string(chance_() % kKeys); }

  /// All kinds of writes; most are plain, as they are in a log.
  void write(int writes) {
    for (int i = 0; i < writes; ++i) {
      const auto dice = chance_() % 1'000;
      if (dice < 800) {
        cache_->set(some_key(), "value " + std::to_string(i));
      } else if (dice < 950) {
        cache_->erase(some_key());
      } else {
        cache_->set(some_key(), "short-lived " + std::to_string(i), {.ttl = hours(dice - 949)});
      }
    }
  }
  /// What is left when the cache is made smaller: shows the order in each shard.
  [[nodiscard]] Content survivors() {
    cache_->resize({.max_entries = kKeys / 10});
    return content();
  }

  std::mt19937 chance_{17};
};

TEST_F(DurableMany, BringsBackWhatWasThereInItsOrder) {
  write(20'000);
  const auto before = content();
  ASSERT_GT(before.size(), 1'000U);
  const auto expected = survivors();  // Evictions are not in the log.
  ASSERT_LT(expected.size(), 310U);
  crash();
  EXPECT_EQ(cache_->recovery_report()->records, disk_->stats().appended_records);
  ASSERT_EQ(content(), before);
  EXPECT_EQ(survivors(), expected);
}

TEST_F(DurableMany, KeepsToTheOrderAmongOtherRecords) {
  write(5'000);
  cache_->clear();
  write(5'000);
  cache_->swap_strategy("fifo");
  write(5'000);
  clock_->advance(hours(25));
  const auto before = content();
  crash();
  EXPECT_EQ(content(), before);
  EXPECT_GT(cache_->recovery_report()->expired, 0U);
  EXPECT_EQ(cache_->describe().strategy, "fifo");
}

TEST_F(DurableMany, ComesBackFromAnImageAndALog) {
  write(10'000);
  cache_->compact();
  write(10'000);
  const auto before = content();
  crash();
  EXPECT_GT(cache_->recovery_report()->image_entries, 1'024U);
  EXPECT_EQ(content(), before);
}

TEST_F(DurableMany, TakesValuesOfAnySize) {
  for (int i = 0; i < 3'000; ++i) {
    const auto bytes = i % 1'000 == 0 ? 400'000U : 10U;
    cache_->set("key " + std::to_string(i), std::string(bytes, static_cast<char>('a' + i % 26)));
  }
  const auto before = content();
  crash();
  EXPECT_EQ(content(), before);
}

TEST_F(DurableMany, RefusesARecordOfOtherTypesAmongThem) {
  write(5'000);
  cache_.reset();
  {
    const auto journal = disk_->open();
    JournalRecord record;
    record.key = "key";
    record.value = "no number";
    record.stamp = 1;
    journal->wait(journal->append({&record, 1}));
  }
  auto options = options_;
  EXPECT_THROW((CacheManager<std::string, int>(options)), DurabilityError);
  open();
  EXPECT_GT(cache_->size(), 1'000U);
}

}  // namespace
}  // namespace tarmac::core_tests
