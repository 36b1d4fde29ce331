// What the store in a JSON file promises beyond the contract.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/file_store.h>
#include <tarmac/stores/memory_store.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "store_files.h"

namespace tarmac {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<BackingStore> open_at(const std::filesystem::path& path) {
  return make_file_store({.path = path});
}

class FileStoreTest : public ::testing::Test {
 protected:
  /// A document with a text, bytes that are no text, a deadline and a removal.
  void fill() const {
    const auto store = open_at(path_);
    put(*store, "alice", "Alice \xC3\xA9", 1);
    put(*store, std::string("\xff\x00k", 3), "\xfe", 2);
    auto expiring = write_of("short-lived", "soon gone", 3);
    expiring.expires_at = kNow + 5;
    store->write({&expiring, 1});
    put(*store, "removed", std::nullopt, 9);
  }

  ScratchFolder folder_;
  std::filesystem::path path_ = folder_ / "data.json";
};

TEST_F(FileStoreTest, HasEverythingAgainWhenItIsOpenedAgain) {
  fill();
  const auto store = open_at(path_);
  EXPECT_EQ(store->size(), 3U);
  EXPECT_EQ(store->load("alice", kNow)->bytes, "Alice \xC3\xA9");
  const auto binary = store->load(std::string("\xff\x00k", 3), kNow);
  ASSERT_TRUE(binary);
  EXPECT_EQ(binary->bytes, "\xfe");
  EXPECT_EQ(binary->stamp, 2U);
  EXPECT_EQ(store->load("short-lived", kNow)->expires_at, kNow + 5);
  EXPECT_FALSE(store->load("short-lived", kNow + 5));
  put(*store, "removed", "late", 8);
  EXPECT_FALSE(store->load("removed", kNow));
}

// The format is a promise: what an earlier version wrote must be readable, to the byte.
TEST_F(FileStoreTest, WritesThisDocument) {
  fill();
  EXPECT_EQ(bytes_of_file(path_),
            R"({"format":"tarmac store","version":1,"checksum":"b05513e7b7bf39e3","rows":[
{"key":"alice","value":"Alice é","stamp":1,"check":"e8c1c7a139a8010b"},
{"key":"removed","stamp":9,"check":"c39f445765f2b2c5"},
{"key":"short-lived","value":"soon gone","stamp":3,"expires_at":1700000000000000005,"check":"f99edab2fc432b30"},
{"key_base64":"/wBr","value_base64":"/g==","stamp":2,"check":"a4b903bc4aceca8f"}
]}
)");
  EXPECT_EQ(nlohmann::json::parse(bytes_of_file(path_)).at("rows").size(), 4U);
}

// Goal: no damage goes unseen, and none is made worse. Method: flip each bit of a document in turn,
// and cut it at each byte; every time it is refused, and stays as it is.
TEST_F(FileStoreTest, RefusesADocumentWithAnyBitFlippedOrAnyByteMissing) {
  fill();
  const auto sound = bytes_of_file(path_);
  const auto expect_refused = [&](const std::string& damaged) {
    overwrite_file(path_, damaged);
    EXPECT_THROW(open_at(path_), StoreError) << damaged;
    EXPECT_EQ(bytes_of_file(path_), damaged);
  };
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto damaged = sound;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
      expect_refused(damaged);
    }
    expect_refused(sound.substr(0, at));
  }
  overwrite_file(path_, sound);
  EXPECT_EQ(open_at(path_)->size(), 3U);
}

TEST_F(FileStoreTest, NamesThePlaceOfDamageAndRefusesWritesToo) {
  fill();
  auto damaged = bytes_of_file(path_);
  damaged.at(damaged.find("Alice")) = 'B';
  overwrite_file(path_, damaged);
  const auto store = store_registry().make("file", Parameters{{"path", path_.string()}});
  const auto message = message_of<StoreError>([&] { put(*store, "new", "v", 10); });
  EXPECT_THAT(message, HasSubstr(path_.string()));
  EXPECT_THAT(message, HasSubstr("line 2 (byte "));
  EXPECT_FALSE(store->health().reachable);
  EXPECT_EQ(bytes_of_file(path_), damaged);
}

// What is no whole number cannot be converted to one: the behaviour would be undefined.
TEST_F(FileStoreTest, RefusesTimesAndStampsThatAreNoWholeNumbers) {
  fill();
  const auto sound = bytes_of_file(path_);
  for (const auto* bad : {"1.8e26", "-1", "1.5", "18446744073709551616", "\"1\"", "null", "true"}) {
    auto damaged = sound;
    damaged.replace(damaged.find("\"stamp\":1,") + 8, 1, bad);
    overwrite_file(path_, damaged);
    const auto message = message_of<StoreError>([&] { open_at(path_); });
    EXPECT_THAT(message,
                AllOf(HasSubstr("line 2 (byte "), HasSubstr("stamp is not a whole number")))
        << bad;
  }
  auto damaged = sound;
  damaged.replace(damaged.find("1700000000000000005"), 19, "1.7e40");
  overwrite_file(path_, damaged);
  EXPECT_THAT(message_of<StoreError>([&] { open_at(path_); }),
              HasSubstr("expires_at is not a whole number"));
}

TEST_F(FileStoreTest, RefusesRowsThatWereRemovedOrRepeated) {
  fill();
  const auto sound = bytes_of_file(path_);
  const auto first = sound.find('\n') + 1;
  const auto second = sound.find('\n', first) + 1;
  overwrite_file(path_, sound.substr(0, first) + sound.substr(second));
  EXPECT_THAT(message_of<StoreError>([&] { open_at(path_); }), HasSubstr("lines are missing"));
  overwrite_file(path_, sound.substr(0, second) + sound.substr(first));
  EXPECT_THAT(message_of<StoreError>([&] { open_at(path_); }), HasSubstr("stands there twice"));
}

TEST_F(FileStoreTest, RefusesAVersionThatItDoesNotKnow) {
  fill();
  auto later = bytes_of_file(path_);
  later.replace(later.find("\"version\":1"), 11, "\"version\":2");
  overwrite_file(path_, later);
  EXPECT_THAT(message_of<StoreError>([&] { open_at(path_); }), HasSubstr("has version \"2\""));
}

TEST_F(FileStoreTest, MakesFoldersAndKeepsEverythingPrivate) {
  const auto before = ::umask(0);
  const auto path = folder_ / "a" / "b" / "data.json";
  put(*open_at(path), "k", "v", 1);
  ::umask(before);
  struct stat about {};
  for (const auto& [place, mode] : {std::pair(folder_ / "a", 0700), std::pair(path, 0600)}) {
    ASSERT_EQ(::stat(place.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, static_cast<mode_t>(mode)) << place;
  }
}

TEST_F(FileStoreTest, WritesThroughNoLink) {
  const auto target = folder_ / "target";
  overwrite_file(target, "precious");
  std::filesystem::create_symlink(target, path_);
  EXPECT_THROW(open_at(path_), StoreError);
  EXPECT_EQ(bytes_of_file(target), "precious");
}

TEST_F(FileStoreTest, IsRefusedToASecondUser) {
  const auto store = open_at(path_);
  EXPECT_THAT(message_of<StoreError>([&] { open_at(path_); }), HasSubstr("another store uses it"));
  const auto child = ::fork();
  if (child == 0) {
    const bool refused = !message_of<StoreError>([&] { open_at(path_); }).empty();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Goal: a write that fails leaves memory and disk as they were, and the next one works. Method: a
// bound on the size of files, which acts as a full disk does.
TEST_F(FileStoreTest, StaysAsItWasWhenTheDiskIsFull) {
  const auto store = open_at(path_);
  put(*store, "k", "old", 1);
  const auto document = bytes_of_file(path_);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit narrow{.rlim_cur = 4'096, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &narrow), 0);
  const std::array batch{write_of("k", "new", 2), write_of("big", std::string(10'000, 'x'), 3)};
  const auto message = message_of<StoreError>([&] { store->write(batch); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr("File too large"));
  EXPECT_EQ(store->load("k", kNow)->bytes, "old");
  EXPECT_EQ(store->size(), 1U);
  EXPECT_EQ(bytes_of_file(path_), document);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data.json.tmp"));
  store->write(batch);
  EXPECT_EQ(store->size(), 2U);
}

TEST_F(FileStoreTest, SaysThatItsFolderMayNotBeWritten) {
  put(*open_at(path_), "k", "v", 1);
  const auto child = ::fork();  // root may write everywhere, so somebody else tries.
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65'534) != 0) ::_exit(2);
    if (::access(folder_.path().c_str(), W_OK) == 0) ::chmod(folder_.path().c_str(), 0500);
    const auto made = folder_ / "below" / "data.json";
    ::_exit(message_of<StoreError>([&] { open_at(made); }).empty() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::chmod(folder_.path().c_str(), 0700);
  EXPECT_EQ(status, 0);
}

TEST_F(FileStoreTest, TakesNoHarmFromWhatACrashLeftBeside) {
  fill();
  overwrite_file(folder_ / "data.json.tmp", "half a docu");
  const auto store = open_at(path_);
  put(*store, "k", "v", 10);
  EXPECT_EQ(store->size(), 4U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data.json.tmp"));
}

TEST_F(FileStoreTest, KeepsWithinItsBounds) {
  const auto store = make_file_store({.path = path_, .bytes_max = 2'000, .removals_max = 3});
  EXPECT_THROW(put(*store, "k", std::string(3'000, 'x'), 1), StoreError);
  for (std::uint64_t i = 1; i <= 5; ++i) put(*store, std::to_string(i), std::nullopt, i * 10);
  put(*store, "2", "late", 1);  // Forgotten by now.
  put(*store, "3", "late", 1);
  EXPECT_TRUE(store->load("2", kNow));
  EXPECT_FALSE(store->load("3", kNow));
}

TEST_F(FileStoreTest, RefusesAnImageOfAnotherStore) {
  const auto store = open_at(path_);
  EXPECT_THROW(store->put_back(*make_memory_store()->image()), UsageError);
  EXPECT_THROW(store->put_back(*open_at(folder_ / "other.json")->image()), UsageError);
}

TEST_F(FileStoreTest, TouchesNothingBeforeItsFirstUseWhenItIsMadeByName) {
  const auto store = store_registry().make("file", Parameters{{"path", path_.string()}});
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  put(*store, "k", "v", 1);
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_THROW(static_cast<void>(store_registry().make("file")), ConfigError);
  EXPECT_THROW(static_cast<void>(store_registry().make("file", Parameters{{"path", "a/"}})),
               ConfigError);
}

}  // namespace
}  // namespace tarmac
