// What a durable cache writes, when others see it, and what a failure leaves.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "durable_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using DurableWrites = DurableTest;

TEST_F(DurableWrites, AreInTheLogByTheTimeTheyAreAcknowledged) {
  cache_->set("a", "1");
  cache_->set("b", "2");
  cache_->erase("a");
  cache_->compute("n", [](const std::optional<std::string>& v) { return v.value_or("0") + "1"; });
  EXPECT_THAT(logged(), ElementsAre("put a=1", "put b=2", "erase a", "put n=01"));
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("b", "2"), Pair("n", "01")));
}

TEST_F(DurableWrites, OfAKeyThatIsNotCachedAreErasedAllTheSame) {
  options_.max_entries = 1;
  reopen();
  cache_->set("a", "1");
  cache_->set("b", "2");  // Evicts a, which the log still has.
  EXPECT_FALSE(cache_->erase("a"));
  cache_->erase("b");
  crash();
  EXPECT_THAT(content(), IsEmpty());
}

TEST_F(DurableWrites, ClearEraseIfUndoAndRedoAreLogged) {
  cache_->set("a", "1");
  cache_->clear();
  cache_->set("b", "2");
  cache_->set("c", "3");
  EXPECT_EQ(cache_->erase_if([](const auto& key, const auto&) { return key == "b"; }), 1U);
  cache_->execute(SetCommand{std::string("c"), std::string("4")});
  cache_->execute(SetCommand{std::string("d"), std::string("5")});
  EXPECT_EQ(cache_->undo(), UndoOutcome::done);
  EXPECT_EQ(cache_->undo(), UndoOutcome::done);
  EXPECT_EQ(cache_->redo(), UndoOutcome::done);
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("c", "4")));
}

TEST_F(DurableWrites, AreSeenByNobodyBeforeTheyAreSafe) {
  cache_->set("a", "old");
  disk_->hold_waits();
  std::thread writer([this] { cache_->set("a", "new"); });
  disk_->await_held();
  EXPECT_THAT(logged(), ElementsAre("put a=old", "put a=new")) << "it is in the log";
  EXPECT_EQ(cache_->get("a"), "old");
  disk_->release_waits();
  writer.join();
  EXPECT_EQ(cache_->get("a"), "new");
}

TEST_F(DurableWrites, OfDifferentKeysWaitTogether) {
  disk_->hold_waits();
  std::thread one([this] { cache_->set("a", "1"); });
  std::thread two([this] { cache_->set("b", "2"); });
  disk_->await_held(2);  // Hangs if one waits for the other.
  EXPECT_EQ(cache_->get("a"), std::nullopt);
  disk_->release_waits();
  one.join();
  two.join();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(DurableWrites, ThatTheLogRefusesChangeNothing) {
  cache_->set("a", "1");
  EventLog events(*cache_);
  disk_->fail_appends(2);
  EXPECT_THROW(cache_->set("a", "2"), DurabilityError);
  EXPECT_THROW(cache_->clear(), DurabilityError);
  EXPECT_EQ(cache_->get("a"), "1");
  disk_->fail_waits(1);
  EXPECT_THROW(cache_->erase("a"), DurabilityError);
  EXPECT_EQ(cache_->get("a"), "1");
  const auto heard = events.take();
  EXPECT_EQ(std::count_if(heard.begin(), heard.end(),
                          [](const SeenEvent& e) { return e.type == EventType::durability_error; }),
            3);
  EXPECT_EQ(cache_->stats().wal_errors, 3U);
  cache_->set("a", "3");
  EXPECT_EQ(cache_->get("a"), "3") << "it works again by itself";
}

TEST_F(DurableWrites, GoOnWithoutTheLogIfThatIsWanted) {
  options_.durability->fail_open = true;
  reopen();
  EventLog events(*cache_);
  disk_->fail_appends(1);
  cache_->set("a", "1");
  EXPECT_EQ(cache_->get("a"), "1");
  EXPECT_THAT(events.take_lines(), ::testing::Contains("durability_error"));
  disk_->await_images(1);  // The log has missed something, so an image catches up.
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
}

TEST_F(DurableWrites, HaveStampsThatGrowOverRestartsWhateverTheClockSays) {
  // Larger than any clock's.
  constexpr std::uint64_t kLate = std::uint64_t{1} << 62U;
  auto journal = disk_->open();
  JournalRecord record;
  record.key = "a";
  record.value = "1";
  record.stamp = kLate;
  journal->wait(journal->append({&record, 1}));
  journal.reset();
  reopen();
  EXPECT_EQ(cache_->inspect("a")->stamp, kLate);
  cache_->set("b", "2");
  EXPECT_GT(cache_->inspect("b")->stamp, kLate);
  cache_->set("a", "3");
  crash();
  EXPECT_EQ(cache_->get("a"), "3");
}

TEST_F(DurableWrites, OfLoadersAreNotWaitedForButDoNotLetOlderValuesReturn) {
  options_.max_entries = 1;
  reopen();
  cache_->set("a", "old");
  cache_->set("b", "2");  // Evicts a.
  disk_->hold_waits();
  EXPECT_EQ(cache_->get_or_load("a", [] { return std::string("loaded"); }), "loaded");
  disk_->release_waits();
  EXPECT_THAT(logged(), ElementsAre("put a=old", "put b=2", "put a=loaded"));
  reopen();
  EXPECT_EQ(cache_->get("a"), "loaded");
  disk_->fail_appends(1);
  EXPECT_EQ(cache_->get_or_load("c", [] { return std::string("3"); }), "3");
  EXPECT_FALSE(cache_->contains("c")) << "what the log has not, the cache does not keep";
}

TEST_F(DurableWrites, ThatAreTooLargeOrExpiredRemoveTheValueBefore) {
  options_.max_bytes = 100;
  reopen();
  cache_->set("a", "1");
  cache_->set("b", "1");
  EXPECT_EQ(cache_->set("a", std::string(200, 'x')), SetOutcome::too_large);
  EXPECT_EQ(cache_->set("b", "2", {.ttl = seconds(0)}), SetOutcome::already_expired);
  options_.max_bytes = 1'000;
  crash();
  EXPECT_THAT(content(), IsEmpty());
}

TEST_F(DurableWrites, AreRefusedInAForkedChild) {
  cache_->set("a", "1");
  const auto child = ::fork();
  if (child == 0) {
    try {
      cache_->set("a", "child");
    } catch (const DurabilityError& error) {
      ::_exit(std::string(error.what()).find("fork") != std::string::npos ? 7 : 8);
    }
    ::_exit(9);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  cache_->set("b", "2");
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

struct Uncoded {
  int number = 0;
  bool operator==(const Uncoded&) const = default;
};

TEST_F(DurableWrites, NeedACodec) {
  using Cache = CacheManager<std::string, Uncoded>;
  try {
    Cache cache(options_);
    FAIL() << "a cache was made that cannot be recovered";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("tarmac::Codec"));
  }
  auto options = options_;
  options.durability.reset();
  Cache cache(options);
  EXPECT_THROW(cache.save_snapshot("x"), UsageError);
  EXPECT_THROW(cache.load_snapshot("x"), UsageError);
  EXPECT_THROW(cache.compact(), UsageError);
}

}  // namespace
}  // namespace tarmac::core_tests
