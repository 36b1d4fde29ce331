#include <gmock/gmock.h>
#include <sys/stat.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>

#include "dead_letter_line.h"
#include "store_files.h"

namespace tarmac {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeadLetterTest : public ::testing::Test {
 protected:
  void append(const StoreWrite& write, const std::string& reason = "no reason") const {
    const DeadLetter letter{write, reason};
    append_dead_letters(file_, {&letter, 1});
  }
  [[nodiscard]] std::string stored(std::string_view key) const {
    const auto found = store_->load(key, 0);
    return found ? found->bytes : "(none)";
  }

  ScratchFolder folder_;
  std::filesystem::path file_ = folder_ / "deep/letters.jsonl";
  std::shared_ptr<testing::FaultyStore> store_ =
      std::make_shared<testing::FaultyStore>(make_memory_store());
};

TEST_F(DeadLetterTest, ComeBackAsTheyWere) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  auto lives = write_of(every_byte, every_byte + every_byte, ~std::uint64_t{0});
  lives.expires_at = -7;
  append(lives, "a \"reason\"\nof two lines");
  append(write_of("", "", 0));
  append(write_of("removed", std::nullopt, 9));
  const auto found = read_dead_letters(file_);
  EXPECT_THAT(found.damaged, IsEmpty());
  ASSERT_EQ(found.letters.size(), 3U);
  EXPECT_EQ(found.letters[0].write.key, every_byte);
  EXPECT_EQ(found.letters[0].write.value, every_byte + every_byte);
  EXPECT_EQ(found.letters[0].write.stamp, ~std::uint64_t{0});
  EXPECT_EQ(found.letters[0].write.expires_at, -7);
  EXPECT_EQ(found.letters[0].reason, "a ?reason??of two lines");
  EXPECT_EQ(found.letters[1].write.value, "");
  EXPECT_FALSE(found.letters[1].write.expires_at);
  EXPECT_FALSE(found.letters[2].write.value);
}

TEST_F(DeadLetterTest, ArePrivate) {
  const auto umask_before = ::umask(0);
  append(write_of("k", "v", 1));
  ::umask(umask_before);
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

// Goal: a letter is what was written, or known to be damaged. Method: every bit of a line flipped,
// every end cut off.
TEST_F(DeadLetterTest, AreKnownToBeDamagedWhateverBitIsFlipped) {
  auto write = write_of("key", "value", 12);
  write.expires_at = 34;
  const auto line = internal::to_line({write, "why"});
  ASSERT_TRUE(internal::from_line(line));
  for (std::size_t bit = 0; bit < line.size() * 8; ++bit) {
    auto flipped = line;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(internal::from_line(flipped)) << flipped;
  }
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(internal::from_line(std::string_view(line).substr(0, size)));
  }
  EXPECT_FALSE(internal::from_line(line + " "));
}

TEST_F(DeadLetterTest, SurviveALineThatACrashTore) {
  append(write_of("a", "1", 1));
  const auto whole = bytes_of_file(file_);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    overwrite_file(file_, whole + whole.substr(0, cut));
    append(write_of("b", "2", 2));
    const auto found = read_dead_letters(file_);
    EXPECT_EQ(found.letters.front().write.key, "a");
    EXPECT_EQ(found.letters.back().write.key, "b") << cut;
    EXPECT_LE(found.damaged.size(), 1U);
  }
}

TEST_F(DeadLetterTest, AreReplayedIntoAStoreThatTakesThem) {
  append(write_of("a", "old", 1));
  append(write_of("b", "v", 2));
  append(write_of("c", std::nullopt, 5));
  put(*store_, "a", "newer", 7);
  put(*store_, "c", "older", 3);
  const auto report = replay_dead_letters(file_, *store_);
  EXPECT_EQ(report.replayed, 3U);
  EXPECT_EQ(report.left, 0U);
  EXPECT_EQ(stored("a"), "newer");
  EXPECT_EQ(stored("b"), "v");
  EXPECT_EQ(stored("c"), "(none)");
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_EQ(replay_dead_letters(file_, *store_).replayed, 0U) << "no file, nothing to do";
}

TEST_F(DeadLetterTest, StayIfTheyAreRefusedAgainOrDamaged) {
  append(write_of("a", "1", 1));
  append(write_of("poison", "2", 2));
  overwrite_file(file_, bytes_of_file(file_) + "no letter\n");
  append(write_of("b", "3", 3));
  store_->refuse_keys([](std::string_view key) { return key == "poison"; });
  const auto report = replay_dead_letters(file_, *store_);
  EXPECT_EQ(report.replayed, 2U);
  EXPECT_EQ(report.left, 2U);
  EXPECT_EQ(report.damaged, 1U);
  EXPECT_THAT(report.error, HasSubstr("line 3 is damaged"));
  const auto left = read_dead_letters(file_);
  ASSERT_EQ(left.letters.size(), 1U);
  EXPECT_EQ(left.letters[0].write.key, "poison");
  EXPECT_THAT(left.damaged, ElementsAre("line 2"));
  store_->refuse_keys({});
  EXPECT_EQ(replay_dead_letters(file_, *store_).replayed, 1U);
  EXPECT_EQ(stored("poison"), "2");
}

TEST_F(DeadLetterTest, AreNotAllTriedOnAStoreThatIsDown) {
  for (std::uint64_t i = 0; i < 100; ++i) append(write_of(std::to_string(i), "v", i));
  const auto before = bytes_of_file(file_);
  store_->fail_keys([](std::string_view) { return true; });
  const auto report = replay_dead_letters(file_, *store_);
  EXPECT_EQ(report.left, 100U);
  EXPECT_LE(store_->attempts(), 24U);
  EXPECT_EQ(bytes_of_file(file_), before);
}

TEST_F(DeadLetterTest, AreNotWrittenThroughALink) {
  std::filesystem::create_directories(file_.parent_path());
  std::filesystem::create_symlink(folder_ / "elsewhere", file_);
  EXPECT_THROW(append(write_of("k", "v", 1)), StoreError);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

}  // namespace
}  // namespace tarmac
