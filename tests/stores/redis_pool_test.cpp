// Several connections, and the script that every batch is, against a real server.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/redis_store.h>

#include <thread>

#include "redis_server.h"

namespace tarmac {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<BackingStore> store_of(const RedisServer& server, std::uint32_t connections = 4) {
  RedisStoreOptions options;
  options.unix_socket = server.socket();
  options.connections = connections;
  options.call_limit = std::chrono::seconds(30);
  return make_redis_store(options);
}

/// So many calls of `command` the server has had.
int calls_of(const RedisServer& server, const std::string& command) {
  const auto stats = server.ask({"INFO", "commandstats"});
  const auto at = stats.find("cmdstat_" + command + ":calls=");
  return at == std::string::npos ? 0 : std::stoi(stats.substr(stats.find('=', at) + 1));
}

TEST(RedisScript, GoesToTheServerOnce) {
  const RedisServer server;
  const auto store = store_of(server);
  for (std::uint64_t i = 1; i <= 10; ++i) put(*store, "k", std::to_string(i), i);
  EXPECT_EQ(store->load("k", 0)->bytes, "10");
  EXPECT_EQ(calls_of(server, "evalsha"), 10);
  EXPECT_EQ(calls_of(server, "eval"), 0);
  EXPECT_EQ(calls_of(server, "script|load"), 1);
}

TEST(RedisScript, GoesThereAgainWhenTheServerHasForgottenIt) {
  RedisServer server;
  const auto store = store_of(server);
  put(*store, "k", "1", 1);
  server.ask({"SCRIPT", "FLUSH"});
  put(*store, "k", "2", 2);
  put(*store, "k", "3", 3);
  EXPECT_EQ(calls_of(server, "eval"), 1);
  server.kill();
  server.start();
  put(*store, "k", "4", 4);
  EXPECT_EQ(store->load("k", 0)->bytes, "4");
}

TEST(RedisPool, OpensNoMoreConnectionsThanItMay) {
  const RedisServer server;
  for (const std::uint32_t connections : {1U, 3U}) {
    const auto store = store_of(server, connections);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&store, thread] {
        for (std::uint64_t i = 1; i <= 100; ++i) {
          const auto key = "k" + std::to_string(thread);
          ASSERT_NO_THROW(put(*store, key, std::to_string(i), i));
          ASSERT_NO_THROW(EXPECT_EQ(store->load(key, 0)->bytes, std::to_string(i))
                          << "its own answer");
        }
      });
    }
    for (auto& thread : threads) thread.join();
    // The one more is that of the test.
    const auto clients = server.ask({"CLIENT", "LIST", "TYPE", "normal"});
    const auto count = std::count(clients.begin(), clients.end(), '\n');
    EXPECT_LE(count, connections + 1);
    server.ask({"FLUSHALL"});
  }
}

TEST(RedisHealth, TellsWhatMattersToWriters) {
  RedisServer server({"--maxmemory", "64mb"});
  const auto store = store_of(server);
  const auto health = store->health();
  EXPECT_TRUE(health.reachable);
  EXPECT_THAT(health.detail,
              AllOf(HasSubstr("redis "), HasSubstr(", master, "), HasSubstr("used of 64.00M")));
  server.kill();
  EXPECT_FALSE(store->health().reachable);
}

TEST(RedisErrors, TellForGoodFromForNow) {
  RedisServer server;
  const auto store = store_of(server);
  server.ask({"SET", "tarmac:foreign", "not ours"});
  server.ask({"LPUSH", "tarmac:list", "x"});
  EXPECT_THROW(put(*store, "foreign", "v", 1), PermanentStoreError);
  EXPECT_THROW(put(*store, "list", "v", 1), PermanentStoreError);
  server.ask({"CONFIG", "SET", "maxmemory", "1"});
  const auto out_of_memory = [&] { put(*store, "k", "v", 1); };
  EXPECT_THAT(message_of<StoreError>(out_of_memory), HasSubstr("OOM"));
  try {
    out_of_memory();
  } catch (const PermanentStoreError&) {
    ADD_FAILURE() << "memory may be freed";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("not tried again"))) << "the server answers";
  }
}

}  // namespace
}  // namespace tarmac
