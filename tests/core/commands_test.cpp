#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/faulty_store.h>

#include <map>
#include <string>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tarmac::testing::FaultyStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CommandsTest : public ::testing::Test {
 protected:
  CacheOptions options() { return quiet_options(clock_); }
  std::optional<std::string> stored(std::string_view key) {
    const auto value = memory_->load(key, clock_->wall_now());
    if (!value) return std::nullopt;
    return value->bytes;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<BackingStore> memory_ = make_memory_store();
  std::shared_ptr<FaultyStore> faulty_ = std::make_shared<FaultyStore>(memory_);
  StringCache cache_{options()};
};

TEST_F(CommandsTest, UndoAndRedoGoBackAndForth) {
  EXPECT_TRUE(cache_.execute(SetCommand{"k", "1"}));
  EXPECT_TRUE(cache_.execute(SetCommand{"k", "2"}));
  EXPECT_TRUE(cache_.execute(DeleteCommand{"k"}));
  EXPECT_FALSE(cache_.execute(DeleteCommand{"k"}));
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "2");
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "1");
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_EQ(cache_.undo(), UndoOutcome::nothing);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), std::nullopt);
  EXPECT_EQ(cache_.redo(), UndoOutcome::nothing);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "2");
}

TEST_F(CommandsTest, UndoAndRedoAreTheIdentityOnValueTtlAndWeight) {  // trap G2, trap G3
  cache_.set("k", "old", {.ttl = seconds(100), .weight = 3});
  cache_.execute(SetCommand{"k", "new", {.ttl = seconds(50), .weight = 8}});
  clock_->advance(seconds(10));
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "old");
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, seconds(90)) << "time went on meanwhile";
  EXPECT_EQ(cache_.inspect("k")->age, seconds(10));
  EXPECT_EQ(cache_.weight(), 3U);
  clock_->advance(seconds(10));
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "new");
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, seconds(30));
  EXPECT_EQ(cache_.weight(), 8U);
}

TEST_F(CommandsTest, UndoOfADeleteBringsTheValueBackUnlessItHasExpired) {  // trap G2
  cache_.set("k", "v", {.ttl = seconds(10)});
  cache_.execute(DeleteCommand{"k"});
  clock_->advance(seconds(9));
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.inspect("k")->remaining_ttl, seconds(1));
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  clock_->advance(seconds(1));
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_FALSE(cache_.contains("k"));
}

TEST_F(CommandsTest, UndoIsAConflictWhenSomebodyElseWroteTheKey) {  // trap G1
  cache_.execute(SetCommand{"k", "mine"});
  cache_.set("k", "theirs");
  EventLog log(cache_);
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  EXPECT_THAT(log.take(), IsEmpty());
  EXPECT_EQ(cache_.get("k"), "theirs");
  EXPECT_EQ(cache_.undo(), UndoOutcome::nothing) << "the command is dropped";
  EXPECT_EQ(cache_.redo(), UndoOutcome::nothing);
}

TEST_F(CommandsTest, UndoIsAConflictEvenIfTheOtherWroteAnEqualValue) {  // trap G1
  cache_.execute(SetCommand{"k", "same"});
  cache_.set("k", "same");
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  EXPECT_EQ(cache_.get("k"), "same");
}

TEST_F(CommandsTest, UndoIsAConflictWhenTheEntryWasEvictedExpiredOrErased) {  // trap G1
  auto small = options();
  small.max_entries = 1;
  StringCache cache(small);
  cache.set("k", "before");
  cache.execute(SetCommand{"k", "v"});
  cache.set("other", "evicts it");
  EXPECT_EQ(cache.undo(), UndoOutcome::conflict);
  EXPECT_FALSE(cache.contains("k"));
  EXPECT_TRUE(cache.contains("other"));

  cache_.execute(SetCommand{"k", "v", {.ttl = seconds(1)}});
  clock_->advance(seconds(1));
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  cache_.execute(SetCommand{"k", "v"});
  cache_.erase("k");
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  cache_.execute(SetCommand{"k", "v"});
  cache_.clear();
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(CommandsTest, UndoOfADeleteIsAConflictWhenTheKeyIsThereAgain) {  // trap G1
  cache_.set("k", "v");
  cache_.execute(DeleteCommand{"k"});
  cache_.set("k", "theirs");
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  EXPECT_EQ(cache_.get("k"), "theirs");
}

TEST_F(CommandsTest, UndoOfADeleteGoesOnToTheSetBeforeIt) {  // trap G1
  cache_.execute(SetCommand{"k", "v"});
  cache_.execute(DeleteCommand{"k"});
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "v");
  EXPECT_EQ(cache_.undo(), UndoOutcome::done) << "what undo brought back is the same value";
  EXPECT_EQ(cache_.get("k"), std::nullopt);
}

TEST_F(CommandsTest, UndoOfADeleteInAFullCacheEvictsAnother) {  // trap G3
  auto small = options();
  small.max_entries = 2;
  StringCache cache(small);
  cache.set("a", "1");
  cache.execute(DeleteCommand{"a"});
  cache.set("b", "2");
  cache.set("c", "3");
  EXPECT_EQ(cache.undo(), UndoOutcome::done);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.get("a"), "1");
  EXPECT_FALSE(cache.contains("b"));
  EXPECT_EQ(cache.redo(), UndoOutcome::done);
  EXPECT_FALSE(cache.contains("a"));
}

TEST_F(CommandsTest, ANewCommandDropsWhatCouldBeRedone) {  // trap G6
  cache_.execute(SetCommand{"k", "1"});
  cache_.execute(SetCommand{"k", "2"});
  cache_.undo();
  EXPECT_EQ(cache_.stats().redo_depth, 1U);
  cache_.execute(SetCommand{"other", "x"});
  EXPECT_EQ(cache_.stats().redo_depth, 0U);
  EXPECT_EQ(cache_.redo(), UndoOutcome::nothing);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(CommandsTest, APlainSetDropsNothing) {
  cache_.execute(SetCommand{"k", "1"});
  cache_.undo();
  cache_.set("other", "x");
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "1");
}

TEST_F(CommandsTest, TheHistoryIsBoundedInCommands) {  // trap G5
  auto bounded = options();
  bounded.undo_commands_max = 3;
  StringCache cache(bounded);
  for (int i = 0; i < 10; ++i) cache.execute(SetCommand{"k", std::to_string(i)});
  EXPECT_EQ(cache.stats().undo_depth, 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cache.undo(), UndoOutcome::done);
  EXPECT_EQ(cache.undo(), UndoOutcome::nothing);
  EXPECT_EQ(cache.get("k"), "6");
  EXPECT_EQ(cache.stats().redo_depth, 3U);
}

TEST_F(CommandsTest, TheHistoryIsBoundedInBytes) {  // trap G5
  auto bounded = options();
  bounded.undo_bytes_max = 1'000;
  StringCache cache(bounded);
  for (int i = 0; i < 10; ++i) {
    cache.execute(SetCommand{"k" + std::to_string(i), std::string(300, 'x')});
    EXPECT_LE(cache.stats().undo_bytes, 1'000U);
  }
  EXPECT_EQ(cache.stats().undo_depth, 3U);
  EXPECT_GE(cache.stats().undo_bytes, 900U);
  cache.undo();
  EXPECT_LE(cache.stats().undo_bytes, 1'000U);
  cache.execute(SetCommand{"huge", std::string(5'000, 'x')});
  EXPECT_EQ(cache.stats().undo_depth, 0U);
  EXPECT_EQ(cache.stats().undo_bytes, 0U);
  EXPECT_EQ(cache.undo(), UndoOutcome::nothing);
  EXPECT_TRUE(cache.contains("huge"));
}

TEST_F(CommandsTest, AMacroIsExecutedUndoneAndRedoneAsOne) {  // trap G6
  cache_.set("b", "old");
  MacroCommand<std::string, std::string> macro;
  macro.add(SetCommand{"a", "1"}).add(DeleteCommand{"b"}).add(SetCommand{"a", "2"});
  EXPECT_TRUE(cache_.execute(macro));
  EXPECT_EQ(cache_.get("a"), "2");
  EXPECT_EQ(cache_.get("b"), std::nullopt);
  EXPECT_EQ(cache_.stats().undo_depth, 1U);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.get("b"), "old");
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("a"), "2");
  EXPECT_EQ(cache_.get("b"), std::nullopt);
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("b"), "old");
  EXPECT_FALSE(cache_.execute(MacroCommand<std::string, std::string>()));
}

TEST_F(CommandsTest, AMacroWhoseThirdStepFailsLeavesNothing) {  // trap G6
  cache_.set_write_policy(write_through(faulty_));
  cache_.set("a", "old");
  faulty_->fail_keys([](std::string_view key) { return key == "bad"; });
  MacroCommand<std::string, std::string> macro;
  macro.add(SetCommand{"a", "new"})
      .add(SetCommand{"b", "new"})
      .add(SetCommand{"bad", "x"})
      .add(SetCommand{"c", "new"})
      .add(SetCommand{"d", "new"});
  EXPECT_THROW(cache_.execute(macro), StoreError);
  EXPECT_EQ(cache_.get("a"), "old");
  EXPECT_EQ(stored("a"), "old");
  for (const auto* key : {"b", "bad", "c", "d"}) {
    EXPECT_FALSE(cache_.contains(key)) << key;
    EXPECT_EQ(stored(key), std::nullopt) << key;
  }
  EXPECT_EQ(cache_.stats().undo_depth, 0U);
}

TEST_F(CommandsTest, AMacroWithOneConflictIsNotUndoneInPart) {  // trap G1, trap G6
  MacroCommand<std::string, std::string> macro;
  macro.add(SetCommand{"a", "1"}).add(SetCommand{"b", "1"}).add(SetCommand{"c", "1"});
  cache_.execute(macro);
  cache_.set("b", "theirs");
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  EXPECT_EQ(cache_.get("a"), "1");
  EXPECT_EQ(cache_.get("b"), "theirs");
  EXPECT_EQ(cache_.get("c"), "1");
}

TEST_F(CommandsTest, AnUndoThatTheStoreRefusesCanBeTriedAgain) {  // trap G4
  cache_.set_write_policy(write_through(faulty_));
  MacroCommand<std::string, std::string> macro;
  macro.add(SetCommand{"a", "1"}).add(SetCommand{"b", "1"}).add(SetCommand{"c", "1"});
  cache_.execute(macro);
  faulty_->fail_keys([](std::string_view key) { return key == "b"; });
  EXPECT_THROW(cache_.undo(), StoreError);
  for (const auto* key : {"a", "b", "c"}) {
    EXPECT_EQ(cache_.get(key), "1") << key;
    EXPECT_EQ(stored(key), "1") << key;
  }
  faulty_->fail_keys({});
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_EQ(memory_->size(), 0U);
  faulty_->fail_next_writes(1);
  EXPECT_THROW(cache_.redo(), StoreError);
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(stored("c"), "1");
}

TEST_F(CommandsTest, UndoReachesTheStoreWithTheRemainingTtl) {  // trap G4
  cache_.set_write_policy(write_through(memory_));
  cache_.set("k", "old", {.ttl = seconds(100)});
  cache_.execute(SetCommand{"k", "new"});
  EXPECT_EQ(stored("k"), "new");
  clock_->advance(seconds(30));
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(stored("k"), "old");
  EXPECT_EQ(memory_->load("k", clock_->wall_now())->expires_at,
            clock_->wall_now() + 70'000'000'000);
  cache_.execute(SetCommand{"fresh", "v"});
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_EQ(stored("fresh"), std::nullopt);
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(stored("fresh"), "v");
}

TEST_F(CommandsTest, UndoUnderWriteBackLeavesOneWriteOfTheFinalState) {  // trap G4
  cache_.set_write_policy(
      write_back(faulty_, {.loss_window_max = hours(1), .shutdown_limit = seconds(0)}));
  cache_.execute(SetCommand{"k", "1"});
  cache_.execute(SetCommand{"k", "2"});
  cache_.undo();
  EXPECT_TRUE(cache_.flush().complete());
  EXPECT_EQ(stored("k"), "1");
  EXPECT_EQ(faulty_->attempts_for("k"), 1U);
}

TEST_F(CommandsTest, AConflictReachesNoStore) {  // trap G1, trap G4
  cache_.set_write_policy(write_through(faulty_));
  cache_.execute(SetCommand{"k", "mine"});
  cache_.set("k", "theirs");
  const auto attempts = faulty_->attempts();
  EXPECT_EQ(cache_.undo(), UndoOutcome::conflict);
  EXPECT_EQ(faulty_->attempts(), attempts);
  EXPECT_EQ(stored("k"), "theirs");
}

TEST_F(CommandsTest, ASwapIsNotUndone) {  // trap G9
  cache_.execute(SetCommand{"k", "1"});
  cache_.swap_strategy("lfu");
  EXPECT_EQ(cache_.undo(), UndoOutcome::done);
  EXPECT_FALSE(cache_.contains("k"));
  EXPECT_EQ(cache_.describe().strategy, "lfu");
  EXPECT_EQ(cache_.undo(), UndoOutcome::nothing);
  EXPECT_EQ(cache_.redo(), UndoOutcome::done);
  EXPECT_EQ(cache_.get("k"), "1");
}

TEST_F(CommandsTest, ARefusedValueIsAChangeThatCanBeUndone) {  // trap C3
  auto bounded = options();
  bounded.max_bytes = 10;
  StringCache cache(bounded);
  cache.set("k", "old");
  EXPECT_TRUE(cache.execute(SetCommand{"k", std::string(20, 'x')})) << "the old value is gone";
  EXPECT_FALSE(cache.contains("k"));
  EXPECT_EQ(cache.undo(), UndoOutcome::done);
  EXPECT_EQ(cache.get("k"), "old");
  EXPECT_FALSE(cache.execute(SetCommand{"absent", std::string(20, 'x')}));
}

TEST_F(CommandsTest, UndoIntoACacheThatHasShrunkDoesNotBreakItsBound) {  // trap G3
  auto bounded = options();
  bounded.max_bytes = 100;
  StringCache cache(bounded);
  cache.set("k", "heavy", {.weight = 90});
  cache.execute(SetCommand{"k", "light", {.weight = 1}});
  cache.resize({.max_entries = std::nullopt, .max_bytes = 50});
  EXPECT_EQ(cache.undo(), UndoOutcome::done);
  EXPECT_FALSE(cache.contains("k"));
  EXPECT_EQ(cache.weight(), 0U);
  EXPECT_EQ(cache.redo(), UndoOutcome::done);
  EXPECT_EQ(cache.get("k"), "light");
}

TEST_F(CommandsTest, TellsWhatWasExecutedUndoneAndRedone) {
  EventLog log(cache_);
  MacroCommand<std::string, std::string> macro;
  macro.add(SetCommand{"a", "1"}).add(SetCommand{"b", "1"});
  cache_.execute(macro);
  cache_.undo();
  cache_.redo();
  cache_.execute(DeleteCommand{"a"});
  EXPECT_THAT(log.take_lines(),
              ElementsAre("entry_set a", "entry_set b", "command_executed",  //
                          "entry_deleted b erased", "entry_deleted a erased", "command_undone",
                          "entry_set a", "entry_set b", "command_redone",  //
                          "entry_deleted a erased", "command_executed"));
}

// A key may be in the store without being cached: undo must not lose what was there.
TEST_F(CommandsTest, UndoBringsBackWhatOnlyTheStoreHad) {
  for (const bool delayed : {false, true}) {
    cache_.set_write_policy(delayed ? write_back(memory_) : write_through(memory_));
    cache_.set("set", "old", {.ttl = hours(2)});
    cache_.set("deleted", "old");
    cache_.clear();
    cache_.execute(SetCommand{"set", "new"});
    EXPECT_TRUE(cache_.execute(DeleteCommand{"deleted"}));
    EXPECT_EQ(cache_.undo(), UndoOutcome::done);
    EXPECT_EQ(cache_.undo(), UndoOutcome::done);
    EXPECT_TRUE(cache_.flush().complete());
    EXPECT_EQ(stored("set"), "old");
    EXPECT_EQ(stored("deleted"), "old");
    EXPECT_EQ(cache_.inspect("set")->remaining_ttl, hours(2));
    EXPECT_EQ(cache_.inspect("set")->weight, 6U);
    EXPECT_EQ(cache_.redo(), UndoOutcome::done);
    EXPECT_EQ(stored("set"), delayed ? "old" : "new");
  }
}

}  // namespace
}  // namespace tarmac::core_tests
