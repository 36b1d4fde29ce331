// What the store in a Redis server promises beyond the contract, with a real server in trouble.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/redis_store.h>
#include <tarmac/testing/backing_store_contract.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "redis_server.h"

namespace tarmac {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

RedisStoreOptions options_for(const RedisServer& server) {
  RedisStoreOptions options;
  options.unix_socket = server.socket();
  options.retry_initial = 1ns;  // So that a test need not wait until the store tries again.
  options.retry_max = 1ns;
  options.call_limit = 10s;
  return options;
}

[[maybe_unused]] const bool kRegistered =
    testing::register_backing_store_contract("redis", []() -> std::shared_ptr<BackingStore> {
      struct Both {
        RedisServer server;
        std::shared_ptr<BackingStore> store = make_redis_store(options_for(server));
      };
      auto both = std::make_shared<Both>();
      return {both, both->store.get()};
    });

TEST(RedisStore, SharesAServerByPrefixWhateverIsInIt) {
  const RedisServer server;
  auto options = options_for(server);
  options.prefix = "a*";
  const auto starred = make_redis_store(options);
  options.prefix = "ab";
  const auto plain = make_redis_store(options);
  put(*starred, "k", "starred", 1);
  put(*plain, "k", "plain", 2);
  EXPECT_EQ(starred->size(), 1U);
  EXPECT_EQ(starred->load("k", kNow)->bytes, "starred");
  options.db = 1;
  EXPECT_EQ(make_redis_store(options)->size(), 0U);
}

TEST(RedisStore, TellsTheServerWhenAValueExpires) {
  const RedisServer server;
  const auto store = make_redis_store(options_for(server));
  auto write = write_of("k", "v", 1);
  write.expires_at = 4'000'000'000'123'456'789;
  store->write({&write, 1});
  EXPECT_EQ(server.ask({"PEXPIRETIME", "tarmac:k"}), "4000000000124");
  put(*store, "k", "v", 2);
  EXPECT_EQ(server.ask({"PEXPIRETIME", "tarmac:k"}), "-1");
  put(*store, "k", std::nullopt, 3);
  EXPECT_NE(server.ask({"PEXPIRETIME", "tarmac:k"}), "-1");
}

TEST(RedisStore, RefusesWhatIsDamagedOrForeign) {
  const RedisServer server;
  const auto store = make_redis_store(options_for(server));
  put(*store, "k", "value", 1);
  server.ask({"SETRANGE", "tarmac:k", "52", "X"});
  server.ask({"SET", "tarmac:foreign", "hello"});
  server.ask({"RPUSH", "tarmac:list", "hello"});
  for (const auto* key : {"k", "foreign", "list"}) {
    EXPECT_THROW(static_cast<void>(store->load(key, kNow)), StoreError) << key;
  }
  // The first of the batch is not applied either.
  for (const auto* key : {"foreign", "list"}) {
    const std::array batch{write_of("first", "v", 2), write_of(key, "v", 3)};
    EXPECT_THROW(store->write(batch), StoreError);
    EXPECT_FALSE(store->load("first", kNow));
  }
  const std::array batch{write_of("first", "v", 2), write_of("list", "v", 3),
                         write_of("foreign", "v", 4)};
  try {
    store->write(batch);
    FAIL() << "it was taken";
  } catch (const PermanentStoreError& error) {
    EXPECT_EQ(error.keys(), (std::vector<std::string>{"list", "foreign"}));
    EXPECT_THAT(error.what(),
                HasSubstr("key \"list\" and 1 more of a batch has a value that is not"));
  }
  EXPECT_EQ(server.ask({"GET", "tarmac:foreign"}), "hello");
  put(*store, "k", "mended", 4);
  EXPECT_EQ(store->load("k", kNow)->bytes, "mended");
}

TEST(RedisStore, AppliesNoneOfABatchWhenTheServerIsOutOfMemory) {
  const RedisServer server;
  const auto store = make_redis_store(options_for(server));
  put(*store, "k", "old", 1);
  server.ask({"CONFIG", "SET", "maxmemory", "1"});
  const std::array batch{write_of("k", "new", 2), write_of("other", "v", 3)};
  EXPECT_THAT(message_of<StoreError>([&] { store->write(batch); }), HasSubstr("OOM"));
  EXPECT_EQ(store->load("k", kNow)->bytes, "old");
  server.ask({"CONFIG", "SET", "maxmemory", "0"});
  store->write(batch);
  EXPECT_EQ(store->size(), 2U);
}

TEST(RedisStore, FailsAtOnceWhileTheServerIsDownAndRecovers) {
  RedisServer server;
  const auto store = make_redis_store(options_for(server));
  put(*store, "k", "v", 1);
  server.kill();
  EXPECT_THROW(put(*store, "k", "v", 2), StoreError);
  EXPECT_FALSE(store->health().reachable);
  server.start();
  EXPECT_TRUE(store->health().reachable);
  put(*store, "k", "v", 2);
  EXPECT_EQ(store->load("k", kNow)->stamp, 2U);
}

TEST(RedisStore, ReplacesAConnectionThatWasClosedWhileIdle) {
  RedisServer server;
  const auto store = make_redis_store(options_for(server));
  put(*store, "k", "v", 1);
  server.ask({"CLIENT", "KILL", "TYPE", "normal"});
  put(*store, "k", "v", 2);
  server.kill();
  server.start();
  put(*store, "k", "v", 3);
  EXPECT_EQ(store->load("k", kNow)->stamp, 3U);
}

TEST(RedisStore, RestsAfterAFailureInsteadOfAskingAgain) {
  RedisServer server;
  auto options = options_for(server);
  options.retry_initial = 1h;
  options.retry_max = 2h;
  const auto store = make_redis_store(options);
  server.kill();
  EXPECT_THAT(message_of<StoreError>([&] { put(*store, "k", "v", 1); }), HasSubstr("connect"));
  server.start();
  EXPECT_THAT(message_of<StoreError>([&] { put(*store, "k", "v", 1); }),
              HasSubstr("not tried again"));
  EXPECT_EQ(server.ask({"DBSIZE"}), "0");
}

// Goal: a server that hangs costs no caller more than the limit, in spite of others who wait for
// the same connection. Method: a stopped process, to which connecting still succeeds.
TEST(RedisStore, HoldsItsLimitWhenTheServerHangs) {
  const RedisServer server;
  auto options = options_for(server);
  options.call_limit = 200ms;
  const auto store = make_redis_store(options);
  put(*store, "k", "v", 1);
  server.send(SIGSTOP);
  const auto begin = system_clock()->steady_now();
  std::atomic<int> refused = 0;
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      if (!message_of<StoreError>([&] { put(*store, "k", "v", 2); }).empty()) ++refused;
    });
  }
  for (auto& caller : callers) caller.join();
  const auto took = system_clock()->steady_now() - begin;
  server.send(SIGCONT);
  EXPECT_EQ(refused, 4);
  EXPECT_GE(took, std::chrono::nanoseconds(200ms).count());
  EXPECT_LT(took, std::chrono::nanoseconds(2s).count());
  put(*store, "k", "v", 3);
  EXPECT_EQ(store->load("k", kNow)->stamp, 3U);
}

// Goal: the limit is for the call, not for each byte. Method: a server of our own, which sends a
// long answer byte by byte, with short pauses, until its client has gone.
TEST(RedisStore, HoldsItsLimitWhenAnAnswerTrickles) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener, raw, size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, raw, &size), 0);
  std::thread server([listener] {
    const int client = ::accept(listener, nullptr, nullptr);
    std::string answer = "$9999999\r\n";
    pollfd gone{.fd = client, .events = POLLRDHUP, .revents = 0};
    while (::poll(&gone, 1, 2) == 0) {
      ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      answer = "x";
    }
    ::close(client);
  });
  RedisStoreOptions options;
  options.port = ntohs(address.sin_port);
  options.call_limit = 100ms;
  const auto store = make_redis_store(options);
  const auto begin = system_clock()->steady_now();
  EXPECT_THAT(message_of<StoreError>([&] { static_cast<void>(store->load("k", kNow)); }),
              HasSubstr("within call_limit"));
  EXPECT_LT(system_clock()->steady_now() - begin, std::chrono::nanoseconds(2s).count());
  server.join();
  ::close(listener);
}

// Goal: no answer reaches the wrong question. Method: calls run out of time again and again, while
// their answers are still to come; whatever a later call returns must be of its own key.
TEST(RedisStore, NeverTakesALateAnswerForThatOfAnotherKey) {
  const RedisServer server({"--hz", "500"});  // So that it ends a pause in time.
  const auto writer = make_redis_store(options_for(server));
  for (std::uint64_t i = 1; i <= 50; ++i) put(*writer, std::to_string(i), std::to_string(i), i);
  auto options = options_for(server);
  options.call_limit = 2ms;
  const auto store = make_redis_store(options);
  std::size_t answered = 0;
  std::size_t late = 0;
  for (std::uint64_t round = 0; late < 1'000 && round < 20'000; ++round) {
    if (round % 8 == 0) server.ask({"CLIENT", "PAUSE", "4", "ALL"});
    const auto key = std::to_string(round % 50 + 1);
    const auto message = message_of<StoreError>([&] {
      const auto found = store->load(key, kNow);
      ASSERT_TRUE(found);
      ASSERT_EQ(found->bytes, key);
      ++answered;
    });
    if (!message.empty()) ++late;
  }
  EXPECT_EQ(late, 1'000U);
  EXPECT_GT(answered, 100U);
}

// Goal: what was acknowledged is there, whole batches only. Method: a server that syncs each write
// is killed amid batches of two keys, and started again.
TEST(RedisStore, LosesNoAcknowledgedBatchAndKeepsNoHalfWhenTheServerIsKilled) {
  RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
  const auto store = make_redis_store(options_for(server));
  std::uint64_t stamp = 0;
  for (int round = 0; round < 5; ++round) {
    std::atomic<std::uint64_t> acknowledged = stamp;
    std::thread writer([&] {
      for (;;) {
        ++stamp;
        const std::array batch{write_of("left", std::to_string(stamp), stamp),
                               write_of("right", std::to_string(stamp), stamp)};
        if (!message_of<StoreError>([&] { store->write(batch); }).empty()) return;
        acknowledged = stamp;
      }
    });
    const auto begin = acknowledged.load();
    while (acknowledged < begin + 50 + static_cast<std::uint64_t>(round)) std::this_thread::yield();
    server.kill();
    writer.join();
    server.start();
    const auto left = store->load("left", kNow);
    ASSERT_TRUE(left);
    EXPECT_GE(left->stamp, acknowledged);
    EXPECT_EQ(store->load("right", kNow)->bytes, left->bytes);
  }
}

TEST(RedisStore, GivesThePasswordAndNeverTellsIt) {
  const RedisServer server({"--requirepass", "canary-7391"});
  auto options = options_for(server);
  EXPECT_FALSE(make_redis_store(options)->health().reachable);
  options.password_env = "TARMAC_TEST_REDIS_PASSWORD";
  ::unsetenv("TARMAC_TEST_REDIS_PASSWORD");
  EXPECT_THAT(make_redis_store(options)->health().detail, HasSubstr("is not set"));
  ::setenv("TARMAC_TEST_REDIS_PASSWORD", "canary-7391", 1);
  put(*make_redis_store(options), "k", "v", 1);
  ::setenv("TARMAC_TEST_REDIS_PASSWORD", "wrong-canary", 1);
  const auto refused = make_redis_store(options)->health();
  EXPECT_FALSE(refused.reachable);
  EXPECT_THAT(refused.detail, HasSubstr("refuses the password"));
  EXPECT_THAT(refused.detail, Not(HasSubstr("canary")));

  const ScratchFolder folder;
  overwrite_file(folder / "password", "canary-7391\n");
  options.password_env.clear();
  options.password_file = folder / "password";
  EXPECT_TRUE(make_redis_store(options)->load("k", kNow));
  options.password_env = "BOTH";
  EXPECT_THROW(static_cast<void>(make_redis_store(options)), ConfigError);
}

TEST(RedisStore, IsMadeByNameWithoutReachingForTheServer) {
  const Parameters parameters{{"host", "127.0.0.1"}, {"port", "1"}, {"call_limit", "50ms"}};
  const auto store = store_registry().make("redis", parameters);
  EXPECT_EQ(store->name(), "redis");
  EXPECT_THAT(store->health().detail, HasSubstr("127.0.0.1:1: connect"));
  for (const Parameters& wrong :
       {Parameters{{"port", "65536"}}, Parameters{{"call_limit", "0s"}},
        Parameters{{"retry_max", "1ms"}}, Parameters{{"pasword_env", "A"}}}) {
    EXPECT_THROW(static_cast<void>(store_registry().make("redis", wrong)), ConfigError);
  }
}

}  // namespace
}  // namespace tarmac
