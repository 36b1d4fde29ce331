// The log over a disk in memory that dies, fails and loses what was not synced, at every call.
#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>

#include "log_rig.h"

namespace tarmac {
namespace {

/// Enough for several segments and two images.
constexpr std::uint64_t kChanges = 260;

enum class End : std::uint8_t { kill, power_cut, torn_power_cut };

void end(MemoryFiles& files, End how, std::mt19937_64& chance) {
  if (how == End::kill) files.restart();
  if (how == End::power_cut) files.power_cut(nullptr);
  if (how == End::torn_power_cut) files.power_cut(&chance);
}

// Goal: whichever call a process dies at, in writing, rotation, making an image or recovery, every
// acknowledged change is there afterwards, and no later one without an earlier one. Method: die at
// call 1, 2, 3 ... until the run comes to its end; then the same within recovery.
void die_at_every_call(End how) {
  std::mt19937_64 chance(7);
  for (std::uint64_t call = 1;; ++call) {
    LogRig rig;
    rig.files().die_at(call);
    bool opened = true;
    try {
      rig.open();
      opened = rig.run(kChanges);
    } catch (const DurabilityError&) {
      opened = false;
    }
    rig.close();
    const bool dead = rig.files().is_dead();
    end(rig.files(), how, chance);
    ASSERT_NO_THROW(rig.open()) << "died at call " << call;
    ASSERT_TRUE(rig.is_prefix()) << "died at call " << call;
    ASSERT_TRUE(rig.run(rig.issued() + 20));
    rig.close();
    rig.open();
    ASSERT_TRUE(rig.is_prefix()) << "died at call " << call << ", opened again";
    ::testing::Test::RecordProperty("calls", std::to_string(call));
    if (opened && !dead) break;
    ASSERT_LT(call, 20'000U);
  }
}

TEST(LogCrash, KeepsWhatWasAcknowledgedWhicheverCallItIsKilledAt) { die_at_every_call(End::kill); }

TEST(LogCrash, KeepsWhatWasAcknowledgedWhicheverCallThePowerIsCutAt) {
  die_at_every_call(End::power_cut);
}

TEST(LogCrash, KeepsWhatWasAcknowledgedWhenSectorsReachTheDiskInAnyOrder) {
  for (std::uint64_t round = 0; round < rounds(1, 25); ++round) {
    die_at_every_call(End::torn_power_cut);
  }
}

TEST(LogCrash, SurvivesADeathAtEveryCallOfItsRecovery) {
  std::mt19937_64 chance(11);
  for (const auto how : {End::kill, End::power_cut, End::torn_power_cut}) {
    for (std::uint64_t call = 1;; ++call) {
      LogRig rig;
      rig.open();
      // In the middle of a write.
      ASSERT_TRUE(rig.run(100));
      rig.files().die_at(rig.files().calls() > 0 ? 2 : 1);
      static_cast<void>(rig.run(110));
      rig.close();
      end(rig.files(), how, chance);
      rig.files().die_at(call);
      bool opened = true;
      try {
        rig.open();
      } catch (const DurabilityError&) {
        opened = false;
      }
      const bool dead = rig.files().is_dead();
      rig.close();
      end(rig.files(), how, chance);
      ASSERT_NO_THROW(rig.open()) << "died at call " << call;
      ASSERT_TRUE(rig.is_prefix()) << "died at call " << call;
      if (opened && !dead) break;
      ASSERT_LT(call, 1000U);
    }
  }
}

struct Fault {
  int reason;
  bool forever;
};

// Goal: whichever call fails, once or from then on, nothing acknowledged is lost, and no file is
// synced again after that has failed. Method: SQLite's, call 1, 2, 3 ... until nothing fails.
void fail_at_every_call(Fault fault) {
  for (std::uint64_t call = 1;; ++call) {
    LogRig rig;
    rig.files().fail_at(call, fault.reason, fault.forever);
    try {
      rig.open();
      static_cast<void>(rig.run(kChanges));
    } catch (const DurabilityError&) {
    }
    const bool reached = rig.files().calls() >= call;
    rig.close();
    rig.files().restart();
    ASSERT_EQ(rig.files().syncs_after_failure(), 0U) << "failed at call " << call;
    ASSERT_NO_THROW(rig.open()) << "failed at call " << call;
    ASSERT_TRUE(rig.is_prefix()) << "failed at call " << call;
    rig.close();
    rig.files().power_cut(nullptr);
    rig.open();
    ASSERT_TRUE(rig.is_prefix()) << "failed at call " << call << ", power cut";
    ::testing::Test::RecordProperty("calls", std::to_string(call));
    if (!reached) break;
    ASSERT_LT(call, 20'000U);
  }
}

TEST(LogFaults, LosesNothingWhicheverCallFailsOnce) {
  for (const int reason : {EIO, ENOSPC, EINTR}) fail_at_every_call({reason, false});
}

TEST(LogFaults, LosesNothingWhicheverCallFailsFromThenOn) {
  for (const int reason : {EIO, ENOSPC}) fail_at_every_call({reason, true});
}

TEST(LogFaults, GoesOnByItselfWhenASyncFailsOnce) {
  LogRig rig;
  rig.open();
  ASSERT_TRUE(rig.run(10));
  // The next calls are a write and its sync.
  rig.files().fail_at(2, EIO, false);
  EXPECT_TRUE(rig.run(20));
  EXPECT_EQ(rig.files().syncs_after_failure(), 0U);
  EXPECT_GE(rig.log().stats().sync_failures, 1U);
  EXPECT_FALSE(rig.log().stats().degraded);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
}

TEST(LogFaults, RefusesWritesWhileTheDiskIsFullAndTakesThemSoonAfter) {
  LogRig rig;
  rig.open();
  ASSERT_TRUE(rig.run(10));
  rig.files().limit_bytes(100);
  EXPECT_FALSE(rig.run(20));
  EXPECT_TRUE(rig.log().stats().degraded);
  const Change change(1000);
  EXPECT_THROW(static_cast<void>(rig.log().append({&change.record, 1})), DurabilityError);
  rig.files().limit_bytes(UINT64_MAX);
  // It tries again by itself, four times a second.
  while (rig.log().stats().degraded) {
    rig.clock().advance(std::chrono::milliseconds(250));
    rig.clock().await_waiters(1);
  }
  EXPECT_FALSE(rig.log().stats().degraded);
  EXPECT_TRUE(rig.run(40));
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
}

// Negative control: the power cut does take what a mode without syncs has acknowledged.
TEST(LogCrash, LosesAcknowledgedChangesInTheModeThatNeverSyncs) {
  LogRig rig(SyncMode::never);
  rig.options().segment_bytes = 1U << 20U;
  rig.open();
  ASSERT_TRUE(rig.run(100));
  rig.files().die_at(1);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_FALSE(rig.is_prefix());
  EXPECT_TRUE(rig.is_prefix(0)) << "what is left is still a prefix";
}

TEST(LogCrash, KeepsEverythingInEveryModeWhenOnlyTheProcessDies) {
  for (const auto sync : {SyncMode::interval, SyncMode::never}) {
    LogRig rig(sync);
    rig.open();
    ASSERT_TRUE(rig.run(kChanges));
    rig.files().die_at(1);
    rig.close();
    rig.files().restart();
    rig.open();
    EXPECT_TRUE(rig.is_prefix());
  }
}

}  // namespace
}  // namespace tarmac
