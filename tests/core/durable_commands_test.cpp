// Macro commands of a durable cache: all steps are in the log, or none.
#include <gmock/gmock.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>

#include <atomic>
#include <future>
#include <thread>

#include "durable_rig.h"

namespace tarmac::core_tests {
namespace {

/// A value that knows how many of it there are.
struct Counted {
  Counted() { ++living; }
  Counted(const Counted&) { ++living; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --living; }

  inline static std::atomic<int> living{0};
};

}  // namespace
}  // namespace tarmac::core_tests

namespace tarmac {

template <>
struct Codec<core_tests::Counted> {
  static std::string encode(const core_tests::Counted&) { return "one"; }
  static core_tests::Counted decode(std::string_view) { return {}; }
};

}  // namespace tarmac

namespace tarmac::core_tests {
namespace {

using tarmac::testing::FaultyStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Macro = MacroCommand<std::string, std::string>;

class DurableCommands : public DurableTest {
 protected:
  static SetCommand<std::string, std::string> set(std::string key, std::string value) {
    return {std::move(key), std::move(value), {}};
  }
  static DeleteCommand<std::string> remove(std::string key) {
    return DeleteCommand<std::string>(std::move(key));
  }
};

TEST_F(DurableCommands, AreOneRecordAndSoAreTheirUndoAndRedo) {
  cache_->set("a", "1");
  cache_->set("b", "1");
  Macro macro;
  macro.add(set("a", "2")).add(remove("b")).add(set("c", "2"));
  EXPECT_TRUE(cache_->execute(macro));
  EXPECT_EQ(cache_->undo(), UndoOutcome::done);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  EXPECT_EQ(cache_->redo(), UndoOutcome::done);
  EXPECT_EQ(cache_->undo(), UndoOutcome::done);
  const auto batches = disk_->batches();
  ASSERT_THAT(batches, SizeIs(6));
  for (std::size_t i = 2; i < batches.size(); ++i) EXPECT_THAT(batches[i], SizeIs(3));
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
}

TEST_F(DurableCommands, AreLostAsAWholeIfTheyWereNotAcknowledged) {
  cache_->set("a", "1");
  disk_->fail_waits(1);
  Macro macro;
  macro.add(set("a", "2")).add(set("b", "2"));
  EXPECT_THROW(cache_->execute(macro), DurabilityError);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(cache_->undo(), UndoOutcome::nothing);
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1")));
}

TEST_F(DurableCommands, AreSeenByNobodyBeforeTheyAreSafe) {
  disk_->hold_waits();
  Macro macro;
  macro.add(set("a", "1")).add(set("b", "1"));
  std::thread writer([&] { cache_->execute(macro); });
  disk_->await_held();
  EXPECT_THAT(content(), IsEmpty());
  disk_->release_waits();
  writer.join();
  EXPECT_THAT(content(), SizeIs(2));
}

TEST_F(DurableCommands, WithAKeyTwiceEndWithTheLastStep) {
  cache_->set("a", "0");
  Macro macro;
  macro.add(set("a", "1")).add(set("b", "1")).add(set("a", "2"));
  cache_->execute(macro);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "2"), Pair("b", "1")));
  EXPECT_EQ(cache_->undo(), UndoOutcome::done);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "0")));
  EXPECT_EQ(cache_->redo(), UndoOutcome::done);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "2"), Pair("b", "1")));
  EXPECT_FALSE(cache_->execute(Macro{}));
}

TEST_F(DurableCommands, ThatSomebodyHasOvertakenAreUndoneNotAtAll) {
  Macro macro;
  macro.add(set("a", "1")).add(set("b", "1"));
  cache_->execute(macro);
  cache_->set("b", "other");
  const auto logged_before = disk_->batches().size();
  EXPECT_EQ(cache_->undo(), UndoOutcome::conflict);
  EXPECT_EQ(disk_->batches().size(), logged_before);
  EXPECT_THAT(content(), ElementsAre(Pair("a", "1"), Pair("b", "other")));
}

TEST_F(DurableCommands, ThatTheStoreRefusesInTheMiddleLeaveNoTrace) {
  const auto store = std::make_shared<FaultyStore>(make_memory_store());
  options_.max_entries = 1;
  reopen();
  cache_->set_write_policy(write_through(store));
  cache_->set("a", "1");
  cache_->set("b", "1");  // Evicts a, which the store still has.
  store->fail_keys([](std::string_view key) { return key == "c"; });
  Macro macro;
  macro.add(set("a", "2")).add(set("b", "2")).add(set("c", "2")).add(set("d", "2"));
  EXPECT_THROW(cache_->execute(macro), StoreError);
  EXPECT_THAT(content(), ElementsAre(Pair("b", "1")));
  EXPECT_THAT(content_of(*store), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  crash();
  EXPECT_THAT(content(), ElementsAre(Pair("b", "1")));
  cache_->set_write_policy(write_through(store));
  EXPECT_THAT(content_of(*store), ElementsAre(Pair("a", "1"), Pair("b", "1")));
}

TEST_F(DurableCommands, InTwoThreadsDoNotWaitForEachOtherForEver) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 200; ++i) {
        Macro macro;
        for (int k = 0; k < 5; ++k) {
          macro.add(set(std::to_string((k * (t + 1)) % 5), std::to_string(t * 1'000 + i)));
        }
        cache_->execute(macro);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto before = content();
  crash();
  EXPECT_EQ(content(), before);
}

// While another thread may read, what is replaced waits for a while; but not all of it for ever.
TEST_F(DurableCommands, GiveBackTheMemoryOfWhatTheyReplace) {
  constexpr int kKeys = 100;
  constexpr int kRounds = 50;
  auto options = quiet_options(clock_);
  options.name = "counted";
  options.shards = 1;
  options.undo_commands_max = 1;
  options.durability = DurabilityOptions{.directory = "other disk"};
  tarmac::testing::mount("other disk", std::make_shared<tarmac::testing::FakeDisk>());
  CacheManager<std::string, Counted> cache(options);
  std::promise<void> done;
  std::promise<void> has_read;
  std::jthread reader([&cache, &has_read, end = done.get_future()] {
    static_cast<void>(cache.get("0"));
    has_read.set_value();
    end.wait();
  });
  has_read.get_future().wait();
  for (int i = 0; i < kRounds; ++i) {
    MacroCommand<std::string, Counted> macro;
    for (int k = 0; k < kKeys; ++k) {
      macro.add(SetCommand<std::string, Counted>{std::to_string(k), Counted(), {}});
    }
    cache.execute(macro);
  }
  // The values of now, of the one command that can be undone, and of the last few epochs.
  EXPECT_LT(Counted::living, 10 * kKeys);
  done.set_value();
}

}  // namespace
}  // namespace tarmac::core_tests
