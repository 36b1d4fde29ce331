// Power cuts and failing disks under a real file system. Only root can mount one: else skipped.
#include <gtest/gtest.h>
#include <sched.h>
#include <tarmac/durability/log.h>
#include <tarmac/testing/scratch_folder.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "disk_image.h"
#include "log_rig.h"
#include "victim.h"

namespace tarmac {
namespace {

constexpr const char* kNeedsRoot =
    "this needs root, mkfs.ext4 and a loop device, to mount a disk of its own";
constexpr std::uint64_t kImageBytes = 32U << 20U;

/// The content that the log in `folder` gives back.
Content content_of_log(const std::filesystem::path& folder, std::unique_ptr<Journal>& log) {
  DurabilityOptions options;
  options.directory = folder;
  options.segment_bytes = 16U << 10U;
  log = open_log(options);
  Replica replica;
  std::optional<ImageHeader> header;
  log->recover([&](const JournalRecord& one) { replica.apply(one); }, header);
  return replica.content();
}

struct Losses {
  std::uint64_t cuts = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;
};

/// How many of its acknowledged changes a thread has lost; nullopt if what it has is no prefix.
std::optional<std::uint64_t> changes_lost(const Content& content, std::uint64_t thread,
                                          std::uint64_t count) {
  const auto is_after = [&](std::uint64_t changes) {
    for (std::uint64_t key = 0; key < writer::kKeys; ++key) {
      const auto at = content.find(writer::key_text(thread, key));
      const auto value = at == content.end() ? std::nullopt : std::optional(at->second);
      if (value != writer::value_after(changes, key)) return false;
    }
    return true;
  };
  if (is_after(count + 1)) return 0;
  // Where a key was erased, two counts may look alike: the larger one is meant.
  for (auto changes = count;; --changes) {
    if (is_after(changes)) return count - changes;
    if (changes == 0) return std::nullopt;
  }
}

// A program writes on a file system in a file, until its power is cut in the middle of it. Each
// time it is a new disk, since a mode may lose what an earlier one had.
void cut_power_again_and_again(const std::string& mode, std::uint64_t cuts, Losses& losses) {
  const testing::ScratchFolder folder{testing::ScratchPlace::disk};
  DiskImage disk(folder.path(), kImageBytes);
  if (!disk.is_mounted()) GTEST_SKIP() << kNeedsRoot;
  std::mt19937_64 chance(5);
  for (std::uint64_t cut = 0; cut < cuts; ++cut) {
    const auto place = disk.path() / std::to_string(cut);
    Counts counts{};
    Counts afterwards{};
    {
      Victim victim({"log", place.string(), mode}, counts);
      ASSERT_TRUE(victim.read(1 + chance() % 800, counts));
      victim.read_given(counts);
      ASSERT_TRUE(disk.cut_power());
      // Without power nobody acknowledges anything. Here the writer lives for a moment longer, and
      // the kernel says of a sync that was under way that it is done, though it came to nothing.
      afterwards = counts;
      victim.kill(afterwards);
    }
    ASSERT_TRUE(disk.mount_again());
    std::unique_ptr<Journal> log;
    const auto content = content_of_log(place, log);
    for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
      const auto missing = changes_lost(content, thread, afterwards.at(thread));
      ASSERT_TRUE(missing.has_value()) << "cut " << cut << ": no prefix, thread " << thread;
      const auto there = afterwards.at(thread) - *missing;
      losses.acknowledged += counts.at(thread);
      losses.lost += counts.at(thread) - std::min(counts.at(thread), there);
    }
    ++losses.cuts;
    log.reset();
    std::filesystem::remove_all(place);
  }
  std::printf("%s: %llu power cuts, %llu acknowledged, %llu lost\n", mode.c_str(),
              static_cast<unsigned long long>(losses.cuts),
              static_cast<unsigned long long>(losses.acknowledged),
              static_cast<unsigned long long>(losses.lost));
}

TEST(PowerCut, LosesNothingWhenEveryWriteIsSynced) {  // A5
  Losses losses;
  cut_power_again_and_again("always", rounds(3, 200), losses);
  EXPECT_EQ(losses.lost, 0U);
}

// Negative control: the same rig does lose what was never synced.
TEST(PowerCut, LosesWritesThatWereNeverSynced) {
  Losses losses;
  // A cut just after the log has begun another file finds little that can be lost.
  for (int tries = 0; losses.lost == 0 && tries < 20; ++tries) {
    cut_power_again_and_again("never", rounds(2, 20), losses);
    if (IsSkipped() || HasFatalFailure()) return;
  }
  EXPECT_GT(losses.lost, 0U);
}

// In intervals: what is older than the interval and a sync is there.
TEST(PowerCut, LosesNoMoreThanTheIntervalAndASync) {  // A5
  constexpr std::int64_t kWritten = 300'000'000;
  // The writer's interval is 5 ms; the rest is for a sync on a busy machine.
  constexpr std::int64_t kBound = 200'000'000;
  const testing::ScratchFolder folder{testing::ScratchPlace::disk};
  DiskImage disk(folder.path(), kImageBytes);
  if (!disk.is_mounted()) GTEST_SKIP() << kNeedsRoot;
  const auto clock = system_clock();
  std::uint64_t lost = 0;
  for (std::uint64_t cut = 0; cut < rounds(2, 100); ++cut) {
    const auto place = disk.path() / std::to_string(cut);
    Counts counts{};
    Counts promised{};
    std::deque<std::pair<SteadyNanos, Counts>> told;
    {
      Victim victim({"log", place.string(), "interval"}, counts);
      const auto begun = clock->steady_now();
      for (auto now = begun; now < begun + kWritten; now = clock->steady_now()) {
        ASSERT_TRUE(victim.read(1, counts));
        told.emplace_back(clock->steady_now(), counts);
        for (; told.front().first < clock->steady_now() - kBound; told.pop_front()) {
          promised = told.front().second;
        }
      }
      ASSERT_TRUE(disk.cut_power());
      victim.kill(counts);
    }
    ASSERT_TRUE(disk.mount_again());
    std::unique_ptr<Journal> log;
    const auto content = content_of_log(place, log);
    for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
      const auto missing = changes_lost(content, thread, counts.at(thread));
      ASSERT_TRUE(missing.has_value()) << "cut " << cut << ": no prefix, thread " << thread;
      EXPECT_GE(counts.at(thread) - *missing, promised.at(thread)) << "cut " << cut;
      lost += *missing;
    }
    log.reset();
    std::filesystem::remove_all(place);
  }
  std::printf("interval: %llu lost, all of them younger than %lld ms\n",
              static_cast<unsigned long long>(lost), static_cast<long long>(kBound / 1'000'000));
}

/// A file system in memory, too small for the image that is to be kept on it.
class Shelf {
 public:
  explicit Shelf(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    mounted_ = ::geteuid() == 0 && set_size(0, "size=12m");
  }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  ~Shelf() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool is_mounted() const noexcept { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] bool grow() const { return set_size(MS_REMOUNT, "size=64m"); }

 private:
  [[nodiscard]] bool set_size(unsigned long flags, const char* size) const {
    return ::mount("tarmac-test", path_.c_str(), "tmpfs", flags, size) == 0;
  }

  std::filesystem::path path_;
  bool mounted_ = false;
};

/// Makes changes from `from` to `until`, or to the first that is refused; the last acknowledged.
std::uint64_t write_changes(Journal& log, std::uint64_t from, std::uint64_t until) {
  for (auto number = from; number <= until; ++number) {
    const Change change(number);
    try {
      log.wait(log.append({&change.record, 1}));
    } catch (const DurabilityError&) {
      return number - 1;
    }
  }
  return until;
}

// The kernel takes what it then cannot write: the disk below is full, and the file system on it
// does not know. Then there is room again.
TEST(FailingDisk, RefusesWritesWhileItFailsAndTakesThemSoonAfter) {  // A9
  for (std::uint64_t round = 0; round < rounds(1, 20); ++round) {
    const testing::ScratchFolder folder{testing::ScratchPlace::disk};
    const Shelf shelf(folder / "shelf");
    if (!shelf.is_mounted()) GTEST_SKIP() << kNeedsRoot;
    DiskImage disk(shelf.path(), kImageBytes);
    if (!disk.is_mounted()) GTEST_SKIP() << kNeedsRoot;
    DurabilityOptions options;
    options.directory = disk.path() / "log";
    options.segment_bytes = 1U << 20U;
    auto log = open_log(options);
    std::optional<ImageHeader> header;
    log->recover([](const JournalRecord&) {}, header);
    const auto acknowledged = write_changes(*log, 1, 200'000);
    ASSERT_LT(acknowledged, 200'000U) << "the disk below was to be full";
    EXPECT_GE(log->stats().sync_failures, 1U);
    ASSERT_TRUE(shelf.grow());
    const auto clock = system_clock();
    const auto since = clock->steady_now();
    while (log->stats().degraded && clock->steady_now() - since < 5'000'000'000) ::sched_yield();
    EXPECT_FALSE(log->stats().degraded) << "five seconds after there was room again";
    EXPECT_EQ(write_changes(*log, 300'001, 300'050), 300'050U);
    // Not what memory has, but what the disk has.
    ASSERT_TRUE(disk.cut_power());
    log.reset();
    ASSERT_TRUE(disk.mount_again());
    Replica replica;
    log = open_log(options);
    log->recover([&](const JournalRecord& one) { replica.apply(one); }, header);
    EXPECT_EQ(replica.newest(), 300'050U);
    Replica wanted;
    for (std::uint64_t number = 1; number <= acknowledged; ++number) {
      wanted.apply(Change(number).record);
    }
    // The one that failed may have come back; then it is the last before those after.
    auto with_failed = wanted;
    with_failed.apply(Change(acknowledged + 1).record);
    for (std::uint64_t number = 300'001; number <= 300'050; ++number) {
      wanted.apply(Change(number).record);
      with_failed.apply(Change(number).record);
    }
    EXPECT_TRUE(replica.content() == wanted.content() ||
                replica.content() == with_failed.content());
    std::printf("failing disk: %llu acknowledged before it, 0 lost\n",
                static_cast<unsigned long long>(acknowledged));
    log.reset();
  }
}

}  // namespace
}  // namespace tarmac
