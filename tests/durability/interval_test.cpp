// A log in intervals: records are stored in the file's memory, where there is such a thing.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <utility>

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

}  // namespace
}  // namespace tarmac
