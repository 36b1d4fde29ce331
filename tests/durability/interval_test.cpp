// A log in intervals: records are stored in the file's memory, where there is such a thing.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "failing_memory.h"
#include "log_rig.h"

namespace tarmac {
namespace {

/// More than fit into one segment.
constexpr std::uint64_t kIntervalChanges = 120;

class Interval : public ::testing::TestWithParam<bool> {
 protected:
  /// Commits until the fault that `arm` brings has stopped it, or to the end; then the process is
  /// gone. Whether the fault was met.
  template <class Arm>
  bool end_by(LogRig& rig, const Arm& arm) {
    rig.files().give_memory(GetParam());
    rig.use_commit();
    rig.open();
    EXPECT_TRUE(rig.run(10));
    arm(rig.files());
    const bool was_met = !rig.run(kIntervalChanges);
    rig.files().die_at(1);
    rig.close();
    return was_met;
  }
};

TEST_P(Interval, KeepsWhatWasAcknowledgedWhicheverCallItIsKilledAt) {
  std::uint64_t call = 1;
  for (;; ++call) {
    LogRig rig(SyncMode::interval);
    const bool was_met = end_by(rig, [call](MemoryFiles& files) { files.die_at(call); });
    rig.files().restart();
    rig.open();
    ASSERT_TRUE(rig.is_prefix()) << "call " << call;
    if (!was_met) break;
  }
  EXPECT_GT(call, 10U);
}

TEST_P(Interval, KeepsWhatWasAcknowledgedWhicheverCallFails) {
  for (const bool forever : {false, true}) {
    for (std::uint64_t call = 1; call < 60; ++call) {
      LogRig rig(SyncMode::interval);
      end_by(rig, [=](MemoryFiles& files) { files.fail_at(call, EIO, forever); });
      rig.files().restart();
      rig.open();
      ASSERT_TRUE(rig.is_prefix()) << "call " << call;
    }
  }
}

TEST_P(Interval, LosesTheYoungestRecordsAtMostToAPowerCut) {
  std::mt19937_64 chance(3);
  for (int round = 0; round < 50; ++round) {
    LogRig rig(SyncMode::interval);
    end_by(rig, [](MemoryFiles&) {});
    rig.files().power_cut(&chance);
    rig.open();
    ASSERT_TRUE(rig.is_prefix(0)) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Log, Interval, ::testing::Bool(), [](const auto& memory) {
  return memory.param ? "WithMemory" : "WithCalls";
});

TEST(LogMemoryOfFiles, AsksTheSystemForNothingForARecord) {
  LogRig rig(SyncMode::interval);
  rig.options().segment_bytes = 64U << 10U;
  rig.use_commit();
  rig.open();
  ASSERT_TRUE(rig.run(1));
  const auto before = rig.files().calls();
  ASSERT_TRUE(rig.run(50));
  EXPECT_EQ(rig.files().calls(), before);
  EXPECT_EQ(rig.log().stats().appended_records, 50U);
  EXPECT_EQ(rig.at_once(), 25U);
}

TEST(LogMemoryOfFiles, IsNotUsedByAModeThatSyncsEachGroupOrNever) {
  for (const auto sync : {SyncMode::always, SyncMode::never}) {
    LogRig rig(sync);
    rig.options().segment_bytes = 64U << 10U;
    rig.use_commit();
    rig.open();
    ASSERT_TRUE(rig.run(1));
    const auto before = rig.files().calls();
    ASSERT_TRUE(rig.run(21));
    EXPECT_GE(rig.files().calls(), before + 20);
    EXPECT_EQ(rig.at_once(), 0U);
  }
}

// A disk that fails does so while it is synced, and a store to a page that the sync has taken back
// would end the process instead of failing.
TEST(LogMemoryOfFiles, IsLeftAloneWhileASyncRuns) {
  std::uint64_t calls = 0;
  bool is_first = true;
  LogRig rig(SyncMode::interval);  // It syncs as it goes, too, and uses the above then.
  rig.options().segment_bytes = 64U << 10U;
  rig.use_commit();
  rig.open();
  ASSERT_TRUE(rig.run(5));
  rig.files().on_sync([&] {
    if (!std::exchange(is_first, false)) return;
    const auto before = rig.files().calls();
    EXPECT_TRUE(rig.run(8)) << "nobody waits for the sync";
    calls = rig.files().calls() - before;
  });
  rig.clock().await_waiters(1);
  rig.clock().advance(std::chrono::milliseconds(200));
  while (rig.log().stats().durable < 5) rig.clock().await_waiters(1);
  EXPECT_EQ(calls, 3U) << "one for each record";
  const auto before = rig.files().calls();
  ASSERT_TRUE(rig.run(20));
  EXPECT_EQ(rig.files().calls(), before + 1) << "to have the pages again";
  rig.files().die_at(1);
  rig.close();
  rig.files().restart();
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
}

// What has to wait, or may fail, is not for the lock of others.
TEST(LogMemoryOfFiles, TakesNothingAtOnceOnceTheSyncIsLate) {
  LogRig rig(SyncMode::interval);
  rig.options().segment_bytes = 64U << 10U;
  rig.use_commit();
  rig.open();
  ASSERT_TRUE(rig.run(5));
  const Change next(rig.issued() + 1);
  bool is_first = true;
  rig.files().on_sync([&] {
    if (!std::exchange(is_first, false)) return;
    rig.files().fail_at(1, EIO, /*forever=*/true);
  });
  rig.clock().await_waiters(1);
  rig.clock().advance(std::chrono::milliseconds(500));
  EXPECT_FALSE(rig.log().commit_at_once(next.record)) << "too much is not durable";
  while (!rig.log().stats().degraded) rig.clock().await_waiters(1);
  EXPECT_FALSE(rig.log().commit_at_once(next.record)) << "nothing can be written";
  EXPECT_EQ(rig.log().stats().appended, 5U);
}

TEST(LogMemoryOfFiles, MakesNoRecordInVainThatIsTooLongToBeTakenAtOnce) {
  LogRig rig(SyncMode::interval);
  rig.options().segment_bytes = 4U << 20U;
  rig.use_commit();
  rig.open();
  ASSERT_TRUE(rig.run(5));
  const std::string value(1U << 20U, 'v');
  JournalRecord record;
  record.key = "long";
  record.value = value;
  FailingMemory::restart(1);
  {
    const FailingMemory failing;
    EXPECT_FALSE(rig.log().commit_at_once(record));
  }
  EXPECT_FALSE(FailingMemory::has_failed());
  FailingMemory::restart(0);
}

/// A log that is written to faster than the clock goes: it syncs when 2 MiB are not.
class LogUnderLoad : public ::testing::Test {
 protected:
  LogUnderLoad() : rig_(SyncMode::interval) {
    rig_.options().segment_bytes = 16U << 20U;
    rig_.options().compact_bytes = 1U << 30U;
    rig_.use_commit();
    rig_.open();
  }
  /// Writes until a sync has been made of something, which no clock has asked for.
  void run_until_synced() {
    const auto before = rig_.log().stats().durable;
    while (rig_.log().stats().durable == before) {
      ASSERT_TRUE(rig_.run(rig_.issued() + 100));
      if (rig_.log().stats().log_bytes > kMuch) std::this_thread::yield();
      ASSERT_LT(rig_.log().stats().log_bytes, 8 * kMuch) << "nobody syncs";
    }
  }
  /// Whether what comes back is a prefix, of `durable` records at least.
  [[nodiscard]] ::testing::AssertionResult survives_power_cut(std::uint64_t durable) {
    rig_.files().die_at(1);
    rig_.close();
    rig_.files().power_cut(nullptr);
    rig_.open();
    return rig_.is_prefix(durable);
  }

  static constexpr std::uint64_t kMuch = 2U << 20U;
  LogRig rig_;
};

TEST_F(LogUnderLoad, IsSyncedBeforeItsTime) {
  run_until_synced();
  EXPECT_GE(rig_.log().stats().log_bytes, kMuch);
  const auto durable = rig_.log().stats().durable;
  EXPECT_TRUE(survives_power_cut(durable));
}

TEST_F(LogUnderLoad, IsSyncedAgainAndAgain) {
  for (int i = 0; i < 3; ++i) run_until_synced();
  EXPECT_GE(rig_.log().stats().log_bytes, 3 * kMuch);
  EXPECT_EQ(rig_.log().stats().segments, 1U);
}

// What is sent to the disk is none of what records are stored to meanwhile.
TEST_F(LogUnderLoad, StoresRecordsWhileItIsSentToTheDisk) {
  std::uint64_t calls = ~std::uint64_t{0};
  bool is_first = true;
  std::atomic<bool> is_quiet{false};
  rig_.files().on_write_back([&] {
    if (!std::exchange(is_first, false)) return;
    while (!is_quiet) std::this_thread::yield();  // Nobody else writes by then.
    const auto before = rig_.files().calls();
    ASSERT_TRUE(rig_.run(rig_.issued() + 20)) << "nobody waits for it";
    calls = rig_.files().calls() - before;
  });
  while (rig_.log().stats().log_bytes < kMuch + 1000) ASSERT_TRUE(rig_.run(rig_.issued() + 1));
  is_quiet = true;
  while (rig_.log().stats().durable == 0) std::this_thread::yield();
  EXPECT_LE(calls, 2U) << "to have the next pages";
  rig_.files().die_at(1);
  rig_.close();
  rig_.files().restart();
  rig_.open();
  EXPECT_TRUE(rig_.is_prefix());
}

// The system tells of it once: a sync of the same file would say that all is well.
TEST_F(LogUnderLoad, WritesEverythingAgainIfThatFails) {
  rig_.files().on_write_back({}, /*fails=*/true);
  run_until_synced();
  EXPECT_GE(rig_.log().stats().sync_failures, 1U);
  EXPECT_EQ(rig_.files().syncs_after_failure(), 0U);
  EXPECT_FALSE(rig_.log().stats().degraded);
  const auto durable = rig_.log().stats().durable;
  EXPECT_TRUE(survives_power_cut(durable));
}

TEST_F(LogUnderLoad, KeepsWhatWasAcknowledgedWhicheverCallItDiesAt) {
  std::mt19937_64 chance(5);
  std::atomic<int> sent{0};
  for (std::uint64_t call = 120; call < 190; call += 13) {  // Around the sync before its time.
    LogRig rig(SyncMode::interval);
    rig.options().segment_bytes = 16U << 20U;
    rig.options().compact_bytes = 1U << 30U;
    rig.use_commit();
    rig.open();
    rig.files().on_write_back([&sent] { ++sent; });
    rig.files().die_at(call);
    static_cast<void>(rig.run(20'000));
    const auto durable = rig.log().stats().durable;
    rig.files().die_at(1);
    rig.close();
    if (call % 2 == 0) {
      rig.files().restart();
      rig.open();
      ASSERT_TRUE(rig.is_prefix()) << "call " << call;
    } else {
      rig.files().power_cut(&chance);
      rig.open();
      ASSERT_TRUE(rig.is_prefix(durable)) << "call " << call;
    }
  }
  EXPECT_GT(sent, 0);
}

}  // namespace
}  // namespace tarmac
