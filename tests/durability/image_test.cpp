// Snapshot files: whole or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/durability/log.h>

#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include "log_rig.h"

namespace tarmac {
namespace {

std::string value_of(int number) {
  std::mt19937 chance(static_cast<unsigned>(number));
  std::string value(static_cast<std::size_t>(20 + number % 300), 'v');
  for (std::size_t i = 0; i < value.size(); i += 3)
    value[i] = static_cast<char>('a' + chance() % 26);
  return value;
}

JournalRecord entry_of(int number, std::string& key, std::string& value) {
  key = "key " + std::to_string(number);
  value = value_of(number);
  JournalRecord entry;
  entry.key = key;
  entry.value = value;
  entry.stamp = static_cast<std::uint64_t>(number) + 1;
  entry.visits = static_cast<std::uint64_t>(number % 5);
  if (number % 2 == 0) entry.expires_at = 1'700'000'000'000'000'000 + number;
  entry.ttl = number % 2 == 0 ? 60'000'000'000 : 0;
  if (number % 3 == 0) entry.weight = 7;
  entry.dirty = number % 4 == 0;
  return entry;
}

void write_entries(ImageWriter& image, int count) {
  std::string key;
  std::string value;
  for (int number = 0; number < count; ++number) image.add(entry_of(number, key, value));
}

class SnapshotFile : public ::testing::Test {
 protected:
  void write(int count) {
    const auto image = format_->create("shot.tarmac", {"cache", "s3fifo", "write_back", 42});
    write_entries(*image, count);
    image->publish();
  }
  /// How many entries were shown.
  std::uint64_t read() {
    std::uint64_t shown = 0;
    header_ = format_->read("shot.tarmac", [&](const JournalRecord&) { ++shown; });
    return shown;
  }

  MemoryFiles files_;
  std::unique_ptr<SnapshotFormat> format_ = make_snapshot_format(files_);
  ImageHeader header_;
};

TEST_F(SnapshotFile, GivesBackEveryEntryInOrderWithAllThatBelongsToIt) {
  write(2000);
  int number = 0;
  std::string key;
  std::string value;
  const auto header = format_->read("shot.tarmac", [&](const JournalRecord& shown) {
    const auto wanted = entry_of(number++, key, value);
    ASSERT_EQ(shown.key, wanted.key);
    ASSERT_EQ(shown.value, wanted.value);
    ASSERT_EQ(shown.stamp, wanted.stamp);
    ASSERT_EQ(shown.visits, wanted.visits);
    ASSERT_EQ(shown.expires_at, wanted.expires_at);
    ASSERT_EQ(shown.ttl, wanted.ttl);
    ASSERT_EQ(shown.weight, wanted.weight);
    ASSERT_EQ(shown.dirty, wanted.dirty);
  });
  EXPECT_EQ(number, 2000);
  EXPECT_EQ(header.cache_name, "cache");
  EXPECT_EQ(header.strategy, "s3fifo");
  EXPECT_EQ(header.write_policy, "write_back");
  EXPECT_EQ(header.taken_at, 42);
}

TEST_F(SnapshotFile, IsSmallerThanWhatIsInIt) {
  write(2000);
  std::size_t raw = 0;
  for (int number = 0; number < 2000; ++number) raw += value_of(number).size();
  EXPECT_LT(files_.content().at("shot.tarmac").size(), raw);
}

TEST_F(SnapshotFile, MayBeEmptyAndMayHaveAnEntryLargerThanABlock) {
  write(0);
  EXPECT_EQ(read(), 0U);
  const auto image = format_->create("shot.tarmac", {});
  std::mt19937 chance(1);
  std::string large(300'000, ' ');
  for (auto& byte : large) byte = static_cast<char>(chance());
  JournalRecord entry;
  entry.key = "large";
  entry.value = large;
  image->add(entry);
  image->publish();
  format_->read("shot.tarmac", [&](const JournalRecord& shown) { EXPECT_EQ(shown.value, large); });
}

TEST_F(SnapshotFile, ShowsNothingWhicheverBitIsFlipped) {
  write(700);
  const auto whole = files_.content();
  const auto size = whole.at("shot.tarmac").size();
  ASSERT_GT(size, 30'000U);
  const auto step = stride(97);
  for (std::size_t bit = 0; bit < size * 8; bit += step) {
    auto damaged = whole;
    auto& byte = damaged["shot.tarmac"][bit / 8];
    byte = static_cast<char>(byte ^ static_cast<char>(1U << (bit % 8)));
    files_.set_content(damaged);
    std::uint64_t shown = 0;
    ASSERT_THROW(format_->read("shot.tarmac", [&](const JournalRecord&) { ++shown; }),
                 DurabilityError)
        << "bit " << bit;
    ASSERT_EQ(shown, 0U) << "bit " << bit;
  }
}

TEST_F(SnapshotFile, ShowsNothingOfAFileThatIsCut) {
  write(50);
  const auto whole = files_.content().at("shot.tarmac");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    files_.set_content({{"shot.tarmac", whole.substr(0, cut)}});
    ASSERT_THROW(read(), DurabilityError) << "cut at " << cut;
  }
}

// Goal: the old file or the new one, whichever call fails or is the last. Trap J4.
TEST_F(SnapshotFile, IsTheOldOneOrTheNewOneWhicheverCallFails) {
  std::mt19937_64 chance(9);
  for (const bool dies : {false, true}) {
    for (std::uint64_t call = 1;; ++call) {
      files_.set_content({});
      files_.restart();
      write(10);
      if (dies) {
        files_.die_at(call);
      } else {
        files_.fail_at(call, ENOSPC, false);
      }
      bool worked = true;
      try {
        write(20);
      } catch (const DurabilityError&) {
        worked = false;
      }
      const bool reached = files_.calls() >= call;
      files_.power_cut(&chance);
      const auto shown = read();
      ASSERT_TRUE(shown == 20 || (!worked && shown == 10)) << "call " << call << ": " << shown;
      if (!reached) break;
      ASSERT_LT(call, 100U);
    }
  }
}

TEST_F(SnapshotFile, LeavesNothingBehindWhenItIsGivenUp) {
  { write_entries(*format_->create("shot.tarmac", {}), 1000); }
  EXPECT_THAT(files_.content(), ::testing::IsEmpty());
  EXPECT_THROW(read(), DurabilityError);
}

TEST_F(SnapshotFile, NeedsAName) {
  EXPECT_THROW(static_cast<void>(format_->create("folder/", {})), ConfigError);
  EXPECT_THROW(static_cast<void>(format_->create("not/there/file", {})), DurabilityError);
}

TEST(LogImage, TakesThePlaceOfTheRecordsBeforeIt) {
  LogRig rig;
  rig.open();
  ASSERT_TRUE(rig.run(400));
  EXPECT_GE(rig.log().stats().compactions, 2U);
  EXPECT_LT(rig.log().stats().log_bytes, 20U << 10U);
  std::size_t images = 0;
  for (const auto& [name, bytes] : rig.files().content()) {
    images += name.starts_with("snap-") ? 1U : 0U;
  }
  EXPECT_EQ(images, 1U);
  rig.close();
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
  EXPECT_GT(rig.report().image_entries, 0U);
  EXPECT_GT(rig.report().records, 0U);
}

TEST(LogImage, MayBeMadeWhileRecordsAreAppended) {
  LogRig rig;
  rig.options().compact_bytes = 1U << 30U;
  rig.open();
  ASSERT_TRUE(rig.run(30));
  const auto image = rig.log().begin_image({});
  const auto before = rig.replica();
  ASSERT_TRUE(rig.run(60));
  // Fuzzy: the image has the newest of one key, and the state of the beginning for the rest.
  std::string key;
  std::string value;
  for (const auto& [name, state] : before.keys()) {
    const auto& now = rig.replica().keys().at(name);
    const auto& shown = name == "key7" ? now : state;
    if (!shown.second) continue;
    JournalRecord entry;
    entry.key = name;
    entry.value = *shown.second;
    entry.stamp = shown.first;
    image->add(entry);
  }
  image->publish();
  rig.files().die_at(1);
  rig.close();
  rig.files().power_cut(nullptr);
  rig.open();
  EXPECT_TRUE(rig.is_prefix());
  EXPECT_EQ(rig.report().records, 30U);
}

TEST(LogImage, ThatIsGivenUpChangesNothingAndIsTriedAgainLater) {
  LogRig rig;
  rig.options().compact_bytes = 4096;
  rig.open();
  rig.clock().advance(std::chrono::hours(1));
  const Change change(1);
  for (int i = 0; i < 80; ++i) rig.log().wait(rig.log().append({&change.record, 1}));
  ASSERT_TRUE(rig.log().wants_image());
  { const auto given_up = rig.log().begin_image({}); }
  EXPECT_EQ(rig.log().stats().compaction_failures, 1U);
  EXPECT_FALSE(rig.log().wants_image());
  rig.clock().advance(std::chrono::seconds(1));
  EXPECT_TRUE(rig.log().wants_image());
  rig.close();
  rig.open();
  EXPECT_EQ(rig.report().image_entries, 0U);
  EXPECT_EQ(rig.report().records, 80U);
}

}  // namespace
}  // namespace tarmac
