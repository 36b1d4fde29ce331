// A database on a disk that is full, or may not be written: what was acknowledged stays, and
// write-back brings the rest when there is room.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/sqlite_store.h>
#include <tarmac/testing/write_policy_contract.h>

#include "store_files.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;

/// A file system of its own in memory, which can be made larger, or read-only.
class SqliteFaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(disk_);
    if (::mount("tarmac", disk_.c_str(), "tmpfs", 0, "size=512k") != 0) {
      GTEST_SKIP() << "only root may mount a small file system";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
  }
  void remount(unsigned long flags, const char* size) const {
    ASSERT_EQ(::mount("tarmac", disk_.c_str(), "tmpfs", MS_REMOUNT | flags, size), 0);
  }
  [[nodiscard]] std::shared_ptr<BackingStore> open() const {
    return make_sqlite_store({.path = disk_ / "store.db"});
  }

  ScratchFolder folder_;
  std::filesystem::path disk_ = folder_ / "disk";
  bool mounted_ = false;
};

TEST_F(SqliteFaultsTest, KeepsWhatItAcknowledgedWhenTheDiskIsFull) {
  const std::string value(4'000, 'x');
  std::uint64_t stored = 0;
  {
    const auto store = open();
    std::string message;
    while (message.empty() && stored < 1'000) {
      message =
          message_of<StoreError>([&] { put(*store, std::to_string(stored), value, stored + 1); });
      if (message.empty()) ++stored;
    }
    EXPECT_THAT(message, ::testing::HasSubstr("full"));
    EXPECT_THROW(put(*store, "more", value, 5'000), StoreError) << "and again";
    for (std::uint64_t i = 0; i < stored; ++i) {
      ASSERT_EQ(store->load(std::to_string(i), 0)->bytes, value);
    }
    remount(0, "size=4m");
    put(*store, "more", value, 5'001);
  }
  EXPECT_GT(stored, 10U);
  EXPECT_EQ(open()->size(), stored + 1);
}

TEST_F(SqliteFaultsTest, LosesNoWriteOfWriteBackWhenTheDiskIsFull) {
  constexpr std::uint64_t kKeys = 500;
  const auto store = open();
  testing::RecordingHost host;
  const auto policy =
      write_back(store, {.loss_window_max = 0ns, .retry_initial = 1ms, .retry_max = 2ms});
  policy->attach(host);
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    static_cast<void>(policy->on_write({.key = std::to_string(i),
                                        .value = std::string(4'000, 'x'),
                                        .stamp = i + 1,
                                        .expires_at = std::nullopt,
                                        .hash = 0}));
  }
  EXPECT_GT(policy->flush(5s).still_dirty, 0U);
  EXPECT_FALSE(host.errors().empty());
  remount(0, "size=32m");
  for (int tries = 0; !policy->flush(5s).complete(); ++tries) ASSERT_LT(tries, 20);
  EXPECT_EQ(store->size(), kKeys);
}

TEST_F(SqliteFaultsTest, SaysThatItsDiskMayNotBeWritten) {
  put(*open(), "k", "v", 1);
  remount(MS_RDONLY, "size=512k");
  EXPECT_THAT(message_of<StoreError>([this] { put(*open(), "k", "new", 2); }),
              ::testing::HasSubstr("store database"));
  remount(0, "size=512k");
  const auto store = open();
  EXPECT_EQ(store->load("k", 0)->bytes, "v");
  put(*store, "k", "new", 2);
  EXPECT_EQ(store->load("k", 0)->bytes, "new");
}

}  // namespace
}  // namespace tarmac
