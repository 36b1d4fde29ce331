// Large batches, which are transactions that watch for other writers, against a real server.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/redis_store.h>
#include <tarmac/testing/tcp_proxy.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "redis_server.h"

namespace tarmac {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kLarge = 64;

class RedisBatchTest : public ::testing::Test {
 protected:
  [[nodiscard]] RedisStoreOptions options() const {
    RedisStoreOptions options;
    options.unix_socket = server_.socket();
    options.retry_initial = std::chrono::nanoseconds(1);
    options.retry_max = std::chrono::nanoseconds(1);
    options.call_limit = std::chrono::seconds(30);
    return options;
  }

  /// One more store of the same keys, whose answers can be held back.
  [[nodiscard]] std::shared_ptr<BackingStore> store_behind_proxy() const {
    auto behind = options();
    behind.unix_socket.clear();
    behind.port = proxy_.port();
    return make_redis_store(behind);
  }

  [[nodiscard]] int calls_of(const std::string& command) const {
    const auto stats = server_.ask({"INFO", "commandstats"});
    const auto at = stats.find("cmdstat_" + command + ":calls=");
    return at == std::string::npos ? 0 : std::stoi(stats.substr(stats.find('=', at) + 1));
  }

  /// Writes `batch` through the proxy; `meanwhile` runs between its look at what there is and its
  /// transaction.
  std::string write_with(std::vector<StoreWrite> batch, const std::function<void()>& meanwhile) {
    batch.back().expires_at = 4'000'000'000'000'000'000;  // So that it has to look.
    const auto looks = calls_of("mget");
    const auto slow = store_behind_proxy();
    static_cast<void>(slow->load("nothing", 0));  // Is connected by now.
    proxy_.hold(true);
    std::string message;
    std::atomic<bool> ended{false};
    std::thread writer([&] {
      message = message_of<StoreError>([&] { slow->write(batch); });
      ended = true;
    });
    while (calls_of("mget") == looks && !ended) std::this_thread::yield();
    EXPECT_FALSE(ended) << "it did not look: " << message;
    meanwhile();
    proxy_.hold(false);
    writer.join();
    return message;
  }

  RedisServer server_;
  testing::TcpProxy proxy_{server_.socket()};
  std::shared_ptr<BackingStore> store_ = make_redis_store(options());
};

std::string key_of(std::uint64_t number) { return "k" + std::to_string(number); }

std::vector<StoreWrite> batch_of(const std::string& value, std::uint64_t stamp,
                                 std::uint64_t count = kLarge) {
  std::vector<StoreWrite> batch;
  for (std::uint64_t i = 0; i < count; ++i) batch.push_back(write_of(key_of(i), value, stamp));
  return batch;
}

TEST_F(RedisBatchTest, IsOneTransactionAndLeavesNothingElse) {
  store_->write(batch_of("a", 1));
  EXPECT_EQ(calls_of("msetnx"), 1) << "what is new needs no look";
  EXPECT_EQ(calls_of("mget"), 0);
  store_->write(batch_of("b", 2));
  store_->write(batch_of("c", 3));
  EXPECT_EQ(calls_of("msetnx"), 2) << "and what is not, is not taken for new for long";
  EXPECT_EQ(calls_of("mset"), 2);
  EXPECT_EQ(calls_of("evalsha"), 0);
  EXPECT_EQ(server_.ask({"DBSIZE"}), std::to_string(kLarge));
  EXPECT_EQ(store_->size(), kLarge);
  EXPECT_EQ(store_->load(key_of(0), 0)->bytes, "c");
  server_.ask({"FLUSHALL"});
  store_->write(batch_of("d", 4));
  store_->write(batch_of("e", 5));
  EXPECT_EQ(calls_of("msetnx"), 3) << "after a batch of new keys it is tried again";
  EXPECT_EQ(store_->load(key_of(0), 0)->bytes, "e");
}

TEST_F(RedisBatchTest, PassesOverWhatIsOlderKeyByKey) {
  put(*store_, key_of(3), "newer", 10);
  put(*store_, key_of(4), "as new", 5);
  put(*store_, key_of(5), std::nullopt, 10);
  auto batch = batch_of("v", 5);
  batch.push_back(write_of(key_of(6), "older, though later", 4));
  batch.push_back(write_of(key_of(7), "later", 6));
  batch.push_back(write_of(key_of(8), "as new and later", 5));
  store_->write(batch);
  EXPECT_EQ(store_->load(key_of(3), 0)->bytes, "newer");
  EXPECT_EQ(store_->load(key_of(4), 0)->bytes, "v");
  EXPECT_FALSE(store_->load(key_of(5), 0)) << "the removal is newer";
  EXPECT_EQ(store_->load(key_of(6), 0)->bytes, "v");
  EXPECT_EQ(store_->load(key_of(7), 0)->bytes, "later");
  EXPECT_EQ(store_->load(key_of(8), 0)->bytes, "as new and later");
  EXPECT_EQ(store_->size(), kLarge - 1);

  store_->write(batch_of("old", 1));  // Of which nothing is left to write.
  EXPECT_EQ(calls_of("mset"), 1 + 2 * 3) << "a script's are that of the guard and that of the key";
  EXPECT_EQ(store_->load(key_of(0), 0)->bytes, "v");
  store_->write(batch_of("w", 11));  // On a connection that watches nothing any more.
  EXPECT_EQ(calls_of("mset"), 2 + 2 * 3);
  EXPECT_EQ(calls_of("evalsha"), 3);
}

TEST_F(RedisBatchTest, TellsTheServerWhenValuesAndRemovalsGo) {
  auto batch = batch_of("v", 1);
  batch[1].expires_at = 4'000'000'000'123'456'789;
  batch[2].value.reset();
  store_->write(batch);
  EXPECT_EQ(calls_of("exec"), 2) << "that before the look, and that of the batch";
  EXPECT_EQ(calls_of("msetnx"), 0) << "which knows nothing of expiries";
  EXPECT_EQ(server_.ask({"PEXPIRETIME", "tarmac:k0"}), "-1");
  EXPECT_EQ(server_.ask({"PEXPIRETIME", "tarmac:k1"}), "4000000000124");
  EXPECT_NE(server_.ask({"PEXPIRETIME", "tarmac:k2"}), "-1");
  EXPECT_FALSE(store_->load(key_of(2), 0));
  store_->write(batch_of("w", 2));
  EXPECT_EQ(server_.ask({"PEXPIRETIME", "tarmac:k1"}), "-1") << "the new value has no end";
}

TEST_F(RedisBatchTest, NamesAllKeysWithValuesOfOthersAndWritesNone) {
  server_.ask({"SET", "tarmac:k7", "hello"});
  server_.ask({"SET", "tarmac:k9", "hello"});
  for (const bool with_list : {false, true}) {
    std::vector<std::string> wanted{"k7", "k9"};
    if (with_list) {
      server_.ask({"RPUSH", "tarmac:k8", "hello"});
      wanted = {"k7", "k8", "k9"};
    }
    try {
      store_->write(batch_of("v", 1));
      FAIL() << "it was taken";
    } catch (const PermanentStoreError& error) {
      EXPECT_EQ(error.keys(), wanted);
      EXPECT_THAT(error.what(), HasSubstr("more of a batch has a value that is not of this store"));
    }
    EXPECT_FALSE(store_->load(key_of(0), 0));
  }
  EXPECT_EQ(server_.ask({"GET", "tarmac:k9"}), "hello");
}

/// A large batch of keys that begin with `letter`.
std::vector<StoreWrite> batch_below(char letter, std::uint64_t stamp) {
  auto batch = batch_of("v", stamp);
  for (auto& write : batch) write.key.front() = letter;
  return batch;
}

class RedisForeignKeysTest : public RedisBatchTest {
 protected:
  void put_foreign(const std::string& key) { server_.ask({"SET", "tarmac:" + key, "hello"}); }

  /// Writes `batch`, and then what the store does not refuse of it. Returns what it refuses.
  std::vector<std::string> write_the_rest(std::vector<StoreWrite> batch) {
    try {
      store_->write(batch);
    } catch (const PermanentStoreError& error) {
      EXPECT_EQ(server_.ask({"DBSIZE"}), std::to_string(size_)) << "some of it was written";
      std::erase_if(batch, [&](const StoreWrite& write) {
        return std::ranges::find(error.keys(), write.key) != error.keys().end();
      });
      store_->write(batch);
      return error.keys();
    }
    return {};
  }

  /// Keys that the server has before a batch is written.
  std::uint64_t size_ = 0;
};

TEST_F(RedisForeignKeysTest, AreGlancedAtWhileTheOthersAreNew) {
  for (const auto* key : {"a0", "a7", "b3", "b63"}) put_foreign(key);
  size_ = 4;
  EXPECT_EQ(write_the_rest(batch_below('a', 1)), (std::vector<std::string>{"a0", "a7"}));
  EXPECT_EQ(calls_of("msetnx"), 2) << "one was in vain";
  EXPECT_EQ(calls_of("watch"), 1);
  EXPECT_EQ(calls_of("mget"), 1) << "what is left has been looked at";
  size_ += kLarge - 2;
  EXPECT_EQ(write_the_rest(batch_below('b', 1)), (std::vector<std::string>{"b3", "b63"}));
  EXPECT_EQ(calls_of("msetnx"), 3) << "none more was in vain";
  EXPECT_EQ(calls_of("watch"), 1) << "nothing was to be replaced";
  EXPECT_EQ(calls_of("mget"), 2);
  for (char letter = 'c'; letter < 'z'; ++letter) store_->write(batch_below(letter, 1));
  EXPECT_EQ(calls_of("mget"), 2 + 8) << "it glances for ever, or not for long";
  EXPECT_EQ(calls_of("msetnx"), 3 + 'z' - 'c');
  EXPECT_EQ(calls_of("watch"), 1);
  EXPECT_EQ(calls_of("evalsha"), 0);
  EXPECT_EQ(server_.ask({"DBSIZE"}), std::to_string(25 * kLarge));
  EXPECT_EQ(server_.ask({"GET", "tarmac:b3"}), "hello");
  EXPECT_EQ(store_->load("a1", 0)->bytes, "v");
}

TEST_F(RedisForeignKeysTest, AreNotTakenForAllThereIsAfterAGlance) {
  put_foreign("a7");
  size_ = 1;
  EXPECT_EQ(write_the_rest(batch_below('a', 5)), std::vector<std::string>{"a7"});
  size_ += kLarge - 1;
  // The next batch has keys that are there, of which one is newer than what comes.
  put(*store_, "b1", "newer", 10);
  put_foreign("b2");
  size_ += 2;
  EXPECT_EQ(write_the_rest(batch_below('b', 5)), std::vector<std::string>{"b2"});
  size_ += kLarge - 2;
  EXPECT_EQ(store_->load("b1", 0)->bytes, "newer");
  EXPECT_EQ(store_->load("b3", 0)->bytes, "v");
  // And one that has something that no look sees.
  put_foreign("c4");
  server_.ask({"RPUSH", "tarmac:c5", "hello"});
  size_ += 2;
  EXPECT_EQ(write_the_rest(batch_below('c', 5)), (std::vector<std::string>{"c4", "c5"}));
}

TEST_F(RedisForeignKeysTest, AreFoundInWhatWasLeftOfABatch) {
  put_foreign("a7");
  auto batch = batch_below('a', 5);
  EXPECT_THROW(store_->write(batch), PermanentStoreError);
  std::erase_if(batch, [](const StoreWrite& write) { return write.key == "a7"; });
  put_foreign("a8");
  put(*store_, "a9", "newer", 10);
  size_ = 3;
  EXPECT_EQ(write_the_rest(batch), std::vector<std::string>{"a8"});
  EXPECT_EQ(store_->load("a9", 0)->bytes, "newer");
  EXPECT_EQ(server_.ask({"GET", "tarmac:a8"}), "hello");
  EXPECT_EQ(server_.ask({"DBSIZE"}), std::to_string(kLarge));
}

TEST_F(RedisBatchTest, RefusesTheKeyOfItsGuard) {
  auto batch = batch_of("v", 1);
  batch.push_back(write_of("__tarmac_batch__", "v", 1));
  try {
    store_->write(batch);
    FAIL() << "it was taken";
  } catch (const PermanentStoreError& error) {
    EXPECT_EQ(error.keys(), std::vector<std::string>{"__tarmac_batch__"});
  }
  EXPECT_EQ(store_->size(), 0U);
}

// Goal: a write that another process makes between our look at the stamps and our transaction is
// not lost. Method: the answer to the look is held back while the other writes.
TEST_F(RedisBatchTest, DoesNotReplaceWhatAnotherWroteAfterItLooked) {
  struct Other {
    std::uint64_t count;
    bool removes;
    std::string way;
  };
  for (const auto& other : {Other{2, true, "evalsha"}, Other{kLarge / 2, true, "mset"},
                            Other{kLarge / 2, false, "msetnx"}}) {
    SCOPED_TRACE(other.way);
    server_.ask({"FLUSHALL"});
    const auto calls = calls_of(other.way);
    const auto message = write_with(batch_of("old", 5), [&] {
      auto newer = batch_of("new", 6, other.count);
      if (other.removes) newer[0].value.reset();
      make_redis_store(options())->write(newer);
      EXPECT_GT(calls_of(other.way), calls);
    });
    EXPECT_EQ(message, "");
    EXPECT_EQ(store_->load(key_of(0), 0).has_value(), !other.removes);
    EXPECT_EQ(store_->load(key_of(1), 0)->bytes, "new");
    EXPECT_EQ(store_->load(key_of(other.count), 0)->bytes, "old");
  }
  EXPECT_EQ(calls_of("evalsha"), 4) << "the small batch, and the three that were in vain at first";
}

TEST_F(RedisBatchTest, WritesWhatAFlushTookAwayAfterItLooked) {
  store_->write(batch_of("before", 1));
  EXPECT_EQ(write_with(batch_of("v", 2), [&] { server_.ask({"FLUSHALL"}); }), "");
  EXPECT_EQ(store_->size(), kLarge);
}

TEST_F(RedisBatchTest, WritesNothingWhenMemoryRunsOutAfterItLooked) {
  put(*store_, key_of(0), "old", 1);
  const auto message = write_with(batch_of("new", 2), [&] {
    server_.ask({"CONFIG", "SET", "maxmemory", "1"});
  });
  EXPECT_THAT(message, HasSubstr("OOM"));
  EXPECT_EQ(store_->load(key_of(0), 0)->bytes, "old");
  EXPECT_EQ(store_->size(), 1U);
  server_.ask({"CONFIG", "SET", "maxmemory", "0"});
  store_->write(batch_of("new", 2));
  EXPECT_EQ(store_->size(), kLarge);
}

TEST_F(RedisBatchTest, NeedsNoPermissionForTransactions) {
  for (const std::string refused : {"watch", "unwatch", "multi", "exec", "discard"}) {
    SCOPED_TRACE(refused);
    server_.ask({"FLUSHALL"});
    const auto before = calls_of("mset");
    server_.ask({"ACL", "SETUSER", "default", "-" + refused});
    const auto scripts = calls_of("evalsha");
    const auto store = make_redis_store(options());
    store->write(batch_of("v", 1));
    auto batch = batch_of("w", 2);
    batch[0].expires_at = 4'000'000'000'000'000'000;  // It cannot be added as new.
    store->write(batch);
    EXPECT_EQ(store->size(), kLarge);
    EXPECT_EQ(store->load(key_of(0), 0)->bytes, "w");
    EXPECT_EQ(store->load(key_of(kLarge - 1), 0)->bytes, "w");
    EXPECT_EQ(server_.ask({"EXISTS", "tarmac:__tarmac_batch__"}), "0");
    const auto wanted = [&refused] {  // What is new can be added without a look.
      if (refused == "multi" || refused == "exec") return 2;
      return refused == "watch" ? 1 : 0;
    }();
    EXPECT_EQ(calls_of("evalsha") - scripts, wanted);
    if (wanted != 0) {
      EXPECT_EQ(calls_of("mset") - before, 2 * wanted) << "one was done bare";
    }
    server_.ask({"ACL", "SETUSER", "default", "+@all"});
  }
}

// A server that does not know EXEC leaves a connection in its transaction, where all is queued.
TEST_F(RedisBatchTest, NeedsNoTransactionsAtAll) {
  for (const std::string missing : {"MULTI", "EXEC"}) {
    SCOPED_TRACE(missing);
    const RedisServer server({"--rename-command", missing, ""});
    auto there = options();
    there.unix_socket = server.socket();
    const auto store = make_redis_store(there);
    for (std::uint64_t stamp = 1; stamp < 4; ++stamp) {
      store->write(batch_of(std::to_string(stamp), stamp));
      for (std::uint64_t i = 0; i < kLarge; ++i) {
        EXPECT_EQ(store->load(key_of(i), 0)->bytes, std::to_string(stamp));
      }
    }
    EXPECT_EQ(store->size(), kLarge);
  }
}

TEST_F(RedisBatchTest, WritesNothingWhenItMayNotRemoveItsGuard) {
  server_.ask({"ACL", "SETUSER", "default", "-del"});
  EXPECT_THAT(message_of<StoreError>([&] { put(*store_, "k", "v", 1); }),
              HasSubstr("can't run this command"));
  EXPECT_EQ(server_.ask({"EXISTS", "tarmac:k"}), "0") << "it is reported as failed";
  server_.ask({"SET", "tarmac:__tarmac_batch__", ""});
  EXPECT_EQ(store_->size(), 0U) << "a guard that was left behind is no key";
}

// Goal: who waits too long for the transaction of another does without. Method: the answers to the
// first are held back until the script of the second is seen.
TEST_F(RedisBatchTest, DoesNotWaitForEverForItsTurn) {
  auto behind = options();
  behind.unix_socket.clear();
  behind.port = proxy_.port();
  behind.call_limit = std::chrono::seconds(4);
  const auto slow = make_redis_store(behind);
  put(*slow, key_of(0), "old", 1);  // The script is known by now.
  const auto load = [&] { static_cast<void>(slow->load("nothing", 0)); };
  const auto clients = [&] {
    const auto info = server_.ask({"INFO", "clients"});
    return std::stoi(info.substr(info.find(':') + 1));
  };
  const auto before = clients();
  proxy_.hold(true);
  std::thread one(load);
  std::thread two(load);
  while (clients() == before) std::this_thread::yield();  // Both have a connection.
  proxy_.hold(false);
  one.join();
  two.join();

  const auto looks = calls_of("mget");
  const auto scripts = calls_of("evalsha");
  proxy_.hold(true);
  const auto write = [&](const std::string& value, std::uint64_t stamp) {
    auto batch = batch_of(value, stamp);
    batch[1].expires_at = 4'000'000'000'000'000'000;  // So that it has to look.
    slow->write(batch);
  };
  std::thread first([&] { write("first", 2); });
  std::thread second([&] { write("second", 3); });
  while (calls_of("evalsha") == scripts) std::this_thread::yield();
  EXPECT_EQ(calls_of("mget"), looks + 2) << "one look, and that of the script";
  proxy_.hold(false);
  first.join();
  second.join();
  EXPECT_EQ(store_->load(key_of(0), 0)->bytes, "second");
  EXPECT_EQ(store_->size(), kLarge);
}

// Goal: however many write at once, the newest of each key stays. Method: stores as of several
// processes, each with threads of its own, write large and small batches under stamps of chance.
TEST_F(RedisBatchTest, KeepsTheNewestOfEachKeyWhoeverWritesAtOnce) {
  constexpr std::uint64_t kKeys = 96;
  constexpr int kRounds = 60;
  const std::array stores{store_, make_redis_store(options())};
  std::array<std::atomic<std::uint64_t>, kKeys> newest{};
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937_64 random(number);
      for (int round = 0; round < kRounds; ++round) {
        std::vector<StoreWrite> batch;
        const auto count = round % 4 == 3 ? 2 : kLarge;
        for (std::uint64_t i = 0; i < count; ++i) {
          const auto key = random() % kKeys;
          // Four stamps of one number never meet.
          const auto stamp = 4 * (random() % 1'000'000 + 1) + number;
          batch.push_back(write_of(key_of(key), std::to_string(stamp), stamp));
          auto known = newest[key].load();
          while (known < stamp && !newest[key].compare_exchange_weak(known, stamp)) {
          }
        }
        ASSERT_NO_THROW(stores[number % 2]->write(batch));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    const auto found = store_->load(key_of(key), 0);
    ASSERT_TRUE(found) << key;
    EXPECT_EQ(found->stamp, newest[key]) << key;
    EXPECT_EQ(found->bytes, std::to_string(newest[key])) << key;
  }
}

}  // namespace
}  // namespace tarmac
