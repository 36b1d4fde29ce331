// Group commit, modes, marks, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/journal.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/log.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "log_rig.h"

namespace tarmac {
namespace {

std::unique_ptr<Journal> open_recovered(MemoryFiles& files, const DurabilityOptions& options) {
  auto log = open_log(options, files);
  std::optional<ImageHeader> header;
  log->recover([](const JournalRecord&) {}, header);
  return log;
}

constexpr int kThreads = 8;

/// Threads with a key each call `write` for one change of it after the other. Returns how many
/// each.
template <class Write>
int write_by_threads(Write write) {
  const auto each = static_cast<int>(rounds(300, 20'000));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&write, thread, each] {
      const auto key = "key" + std::to_string(thread);
      for (int i = 1; i <= each; ++i) {
        const auto value = std::to_string(i);
        JournalRecord put;
        put.key = key;
        put.value = value;
        put.stamp = static_cast<std::uint64_t>(i);
        write(put);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return each;
}

TEST(LogCommit, AnswersManyThreadsAndKeepsTheirOrder) {
  LogRig rig;
  rig.open();
  const auto each = write_by_threads([&rig](const JournalRecord& put) {
    const auto position = rig.log().append({&put, 1});
    rig.log().wait(position);
    if (rig.log().stats().durable < position) std::abort();
  });
  rig.files().die_at(1);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  for (int thread = 0; thread < kThreads; ++thread) {
    EXPECT_EQ(rig.replica().content()["key" + std::to_string(thread)], std::to_string(each));
  }
  EXPECT_EQ(rig.report().records, static_cast<std::uint64_t>(kThreads * each));
}

/// The last change of each key must be there when the process has died.
void commit_by_threads(SyncMode sync) {
  LogRig rig(sync);
  rig.open();
  const auto each = write_by_threads([&rig](const JournalRecord& put) {
    rig.log().commit({&put, 1});
  });
  rig.files().die_at(1);
  rig.close();
  rig.files().restart();
  rig.open();
  for (int thread = 0; thread < kThreads; ++thread) {
    EXPECT_EQ(rig.replica().content()["key" + std::to_string(thread)], std::to_string(each));
  }
  EXPECT_EQ(rig.report().records, static_cast<std::uint64_t>(kThreads * each));
}

TEST(LogCommit, OfManyThreadsOutlivesTheProcessInEveryMode) {
  commit_by_threads(SyncMode::always);
  commit_by_threads(SyncMode::interval);
  commit_by_threads(SyncMode::never);
}

TEST(LogCommit, KeepsABatchWholeOrNotAtAll) {
  for (std::uint64_t call = 1; call < 5; ++call) {
    LogRig rig;
    rig.open();
    std::vector<JournalRecord> batch(50);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].key = "k";
      batch[i].stamp = i + 1;
    }
    rig.files().die_at(call);
    try {
      rig.log().wait(rig.log().append(batch));
    } catch (const DurabilityError&) {
    }
    rig.close();
    rig.files().restart();
    rig.open();
    EXPECT_THAT(rig.report().records, ::testing::AnyOf(0U, 50U));
    EXPECT_EQ(rig.report().torn_bytes > 0, call == 2) << "the first writes zeros ahead";
  }
}

TEST(LogCommit, SyncsOnceForWhatWasAppendedTogether) {
  LogRig rig;
  rig.open();
  const auto before = rig.log().stats().syncs;
  JournalPosition last = 0;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    const Change change(number);
    last = rig.log().append({&change.record, 1});
  }
  rig.log().wait(last);
  EXPECT_EQ(rig.log().stats().syncs, before + 1);
  EXPECT_EQ(rig.log().stats().appended_records, 5U);
}

TEST(LogCommit, SyncsInIntervalsByTheClock) {
  LogRig rig(SyncMode::interval);
  rig.open();
  ASSERT_TRUE(rig.run(5));
  EXPECT_EQ(rig.log().stats().durable, 0U);
  rig.clock().await_waiters(1);
  rig.clock().advance(std::chrono::milliseconds(199));
  EXPECT_EQ(rig.log().stats().durable, 0U);
  while (rig.log().stats().durable < 5) {
    rig.clock().await_waiters(1);
    rig.clock().advance(std::chrono::milliseconds(1));
  }
  rig.files().die_at(1);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
}

TEST(LogCommit, WritesOneMarkAfterAPauseAndNoMore) {
  LogRig rig;
  rig.options().segment_bytes = 1U << 20U;
  rig.open();
  ASSERT_TRUE(rig.run(5));
  while (rig.log().stats().appended == 5) {
    rig.clock().await_waiters(1);
    rig.clock().advance(std::chrono::milliseconds(100));
  }
  for (int i = 0; i < 20; ++i) {
    rig.clock().await_waiters(1);
    rig.clock().advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(rig.log().stats().appended, 6U);
}

TEST(LogCommit, RefusesASecondOpenerUntilTheFirstIsGone) {
  MemoryFiles files;
  DurabilityOptions options;
  options.directory = ".";
  auto first = open_recovered(files, options);
  EXPECT_THROW(static_cast<void>(open_log(options, files)), DurabilityError);
  first.reset();
  EXPECT_NO_THROW(open_recovered(files, options));
}

TEST(LogCommit, RefusesRecordsThatAreTooLargeAndStaysAsItWas) {
  LogRig rig;
  rig.options().max_record_bytes = 100;
  rig.open();
  const std::string large(101, 'x');
  JournalRecord put;
  put.value = large;
  EXPECT_THROW(static_cast<void>(rig.log().append({&put, 1})), DurabilityError);
  EXPECT_EQ(rig.log().stats().appended, 0U);
  put.value = std::string_view(large).substr(1);
  EXPECT_EQ(rig.log().append({&put, 1}), 1U);
}

TEST(LogCommit, RefusesOptionsThatCannotBe) {
  MemoryFiles files;
  DurabilityOptions options;
  EXPECT_THROW(static_cast<void>(open_log(options, files)), ConfigError);
  options.directory = ".";
  options.segment_bytes = 100;
  EXPECT_THROW(static_cast<void>(open_log(options, files)), ConfigError);
  options.segment_bytes = 1U << 20U;
  options.interval = std::chrono::nanoseconds(0);
  EXPECT_THROW(static_cast<void>(open_log(options, files)), ConfigError);
  options.interval = std::chrono::nanoseconds(1);
  options.max_record_bytes = 1ULL << 31U;
  EXPECT_THROW(static_cast<void>(open_log(options, files)), ConfigError);
}

TEST(LogCommit, RefusesCallsThatCanNeverWork) {
  MemoryFiles files;
  DurabilityOptions options;
  options.directory = ".";
  const auto log = open_log(options, files);
  EXPECT_THROW(static_cast<void>(log->append({})), UsageError);
  std::optional<ImageHeader> header;
  log->recover([](const JournalRecord&) {}, header);
  EXPECT_THROW(log->recover([](const JournalRecord&) {}, header), UsageError);
  EXPECT_THROW(log->wait(1), UsageError);
  const auto image = log->begin_image({});
  EXPECT_THROW(static_cast<void>(log->begin_image({})), UsageError);
}

TEST(LogFailOpen, GoesOnWithoutTheLogAndIsWholeAgainAfterAnImage) {
  LogRig rig;
  rig.options().fail_open = true;
  rig.options().compact_bytes = 1U << 30U;
  rig.open();
  ASSERT_TRUE(rig.run(10));
  rig.files().limit_bytes(100);
  EXPECT_TRUE(rig.run(20));
  EXPECT_TRUE(rig.log().stats().degraded);
  EXPECT_FALSE(rig.log().wants_image());
  rig.files().limit_bytes(UINT64_MAX);
  while (!rig.log().wants_image()) {
    rig.clock().await_waiters(1);
    rig.clock().advance(std::chrono::milliseconds(250));
  }
  EXPECT_TRUE(rig.run(25));
  EXPECT_FALSE(rig.log().stats().degraded) << "run() makes the image that is wanted";
  rig.files().die_at(1);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
}

/// Ten changes are in the log, ten more a full disk kept out of it, and an image is wanted.
void leave_a_gap(LogRig& rig) {
  rig.options().fail_open = true;
  rig.options().compact_bytes = 1U << 30U;
  rig.open();
  ASSERT_TRUE(rig.run(10));
  rig.files().limit_bytes(100);
  EXPECT_TRUE(rig.run(20));
  rig.files().limit_bytes(UINT64_MAX);
  while (!rig.log().wants_image()) {
    rig.clock().await_waiters(1);
    rig.clock().advance(std::chrono::milliseconds(250));
  }
}

TEST(LogFailOpen, ShowsNothingBehindTheGapIfTheImageIsNotMade) {
  LogRig rig;
  leave_a_gap(rig);
  const auto image = rig.log().begin_image({});
  // In the log, but behind the gap.
  const Change change(21);
  rig.log().wait(rig.log().append({&change.record, 1}));
  rig.files().die_at(1);
  rig.files().restart();
  rig.files().power_cut(nullptr);
  LogRig after;
  after.files().set_content(rig.files().content());
  after.open();
  EXPECT_LT(after.replica().newest(), 20U);
  EXPECT_GE(after.replica().newest(), 10U);
  EXPECT_EQ(after.replica().content(), content_after(after.replica().newest()));
}

// Goal: nobody is left asleep when what they wait for will not come. Method: four writers wait for
// a fifth, whose sync lasts until the image is given up that was to close the gap.
TEST(LogFailOpen, LetsAllWritersGoOnWhenTheImageIsGivenUp) {
  LogRig rig;
  std::latch in_sync(1);
  std::latch given_up(1);
  std::atomic<bool> held{false};
  leave_a_gap(rig);
  auto image = rig.log().begin_image({});
  rig.files().on_sync([&] {
    if (held.exchange(true)) return;
    in_sync.count_down();
    given_up.wait();
  });
  const auto before = rig.log().stats().appended_records;
  std::atomic<int> back{0};
  std::vector<std::jthread> writers;
  const auto write = [&](std::uint64_t number) {
    writers.emplace_back([&rig, &back, number] {
      const Change change(number);
      rig.log().commit({&change.record, 1});
      ++back;
    });
  };
  write(21);
  in_sync.wait();
  for (std::uint64_t number = 22; number < 26; ++number) write(number);
  while (rig.log().stats().appended_records < before + 5) std::this_thread::yield();
  image.reset();
  given_up.count_down();
  writers.clear();
  EXPECT_EQ(back, 5);
}

TEST(LogCatalog, NamesTheLogAndTheFormat) {
  EXPECT_THAT(journal_registry().names(), ::testing::Contains("log"));
  EXPECT_THAT(snapshot_format_registry().names(), ::testing::Contains("tarmac"));
  EXPECT_NE(snapshot_format_registry().make("tarmac"), nullptr);
}

}  // namespace
}  // namespace tarmac
