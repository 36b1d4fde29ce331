// Many writers of a log that syncs each group.
#include <gtest/gtest.h>
#include <tarmac/core/error.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "group_pace.h"
#include "log_rig.h"

namespace tarmac {
namespace {

using internal::GroupPace;
using internal::Looks;

constexpr int kWriters = 8;

/// Each counts up a key of its own, until it has made `each` changes or one of them fails. Returns
/// what each was told is there.
std::vector<std::uint64_t> count_up(Journal& log, std::uint64_t each) {
  std::vector<std::uint64_t> acknowledged(kWriters);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back(
        [&log, &mine = acknowledged.at(static_cast<std::size_t>(writer)), writer, each] {
          const auto key = "key" + std::to_string(writer);
          for (std::uint64_t i = 1; i <= each; ++i) {
            const auto value = std::to_string(i);
            JournalRecord put;
            put.key = key;
            put.value = value;
            put.stamp = i;
            try {
              log.commit({&put, 1});
            } catch (const DurabilityError&) {
              return;
            }
            mine = i;
          }
        });
  }
  for (auto& thread : threads) thread.join();
  return acknowledged;
}

void expect_all_there(LogRig& rig, const std::vector<std::uint64_t>& acknowledged) {
  rig.files().die_at(1);
  rig.close();
  rig.files().on_sync({});
  rig.files().fail_syncs(false);
  rig.files().power_cut(nullptr);
  rig.open();
  const auto content = rig.replica().content();
  for (int writer = 0; writer < kWriters; ++writer) {
    const auto found = content.find("key" + std::to_string(writer));
    const auto there = found == content.end() ? 0 : std::stoull(found->second);
    EXPECT_GE(there, acknowledged.at(static_cast<std::size_t>(writer))) << "writer " << writer;
  }
}

TEST(LogGroups, OfWhichEverySeventhSyncFailsAreThereAllTheSame) {
  LogRig rig;
  rig.options().segment_bytes = 64U << 10U;
  rig.open();
  // Whoever syncs holds the pen, so nobody else does.
  std::uint64_t syncs = 0;
  rig.files().on_sync([&] { rig.files().fail_syncs(++syncs % 7 == 0); });
  const auto each = rounds(200, 5'000);
  const auto acknowledged = count_up(rig.log(), each);
  EXPECT_EQ(acknowledged, std::vector<std::uint64_t>(kWriters, each)) << "it was mended each time";
  EXPECT_GT(rig.log().stats().sync_failures, 0U);
  EXPECT_EQ(rig.files().syncs_after_failure(), 0U);
  expect_all_there(rig, acknowledged);
}

TEST(LogGroups, AreAllToldWhenTheDiskIsGone) {
  LogRig rig;
  rig.options().segment_bytes = 64U << 10U;
  rig.open();
  rig.files().fail_at(300, EIO, /*forever=*/true);
  const auto each = std::uint64_t{1} << 40U;
  const auto acknowledged = count_up(rig.log(), each);  // That all of them come back is the point.
  EXPECT_TRUE(rig.log().stats().degraded);
  rig.files().fail_at(0, 0, false);
  expect_all_there(rig, acknowledged);
}

TEST(LogGroups, HaveZerosWrittenAheadOnceForMany) {
  LogRig rig;
  rig.options().segment_bytes = 1U << 20U;
  rig.options().compact_bytes = 1U << 20U;
  rig.open();
  ASSERT_TRUE(rig.run(1));
  const auto before = rig.files().calls();
  ASSERT_TRUE(rig.run(101));
  EXPECT_EQ(rig.files().calls(), before + 200) << "for each a write and a sync";
  ASSERT_TRUE(rig.run(1'000));
  const auto zeros = rig.files().calls() - before - 2 * 999U;
  EXPECT_GT(zeros, 0U);
  EXPECT_LT(zeros, 5U);
}

TEST(LogGroups, AreWrittenWithoutZerosIfThoseCannotBe) {
  LogRig rig;
  rig.open();
  rig.files().fail_at(1, EIO, /*forever=*/false);
  ASSERT_TRUE(rig.run(10));
  EXPECT_EQ(rig.log().stats().sync_failures, 0U);
  rig.files().die_at(1);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
}

// Goal: where the buffer is full of large records that wait for a sync, each of their writers comes
// back, though nobody writes again. Each of them writes once.
TEST(LogGroups, OfLargeRecordsLeaveNobodyBehind) {
  LogRig rig;
  rig.options().segment_bytes = 64U << 20U;
  rig.options().compact_bytes = 1U << 30U;
  rig.open();
  const std::string value(std::size_t{1} << 20U, 'v');
  for (int round = 0; round < 8; ++round) {
    std::atomic<int> back{0};
    std::vector<std::jthread> writers;
    for (int i = 0; i < 24; ++i) {
      writers.emplace_back([&rig, &value, &back, i] {
        const auto key = "key" + std::to_string(i);
        JournalRecord put;
        put.key = key;
        put.value = value;
        put.stamp = 1;
        rig.log().commit({&put, 1});
        ++back;
      });
    }
    writers.clear();
    ASSERT_EQ(back, 24);
    EXPECT_EQ(rig.log().stats().durable, rig.log().stats().appended);
  }
}

TEST(LogGroupPace, GathersAsLongAsThatTakesLessThanHalfASync) {
  GroupPace pace;
  EXPECT_TRUE(pace.gathers());
  for (int i = 0; i < 1'000; ++i) pace.note(20'000, 50'000);
  EXPECT_TRUE(pace.gathers());
  int groups = 0;
  for (; pace.gathers() && groups < 1'000; ++groups) pace.note(40'000, 50'000);
  EXPECT_GT(groups, 1) << "one that took long is none";
  EXPECT_LT(groups, 30);
}

TEST(LogGroupPace, TriesToGatherAgainAfterAWhile) {
  GroupPace pace;
  while (pace.gathers()) pace.note(100'000, 50'000);
  int groups = 0;
  for (; !pace.gathers(); ++groups) pace.note(0, 50'000);
  EXPECT_GT(groups, 100);
  EXPECT_LT(groups, 1'000);
  for (int i = 0; i < 1'000; ++i) pace.note(10'000, 50'000);
  EXPECT_TRUE(pace.gathers()) << "what was measured before is forgotten";
}

TEST(LogGroupPace, KnowsADiskForWhichItIsBetterToSleep) {
  GroupPace pace;
  for (int i = 0; i < 100; ++i) pace.note(0, 50'000);
  EXPECT_TRUE(pace.is_quick());
  for (int i = 0; i < 100; ++i) pace.note(0, 4'000'000);
  EXPECT_FALSE(pace.is_quick());
}

TEST(LogLooks, AreLeftOutForAWhileWhenTheProcessorComesBackLate) {
  Looks looks;
  const auto left_out = [&looks] {
    looks.note_late();
    int waits = 0;
    while (!looks.are_wise()) ++waits;
    return waits;
  };
  EXPECT_TRUE(looks.are_wise());
  const auto first = left_out();
  EXPECT_GT(first, 1'000);
  EXPECT_GT(left_out(), first) << "longer each time";
  for (int i = 0; i < 20; ++i) left_out();
  EXPECT_LT(left_out(), 1'000'000) << "but not for good";
  for (int i = 0; i < 1'000'000; ++i) ASSERT_TRUE(looks.are_wise());
  EXPECT_EQ(left_out(), first) << "what was long ago is forgotten";
}

}  // namespace
}  // namespace tarmac
