// What the store in an SQLite database promises beyond the contract.
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/stores/sqlite_store.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include "store_files.h"

namespace tarmac {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

using Content = std::map<std::string, std::tuple<std::string, std::uint64_t, WallNanos>>;

Content content_of(BackingStore& store) {
  Content content;
  store.scan([&](std::string_view key, const StoredValue& found) {
    content[std::string(key)] = {found.bytes, found.stamp, found.expires_at.value_or(0)};
  });
  return content;
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::shared_ptr<BackingStore> open(milliseconds busy_limit = milliseconds(5'000)) const {
    return make_sqlite_store({.path = path_, .busy_limit = busy_limit});
  }

  /// As another program would, which knows nothing of the store.
  void run(const std::string& sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  ScratchFolder folder_;
  std::filesystem::path path_ = folder_ / "data.db";
};

TEST_F(SqliteStoreTest, HasEverythingAgainWhenItIsOpenedAgain) {
  {
    const auto store = open();
    put(*store, std::string("k\0k", 3), "v", 7);
    put(*store, "empty", "", 8);
    put(*store, "removed", std::nullopt, 9);
  }
  const auto store = open();
  EXPECT_EQ(store->size(), 2U);
  EXPECT_EQ(store->load(std::string("k\0k", 3), kNow)->stamp, 7U);
  EXPECT_EQ(store->load("empty", kNow)->bytes, "");
  put(*store, "removed", "late", 8);
  EXPECT_FALSE(store->load("removed", kNow));
}

TEST_F(SqliteStoreTest, IsDurableAndPrivate) {
  const auto before = ::umask(0);
  const auto path = folder_ / "a" / "b" / "data.db";
  const auto store = make_sqlite_store({.path = path});
  put(*store, "k", "v", 1);
  ::umask(before);
  for (const auto* end : {"", "-wal", "-shm"}) {
    struct stat about {};
    ASSERT_EQ(::stat((path.string() + end).c_str(), &about), 0) << end;
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << end;
  }
}

TEST_F(SqliteStoreTest, RefusesARowWhoseBytesHaveChanged) {
  const auto store = open();
  put(*store, "k", "value", 1);
  put(*store, "other", "value", 2);
  run("UPDATE entries SET value=CAST('velue' AS BLOB) WHERE key=CAST('k' AS BLOB)");
  EXPECT_THAT(message_of<StoreError>([&] { static_cast<void>(store->load("k", kNow)); }),
              HasSubstr("the row of key \"k\" is damaged"));
  EXPECT_THROW(store->scan([](std::string_view, const StoredValue&) {}), StoreError);
  EXPECT_EQ(store->load("other", kNow)->bytes, "value");
  put(*store, "k", "mended", 3);
  EXPECT_EQ(store->load("k", kNow)->bytes, "mended");
}

// Goal: whichever byte of the file goes bad, no wrong value is ever returned. Method: flip a byte
// in turn, all over the file; what comes back is the right value, none, or an error.
TEST_F(SqliteStoreTest, ReturnsNoWrongValueWhicheverByteIsDamaged) {
  {
    const auto store = open();
    for (std::uint64_t i = 1; i <= 40; ++i) {
      put(*store, "key " + std::to_string(i), "the value of " + std::to_string(i), i);
    }
  }  // The last connection moves everything into the one file.
  const auto sound = bytes_of_file(path_);
  ASSERT_FALSE(std::filesystem::exists(path_.string() + "-wal"));
  std::size_t refused = 0;
  for (std::size_t at = 0; at < sound.size(); at += 5) {
    auto damaged = sound;
    damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ 0x11U);
    overwrite_file(path_, damaged);
    const auto message = message_of<StoreError>([&] {
      const auto store = open();
      for (std::uint64_t i = 1; i <= 40; ++i) {
        const auto found = store->load("key " + std::to_string(i), kNow);
        if (found) {
          ASSERT_EQ(found->bytes, "the value of " + std::to_string(i)) << at;
          ASSERT_EQ(found->stamp, i) << at;
        }
      }
    });
    if (!message.empty()) ++refused;
    for (const auto* end : {"-wal", "-shm"}) std::filesystem::remove(path_.string() + end);
  }
  EXPECT_GT(refused, 100U);
}

TEST_F(SqliteStoreTest, RefusesWhatIsNotItsOwn) {
  overwrite_file(path_, std::string(4'096, 'x'));
  EXPECT_THAT(message_of<StoreError>([&] { open(); }), HasSubstr("no database"));
  EXPECT_EQ(bytes_of_file(path_), std::string(4'096, 'x'));
  std::filesystem::remove(path_);
  run("CREATE TABLE mine(a)");
  EXPECT_THAT(message_of<StoreError>([&] { open(); }), HasSubstr("belongs to another program"));
  std::filesystem::remove(path_);
  open();
  run("PRAGMA user_version=2");
  EXPECT_THAT(message_of<StoreError>([&] { open(); }), HasSubstr("has version 2"));
}

TEST_F(SqliteStoreTest, WritesThroughNoLink) {
  const auto target = folder_ / "target.db";
  overwrite_file(target, "");
  std::filesystem::create_symlink(target, path_);
  EXPECT_THROW(open(), StoreError);
  EXPECT_EQ(bytes_of_file(target), "");
}

TEST_F(SqliteStoreTest, WaitsForAnotherProcessNoLongerThanItMay) {
  const auto store = open(milliseconds(50));
  put(*store, "k", "old", 1);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_THAT(message_of<StoreError>([&] { put(*store, "k", "new", 2); }),
              HasSubstr("longer than busy_limit"));
  EXPECT_EQ(store->load("k", kNow)->bytes, "old");  // Readers do not wait.
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  put(*store, "k", "new", 2);
  EXPECT_EQ(store->load("k", kNow)->bytes, "new");
}

// Goal: two processes lose nothing, and the newest stamp wins between them. Method: both write the
// same keys, the child the odd stamps and this process the even ones, which are larger.
TEST_F(SqliteStoreTest, IsSharedWithAnotherProcess) {
  constexpr std::uint64_t kKeys = 300;
  const auto write_all = [this](std::uint64_t low_bit) {
    const auto store = open(milliseconds(60'000));
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const auto stamp = 2 * i + 1 + low_bit;
      put(*store, std::to_string(i), std::to_string(stamp), stamp);
      put(*store, std::to_string(low_bit) + "-" + std::to_string(i), "v", stamp);
    }
  };
  const auto child = ::fork();
  if (child == 0) {
    const auto message = message_of<std::exception>([&] { write_all(0); });
    ::_exit(message.empty() ? 0 : 1);
  }
  write_all(1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const auto store = open();
  EXPECT_EQ(store->size(), 3 * kKeys);
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    EXPECT_EQ(store->load(std::to_string(i), kNow)->bytes, std::to_string(2 * i + 2));
  }
}

// Goal: what write() returned from is there after a kill at any moment, and no half batch. Method:
// a child writes the same keys in each batch, of which the first and the last are with different
// statements, and tells each number it had acknowledged; it is killed.
TEST_F(SqliteStoreTest, KeepsWhatItAcknowledgedWhenTheProcessIsKilled) {
  for (int round = 0; round < 10; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const auto child = ::fork();
    if (child == 0) {
      const auto store = open();
      for (std::uint64_t i = 1;; ++i) {
        const auto stamp = static_cast<std::uint64_t>(round) * 1'000'000 + i;
        std::vector<StoreWrite> batch;
        for (int key = 0; key < 65; ++key) {
          batch.push_back(write_of(std::to_string(key), std::to_string(stamp), stamp));
        }
        store->write(batch);
        if (::write(ends[1], &stamp, sizeof(stamp)) != sizeof(stamp)) ::_exit(1);
      }
    }
    ::close(ends[1]);
    std::uint64_t acknowledged = 0;
    for (int i = 0; i < 20 + 7 * round; ++i) {
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof(acknowledged)), 8);
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(ends[0], &acknowledged, sizeof(acknowledged)) == 8) continue;
    ::close(ends[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const auto store = open();
    const auto first = store->load("0", kNow);
    ASSERT_TRUE(first);
    EXPECT_GE(first->stamp, acknowledged);
    EXPECT_EQ(store->load("64", kNow)->bytes, first->bytes);
  }
}

TEST_F(SqliteStoreTest, ForgetsTheOldestRemovalsOnly) {
  const auto store = make_sqlite_store({.path = path_, .removals_max = 100});
  std::vector<StoreWrite> batch;
  for (std::uint64_t i = 1; i <= 9'000; ++i) {
    batch.push_back(write_of(std::to_string(i), std::nullopt, i * 10));
  }
  store->write(batch);
  put(*store, "8900", "late", 1);  // Forgotten by now.
  put(*store, "8901", "late", 1);
  EXPECT_TRUE(store->load("8900", kNow));
  EXPECT_FALSE(store->load("8901", kNow));
  EXPECT_EQ(store->size(), 1U);
}

TEST_F(SqliteStoreTest, AppliesNoneOfABatchThatItRefuses) {
  const auto store = open();
  const std::array batch{write_of("a", "1", 1), write_of("b", "2", ~std::uint64_t{0})};
  EXPECT_THROW(store->write(batch), StoreError);
  EXPECT_EQ(store->size(), 0U);
}

TEST_F(SqliteStoreTest, NamesAllWritesThatItWillNeverTake) {
  const auto store = open();
  const std::array batch{write_of("a", "1", 1), write_of("late", "2", ~std::uint64_t{0}),
                         write_of("b", "3", 2), write_of("later", "4", ~std::uint64_t{0})};
  try {
    store->write(batch);
    FAIL() << "it was taken";
  } catch (const PermanentStoreError& error) {
    EXPECT_EQ(error.keys(), (std::vector<std::string>{"late", "later"}));
  }
  EXPECT_EQ(store->size(), 0U);
}

// A refusal by another's trigger stands for all of SQLite's own, which need rows of a gigabyte.
TEST_F(SqliteStoreTest, NamesTheBadRowsOfAStatementOfMany) {
  const auto store = open();
  put(*store, "77", "old", 1);
  run("CREATE TRIGGER bad BEFORE INSERT ON entries WHEN NEW.value=CAST('bad' AS BLOB)"
      " BEGIN SELECT RAISE(ABORT, 'it is bad'); END");
  std::vector<StoreWrite> batch;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const bool is_bad = i == 3 || i == 60 || i == 70 || i == 99;
    batch.push_back(write_of(std::to_string(i), is_bad ? "bad" : "good", i + 2));
  }
  try {
    store->write(batch);
    FAIL() << "it was taken";
  } catch (const PermanentStoreError& error) {
    EXPECT_EQ(error.keys(), (std::vector<std::string>{"3", "60", "70", "99"}));
    EXPECT_THAT(error.what(), HasSubstr("it is bad"));
  }
  EXPECT_EQ(store->size(), 1U);
  EXPECT_EQ(store->load("77", kNow)->bytes, "old");
  std::erase_if(batch, [](const StoreWrite& one) { return one.value == "bad"; });
  store->write(batch);
  EXPECT_EQ(store->size(), 96U);
  EXPECT_EQ(store->load("77", kNow)->bytes, "good");
}

TEST_F(SqliteStoreTest, WritesNothingMoreOnceItsTransactionWasEnded) {
  const auto store = open();
  run("CREATE TRIGGER bad BEFORE INSERT ON entries WHEN NEW.value=CAST('bad' AS BLOB)"
      " BEGIN SELECT RAISE(ROLLBACK, 'it is bad'); END");
  for (const std::uint64_t writes : {4U, 80U}) {
    std::vector<StoreWrite> batch;
    for (std::uint64_t i = 0; i < writes; ++i) {
      batch.push_back(write_of(std::to_string(i), i == 1 ? "bad" : "good", i + 1));
    }
    EXPECT_THROW(store->write(batch), PermanentStoreError) << writes;
    EXPECT_EQ(store->size(), 0U) << writes;
  }
}

// Goal: however many rows a statement has, the table becomes what the writes say one by one.
// Method: batches of all lengths, in which keys repeat and values are small, large, expiring and
// missing, also to a store that keeps a map.
TEST_F(SqliteStoreTest, MakesOfALargeBatchWhatSingleWritesMake) {
  constexpr std::uint64_t kKeys = 150;
  const auto together = open();
  const auto singly = make_memory_store();
  std::mt19937_64 random(11);
  for (std::size_t writes = 1; writes < 200; writes += 9) {
    std::vector<StoreWrite> batch;
    for (std::size_t i = 0; i < writes; ++i) {
      auto& one = batch.emplace_back(
          write_of(std::to_string(random() % kKeys), std::to_string(i), 1 + random() % 1'000));
      const auto kind = random() % 20;
      if (kind == 0) one.value.reset();
      if (kind == 1) one.value->resize(5'000, 'x');
      if (kind == 2) one.value->clear();
      if (kind < 8) one.expires_at = kNow + static_cast<WallNanos>(random() % 1'000);
    }
    together->write(batch);
    for (const auto& one : batch) singly->write({&one, 1});
    EXPECT_EQ(content_of(*together), content_of(*singly)) << writes;
  }
  EXPECT_GT(together->size(), kKeys / 2);
  EXPECT_EQ(together->size(), singly->size());
}

// Its disk may be full, or not to be written. A file there would leave no trace but the folder's
// time.
TEST_F(SqliteStoreTest, KeepsWhatAStatementMayHaveToUndoInNoTemporaryFile) {
  const auto folder = folder_ / "temporary";
  std::filesystem::create_directory(folder);
  const auto before = std::filesystem::last_write_time(folder) - std::chrono::hours(1);
  std::filesystem::last_write_time(folder, before);
  sqlite3_temp_directory = sqlite3_mprintf("%s", folder.c_str());
  const auto store = open();
  std::vector<StoreWrite> batch;
  for (std::uint64_t stamp = 1; stamp <= 2; ++stamp) {
    batch.clear();
    // 64 neighbours of them lie on more pages than SQLite keeps in memory otherwise.
    for (std::uint64_t i = 0; i < 4'096; ++i) {
      batch.push_back(write_of(std::to_string(i * 1'031 % 4'096), std::string(3'000, 'v'), stamp));
    }
    store->write(batch);
  }
  sqlite3_free(std::exchange(sqlite3_temp_directory, nullptr));
  EXPECT_EQ(std::filesystem::last_write_time(folder), before);
}

TEST_F(SqliteStoreTest, MayBeWrittenByTheVisitorOfAScan) {
  const auto store = open();
  for (std::uint64_t i = 1; i <= 100; ++i) put(*store, std::to_string(i), "v", i);
  store->scan([&](std::string_view key, const StoredValue& value) {
    put(*store, std::string(key), std::nullopt, value.stamp + 100);
  });
  EXPECT_EQ(store->size(), 0U);
}

TEST_F(SqliteStoreTest, RefusesAnImageOfAnotherStore) {
  const auto store = open();
  EXPECT_THROW(store->put_back(*make_memory_store()->image()), UsageError);
  EXPECT_THROW(store->put_back(*open()->image()), UsageError);
}

TEST_F(SqliteStoreTest, TouchesNothingBeforeItsFirstUseWhenItIsMadeByName) {
  const Parameters parameters{{"path", path_.string()}, {"busy_limit", "250ms"}};
  const auto store = store_registry().make("sqlite", parameters);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  EXPECT_TRUE(store->health().reachable);
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_THROW(static_cast<void>(store_registry().make("sqlite")), ConfigError);
}

}  // namespace
}  // namespace tarmac
