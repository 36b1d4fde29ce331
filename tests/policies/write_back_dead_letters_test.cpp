// Writes that a store will not take: traps I7 and I9.
#include <tarmac/policies/dead_letters.h>

#include <thread>

#include "store_files.h"
#include "write_back_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeadLetteringTest : public WriteBackTest {
 protected:
  void make_with_file(WriteBackOptions options = {}) {
    options.dead_letters = file_;
    make(options);
  }
  [[nodiscard]] std::vector<std::string> buried() const {
    std::vector<std::string> keys;
    for (const auto& letter : read_dead_letters(file_).letters) keys.push_back(letter.write.key);
    return keys;
  }

  ScratchFolder folder_;
  std::filesystem::path file_ = folder_ / "letters.jsonl";
};

TEST_F(DeadLetteringTest, BuriesPoisonAndWritesEverythingElse) {
  make_with_file({.loss_window_max = 1h});
  store_->refuse_keys([](std::string_view key) { return key == "k7" || key == "k300"; });
  for (int i = 0; i < 400; ++i) static_cast<void>(set("k" + std::to_string(i)));
  const auto report = policy_->flush(kLong);
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(report.error, HasSubstr("told to refuse"));
  EXPECT_EQ(store_->size(), 398U);
  EXPECT_THAT(buried(), ElementsAre("k7", "k300"));
  const auto stats = policy_->stats();
  EXPECT_EQ(stats.dead_letters, 2U);
  EXPECT_EQ(stats.dirty_pending, 0U);
  const auto told = host_.dead_letters();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told[0], HasSubstr("letters.jsonl: the store was told to refuse"));
  EXPECT_FALSE(policy_->pending("k7"));
  store_->refuse_keys({});
  EXPECT_EQ(replay_dead_letters(file_, *store_).replayed, 2U);
  EXPECT_EQ(stored("k7"), "v");
}

TEST_F(DeadLetteringTest, GivesAKeyUpThatFailsWhileOthersAreTaken) {
  make_with_file({.loss_window_max = 1h, .attempts_max = 3});
  store_->fail_keys([](std::string_view key) { return key == "bad"; });
  static_cast<void>(set("bad"));
  for (int i = 0; policy_->stats().dead_letters == 0; ++i) {
    ASSERT_LT(i, 10);
    static_cast<void>(set("good" + std::to_string(i)));
    static_cast<void>(policy_->flush(kLong));
  }
  EXPECT_THAT(buried(), ElementsAre("bad"));
  EXPECT_EQ(policy_->stats().dirty_pending, 0U);
}

TEST_F(DeadLetteringTest, GivesNothingUpWhileTheStoreIsDown) {
  make_with_file({.loss_window_max = 1h, .attempts_max = 2});
  store_->fail_keys([](std::string_view) { return true; });
  for (int i = 0; i < 5; ++i) static_cast<void>(set("k" + std::to_string(i)));
  for (int i = 0; i < 40; ++i) {
    static_cast<void>(policy_->flush(kLong));
    clock_->advance(10s);
  }
  EXPECT_EQ(policy_->stats().dead_letters, 0U);
  EXPECT_EQ(policy_->stats().dirty_pending, 5U);
  store_->fail_keys({});
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(store_->size(), 5U);
}

TEST_F(DeadLetteringTest, GoesOnOwingWhatItCannotBury) {
  overwrite_file(folder_ / "file", "in the way");
  WriteBackOptions options{.loss_window_max = 1h};
  options.dead_letters = folder_ / "file/letters.jsonl";
  make(options);
  store_->refuse_keys([](std::string_view key) { return key == "bad"; });
  static_cast<void>(set("bad"));
  const auto report = policy_->flush(kLong);
  EXPECT_EQ(report.still_dirty, 1U);
  EXPECT_THAT(report.error, HasSubstr("and it could not be given up: dead-letter file"));
  EXPECT_EQ(policy_->stats().dead_letters, 0U);
  store_->refuse_keys({});
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored("bad"), "v");
}

TEST_F(DeadLetteringTest, GoesOnOwingAllThatItCannotBuryTogether) {
  overwrite_file(folder_ / "file", "in the way");
  WriteBackOptions options{.loss_window_max = 1h};
  options.dead_letters = folder_ / "file/letters.jsonl";
  make(options);
  store_->refuse_keys([](std::string_view key) { return key.starts_with("bad"); });
  for (const auto* key : {"bad1", "good", "bad2"}) static_cast<void>(set(key));
  EXPECT_EQ(policy_->flush(kLong).still_dirty, 2U);
  EXPECT_EQ(stored("good"), "v");
  EXPECT_TRUE(policy_->pending("bad1"));
  EXPECT_EQ(policy_->stats().dead_letters, 0U);
  store_->refuse_keys({});
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored("bad1"), "v");
  EXPECT_EQ(stored("bad2"), "v");
}

TEST_F(DeadLetteringTest, WithoutAFileGoesOnOwingPoison) {
  make({.loss_window_max = 1h});
  store_->refuse_keys([](std::string_view key) { return key == "bad"; });
  static_cast<void>(set("bad"));
  static_cast<void>(set("good"));
  EXPECT_EQ(policy_->flush(kLong).still_dirty, 1U);
  EXPECT_EQ(stored("good"), "v");
  EXPECT_TRUE(policy_->pending("bad"));
}

TEST_F(DeadLetteringTest, PutsByWhatTheDestructorCannotWrite) {
  make_with_file();
  store_->fail_keys([](std::string_view) { return true; });
  for (int i = 0; i < 10; ++i) static_cast<void>(set("k" + std::to_string(i), "last"));
  policy_.reset();
  ASSERT_FALSE(host_.errors().empty());
  EXPECT_THAT(host_.errors().back(), HasSubstr("closed with 10 writes not stored"));
  EXPECT_THAT(host_.errors().back(), HasSubstr("they are in " + file_.string()));
  store_->fail_keys({});
  EXPECT_EQ(replay_dead_letters(file_, *store_).replayed, 10U);
  EXPECT_EQ(stored("k9"), "last");
}

// Goal: a newer value is not given up with an older one. Method: it comes while the store refuses
// the older.
TEST_F(DeadLetteringTest, KeepsTheNewerWriteOfABuriedOne) {
  make_with_file({.loss_window_max = 0ns});
  store_->refuse_keys([calls = 0](std::string_view) mutable { return ++calls == 1; });
  store_->block_writes();
  static_cast<void>(set("k", "old"));
  store_->await_blocked();
  static_cast<void>(set("k", "new"));
  store_->release_writes();
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_EQ(stored("k"), "new");
  ASSERT_EQ(read_dead_letters(file_).letters.size(), 1U);
  EXPECT_EQ(read_dead_letters(file_).letters[0].write.value, "old");
  EXPECT_EQ(replay_dead_letters(file_, *store_).replayed, 1U);
  EXPECT_EQ(stored("k"), "new") << "the store passes over what is older";
}

TEST_F(DeadLetteringTest, TellsHowLongTheOldestWriteHasWaited) {
  make({.loss_window_max = 1h});
  EXPECT_EQ(policy_->stats().oldest_dirty_nanoseconds, 0);
  static_cast<void>(set("a"));
  clock_->advance(3s);
  static_cast<void>(set("a", "again"));
  static_cast<void>(set("b"));
  EXPECT_EQ(policy_->stats().oldest_dirty_nanoseconds, std::chrono::nanoseconds(3s).count());
  store_->fail_keys([](std::string_view key) { return key == "a"; });
  static_cast<void>(policy_->flush(kLong));
  clock_->advance(2s);
  EXPECT_EQ(policy_->stats().oldest_dirty_nanoseconds, std::chrono::nanoseconds(5s).count())
      << "a failure does not make it younger";
  store_->fail_keys({});
  static_cast<void>(policy_->flush(kLong));
  EXPECT_EQ(policy_->stats().oldest_dirty_nanoseconds, 0);
}

TEST_F(DeadLetteringTest, CountsTheTimeThatWritersWaited) {
  make({.loss_window_max = 1h, .dirty_max = 1, .block_max = 2s});
  store_->fail_keys([](std::string_view) { return true; });
  static_cast<void>(set("a"));
  std::thread writer([this] { EXPECT_THROW(static_cast<void>(set("b")), StoreError); });
  while (policy_->stats().backpressure_nanoseconds == 0) {
    clock_->await_waiters(1);
    clock_->advance(1s);
  }
  writer.join();
  EXPECT_GE(policy_->stats().backpressure_nanoseconds, std::chrono::nanoseconds(2s).count());
}

TEST(WriteBackSettings, RefuseWhatCannotWork) {
  EXPECT_THAT(message_of<ConfigError>([] { WriteBackOptions{.attempts_max = 0}.validate(); }),
              HasSubstr("attempts_max must be at least 1"));
  WriteBackOptions folder;
  folder.dead_letters = "letters/";
  EXPECT_THAT(message_of<ConfigError>([&] { folder.validate(); }), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace tarmac
