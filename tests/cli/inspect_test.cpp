#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/durability/log.h>
#include <tarmac/testing/scratch_folder.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "process.h"

namespace tarmac::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A log with an image of 5 entries and 10 records behind it, and a snapshot of 3 entries.
class Inspect : public ::testing::Test {
 protected:
  Inspect() {
    const auto log = open();
    write(*log, 1, 5);
    const auto image = log->begin_image({"sessions", "lru", "none", 1});
    fill(*image, 5);
    image->publish();
    write(*log, 6, 15);
    const auto shot = make_snapshot_format()->create(snapshot(), {"sessions", "lfu", "none", 1});
    fill(*shot, 3);
    shot->publish();
  }

  [[nodiscard]] std::unique_ptr<Journal> open() {
    DurabilityOptions options;
    options.directory = log();
    auto journal = open_log(options);
    std::optional<ImageHeader> header;
    shown_ = 0;
    journal->recover([this](const JournalRecord&) { ++shown_; }, header);
    return journal;
  }
  static void write(Journal& log, int from, int to) {
    for (int number = from; number <= to; ++number) log.wait(log.append({&record(number), 1}));
  }
  static void fill(ImageWriter& image, int count) {
    for (int number = 1; number <= count; ++number) image.add(record(number));
  }
  static const JournalRecord& record(int number) {
    static JournalRecord one;
    static std::string key;
    key = "key " + std::to_string(number);
    one.key = key;
    one.value = "value";
    one.stamp = static_cast<std::uint64_t>(number);
    return one;
  }
  /// Changes the byte at `at` of the first file in the log whose name begins so.
  void damage(const std::string& start, std::streamoff at) const {
    for (const auto& file : fs::directory_iterator(log())) {
      if (file.path().filename().string().starts_with(start)) change_byte(file.path(), at);
    }
  }
  static void change_byte(const fs::path& path, std::streamoff at) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
  }
  [[nodiscard]] std::string log() const { return (folder_ / "log").string(); }
  [[nodiscard]] std::string snapshot() const { return (folder_ / "sessions.snap").string(); }

  testing::ScratchFolder folder_;
  int shown_ = 0;
};

TEST_F(Inspect, DescribesALogThatIsSound) {
  const auto done = run({"inspect", log()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr(": a log, sound\n"));
  EXPECT_THAT(done.out, HasSubstr("of the cache \"sessions\", strategy lru"));
  EXPECT_THAT(done.out, HasSubstr("records 6 to 15, 10 changes"));
  EXPECT_THAT(done.out, HasSubstr("image, "));
  EXPECT_THAT(done.out, HasSubstr("5 entries"));
  EXPECT_THAT(done.err, IsEmpty());
}

TEST_F(Inspect, DescribesASnapshotAsJson) {
  const auto done = run({"inspect", "--json", snapshot()});
  EXPECT_EQ(done.status, 0) << done.err;
  const auto root = nlohmann::json::parse(done.out);
  EXPECT_EQ(root.at("kind"), "snapshot");
  EXPECT_EQ(root.at("sound"), true);
  EXPECT_EQ(root.at("cache").at("strategy"), "lfu");
  EXPECT_EQ(root.at("files").at(0).at("records"), 3);
}

TEST_F(Inspect, NamesWhatIsDamagedAndCopiesTheRecordsBeforeIt) {
  // Record 10 of those from 6 on; each has 40 bytes of header and 32 of change.
  damage("wal-", 64 + 4 * 72 + 50);
  const auto done = run({"inspect", log()});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, HasSubstr(": a log, damaged\n"));
  EXPECT_THAT(done.err, HasSubstr("record 10 at byte 352 is damaged"));
  EXPECT_THROW(static_cast<void>(open()), DurabilityError);
  const auto target = (folder_ / "rescued").string();
  const auto saved = run({"inspect", log(), "--salvage", target});
  EXPECT_EQ(saved.status, 1);
  EXPECT_THAT(saved.out, HasSubstr("saved 5 entries and 4 changes"));
  EXPECT_EQ(run({"inspect", log()}).err, done.err) << "the log itself is as it was";
  fs::remove_all(log());
  fs::rename(target, log());
  static_cast<void>(open());
  EXPECT_EQ(shown_, 9);
}

TEST_F(Inspect, CopiesWhatIsThereWhenTheManifestIsLost) {
  fs::remove(fs::path(log()) / "MANIFEST");
  const auto target = (folder_ / "rescued").string();
  const auto saved = run({"inspect", log(), "--salvage", target, "--json"});
  EXPECT_EQ(saved.status, 1);
  const auto root = nlohmann::json::parse(saved.out);
  EXPECT_EQ(root.at("saved").at("entries"), 5);
  EXPECT_EQ(root.at("saved").at("records"), 10);
}

TEST_F(Inspect, CopiesTheWholeBlocksOfADamagedSnapshot) {
  {
    const auto shot = make_snapshot_format()->create(snapshot(), {"sessions", "lfu", "none", 1});
    fill(*shot, 9000);
    shot->publish();
  }
  change_byte(snapshot(), static_cast<std::streamoff>(fs::file_size(snapshot()) / 2));
  const auto target = (folder_ / "rescued").string();
  const auto saved = run({"inspect", snapshot(), "--salvage", target, "--json"});
  EXPECT_EQ(saved.status, 1);
  const auto entries = nlohmann::json::parse(saved.out).at("saved").at("entries").get<int>();
  EXPECT_GT(entries, 4000);
  EXPECT_LT(entries, 9000);
  EXPECT_EQ(run({"inspect", target + "/sessions.snap"}).status, 0);
}

TEST_F(Inspect, RefusesACallThatIsWrongAndALogInUse) {
  EXPECT_EQ(run({"inspect"}).status, 2);
  EXPECT_EQ(run({"inspect", "nowhere/at/all"}).status, 2);
  EXPECT_EQ(run({"inspect", folder_.path().string()}).status, 2);
  EXPECT_EQ(run({"inspect", log(), "--salvage", folder_.path().string()}).status, 2);
  const auto journal = open();
  const auto used = run({"inspect", log()});
  EXPECT_EQ(used.status, 2);
  EXPECT_THAT(used.err, HasSubstr("in use"));
}

}  // namespace
}  // namespace tarmac::cli
