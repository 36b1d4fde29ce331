// The log over the machine's own files: rights, links, other owners, and full disks.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <tarmac/durability/log.h>
#include <tarmac/testing/scratch_folder.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "log_rig.h"

namespace tarmac {
namespace {

namespace fs = std::filesystem;

class RealLog : public ::testing::Test {
 protected:
  RealLog() {
    options_.directory = folder_ / "cache" / "log";
    options_.segment_bytes = 16U << 10U;
  }

  std::unique_ptr<Journal> open() {
    auto log = open_log(options_);
    std::optional<ImageHeader> header;
    replica_ = Replica();
    log->recover([this](const JournalRecord& one) { replica_.apply(one); }, header);
    return log;
  }

  /// Makes changes up to `until`, or to the first that fails. Returns how many are acknowledged.
  static std::uint64_t write(Journal& log, std::uint64_t from, std::uint64_t until) {
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

  void expect_at_least(std::uint64_t changes) {
    open();
    const auto newest = replica_.newest();
    EXPECT_GE(newest, changes);
    EXPECT_EQ(replica_.content(), content_after(newest));
  }

  testing::ScratchFolder folder_{testing::ScratchPlace::disk};
  DurabilityOptions options_;
  Replica replica_;
};

TEST_F(RealLog, IsForItsOwnerAlone) {
  auto log = open();
  write(*log, 1, 100);
  log->begin_image({})->publish();
  const auto mode = [](const fs::path& path) {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 0777U;
  };
  EXPECT_EQ(mode(folder_ / "cache"), 0700U);
  EXPECT_EQ(mode(options_.directory), 0700U);
  int files = 0;
  for (const auto& file : fs::directory_iterator(options_.directory)) {
    ++files;
    EXPECT_EQ(mode(file.path()), 0600U) << file.path();
  }
  EXPECT_GE(files, 4);
}

TEST_F(RealLog, StoresRecordsInTheMemoryOfTheSegmentInIntervals) {
  const testing::ScratchFolder memory(testing::ScratchPlace::memory);
  struct statfs about {};
  ASSERT_EQ(::statfs(memory.path().c_str(), &about), 0);
  if (about.f_type != TMPFS_MAGIC) GTEST_SKIP() << "this machine has no file system in memory";
  options_.directory = memory / "log";
  options_.sync = SyncMode::interval;
  const auto maps_of_segments = [] {
    std::ifstream maps("/proc/self/maps");
    int found = 0;
    for (std::string line; std::getline(maps, line);) found += line.ends_with(".log") ? 1 : 0;
    return found;
  };
  {
    const auto log = open();
    EXPECT_EQ(maps_of_segments(), 1);
    EXPECT_EQ(write(*log, 1, 1'000), 1'000U);
    EXPECT_EQ(maps_of_segments(), 1) << "of the open one";
  }
  EXPECT_EQ(maps_of_segments(), 0);
  expect_at_least(1'000);
}

TEST_F(RealLog, HasTheDiskWriteAPartOfAFile) {
  auto& files = posix_file_ops();
  const int folder = files.open_folder(folder_.path().string());
  const int file = files.open(folder, "part", O_RDWR | O_CREAT);
  std::string bytes(64U << 10U, 'x');
  const iovec part{bytes.data(), bytes.size()};
  ASSERT_EQ(files.write(file, &part, 1, 0), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(files.write_back(file, 0, 32 << 10), 0);
  EXPECT_EQ(files.sync(file), 0);
  EXPECT_EQ(files.write_back(file, -1, 32 << 10), -1)
      << "no error but that of a missing call is hidden";
  files.close(file);
  EXPECT_EQ(files.write_back(file, 0, 32 << 10), -1);
  files.close(folder);
}

TEST_F(RealLog, FollowsNoLink) {
  { write(*open(), 1, 10); }
  fs::rename(options_.directory, folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", options_.directory);
  EXPECT_THROW(open(), DurabilityError);
  options_.directory += "/";
  EXPECT_THROW(open(), DurabilityError);
  options_.directory = folder_ / "elsewhere";
  for (const std::string name : {"MANIFEST", "LOCK", "wal-0000000000000001.log"}) {
    fs::rename(options_.directory / name, folder_ / name);
    fs::create_symlink(folder_ / name, options_.directory / name);
    EXPECT_THROW(open(), DurabilityError) << name;
    fs::rename(folder_ / name, options_.directory / name);
  }
  expect_at_least(10);
}

TEST_F(RealLog, DoesNotWaitForAPipeInThePlaceOfAFile) {
  { write(*open(), 1, 10); }
  fs::remove(options_.directory / "MANIFEST");
  ASSERT_EQ(::mkfifo((options_.directory / "MANIFEST").c_str(), 0600), 0);
  EXPECT_THROW(open(), DurabilityError);
}

TEST_F(RealLog, RefusesASecondOpenerBeforeItTouchesAByte) {
  const auto first = open();
  try {
    static_cast<void>(open_log(options_));
    FAIL() << "two caches on one log";
  } catch (const DurabilityError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("another cache uses this log"));
  }
  EXPECT_EQ(write(*first, 1, 10), 10U);
}

TEST_F(RealLog, RefusesToWorkInAForkedChildAndTheChildChangesNothing) {
  auto log = open();
  write(*log, 1, 10);
  const auto child = ::fork();
  if (child == 0) {
    const Change change(11);
    int status = 1;
    try {
      static_cast<void>(log->append({&change.record, 1}));
    } catch (const UsageError&) {
      status = 0;
    }
    log.reset();
    ::_exit(status);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(write(*log, 11, 20), 20U);
  log.reset();
  expect_at_least(20);
}

TEST_F(RealLog, SurvivesALimitOnTheSizeOfFiles) {
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  options_.segment_bytes = 64U << 10U;
  auto log = open();
  const rlimit small{8192, old.rlim_max};
  std::uint64_t acknowledged = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  acknowledged = write(*log, 1, 400);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  ::signal(SIGXFSZ, old_handler);
  log.reset();
  EXPECT_GT(acknowledged, 5U);
  expect_at_least(acknowledged);
}

/// A small file system in memory, for root alone.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path path) : path_(std::move(path)) {
    fs::create_directory(path_);
    mounted_ = ::geteuid() == 0 && mount(0, "size=256k");
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool is_mounted() const noexcept { return mounted_; }
  bool mount(unsigned long flags, const char* size) {
    return ::mount("tarmac-test", path_.c_str(), "tmpfs", flags, size) == 0;
  }

 private:
  fs::path path_;
  bool mounted_;
};

TEST_F(RealLog, RefusesWritesOnAFullDiskAndTakesThemWithinSecondsAfter) {
  SmallDisk disk(folder_ / "disk");
  if (!disk.is_mounted()) GTEST_SKIP() << "only root can mount a small disk";
  options_.directory = folder_ / "disk" / "log";
  options_.segment_bytes = 64U << 10U;
  auto log = open();
  const auto acknowledged = write(*log, 1, 100'000);
  EXPECT_LT(acknowledged, 100'000U);
  EXPECT_GT(acknowledged, 500U);
  EXPECT_TRUE(log->stats().degraded);
  ASSERT_TRUE(disk.mount(MS_REMOUNT, "size=4m"));
  const auto since = system_clock()->steady_now();
  while (log->stats().degraded && system_clock()->steady_now() - since < 5'000'000'000) {
    ::sched_yield();
  }
  EXPECT_FALSE(log->stats().degraded) << "five seconds after there was room again";
  // What failed is unknown: the changes go on behind it.
  const auto position = log->stats().appended;
  EXPECT_EQ(write(*log, 200'000, 200'010), 200'010U);
  EXPECT_EQ(log->stats().appended, position + 11);
  log.reset();
  open();
  EXPECT_EQ(replica_.newest(), 200'010U);
}

TEST_F(RealLog, RefusesAFolderThatCannotBeWritten) {
  SmallDisk disk(folder_ / "disk");
  if (!disk.is_mounted()) GTEST_SKIP() << "only root can mount a small disk";
  options_.directory = folder_ / "disk" / "log";
  { write(*open(), 1, 10); }
  ASSERT_TRUE(disk.mount(MS_REMOUNT | MS_RDONLY, "size=256k"));
  EXPECT_THROW(open(), DurabilityError);
  options_.directory = folder_ / "disk" / "new";
  EXPECT_THROW(open(), DurabilityError);
  options_.directory = folder_ / "disk" / "log";
  ASSERT_TRUE(disk.mount(MS_REMOUNT, "size=256k"));
  expect_at_least(10);
}

}  // namespace
}  // namespace tarmac
