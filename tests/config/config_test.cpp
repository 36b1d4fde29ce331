// What a right cache file makes, and what check_file() says of right and wrong ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/config.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/lru.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

CacheConfig cache_of(const std::string& lines) {
  return parse_config("caches:\n  - name: c\n" + lines, "f").caches.at(0);
}

TEST(ConfigFile, LeavesEverythingElseAtTheDefaultsOfCore) {
  const auto cache = cache_of("");
  const CacheOptions defaults;
  EXPECT_EQ(cache.options.name, "c");
  EXPECT_EQ(cache.options.max_entries, defaults.max_entries);
  EXPECT_EQ(cache.options.max_bytes, defaults.max_bytes);
  EXPECT_EQ(cache.options.eviction, defaults.eviction);
  EXPECT_EQ(cache.options.default_ttl, defaults.default_ttl);
  EXPECT_EQ(cache.options.ttl_jitter, defaults.ttl_jitter);
  EXPECT_EQ(cache.options.expire_after_access, defaults.expire_after_access);
  EXPECT_EQ(cache.options.background_expiry, defaults.background_expiry);
  EXPECT_EQ(cache.options.sweep_interval, defaults.sweep_interval);
  EXPECT_EQ(cache.options.undo_commands_max, defaults.undo_commands_max);
  EXPECT_EQ(cache.options.undo_bytes_max, defaults.undo_bytes_max);
  EXPECT_FALSE(cache.options.durability);
  EXPECT_EQ(cache.options.shards, defaults.shards);
  EXPECT_EQ(cache.options.seed, defaults.seed);
  EXPECT_EQ(cache.write_policy.name, "none");
  EXPECT_FALSE(cache.store);
  EXPECT_FALSE(cache.l2);
}

TEST(ConfigFile, RefusesTwoCachesThatShareKeysOfOneServer) {
  const auto read = [](const std::string& second) {
    static_cast<void>(parse_config(
        "caches:\n  - {name: a, l2: {prefix: \"a:\"}}\n  - {name: b, l2: {" + second + "}}\n",
        "f"));
  };
  for (const char* wrong : {"prefix: \"a:\"", "prefix: \"a:b\"", "prefix: a"}) {
    try {
      read(wrong);
      ADD_FAILURE() << "it was read: " << wrong;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("f:3:"));
      EXPECT_THAT(error.what(), HasSubstr("it shares keys with the prefix of cache"));
    }
  }
  read("prefix: \"b:\"");
  read("prefix: \"a:\", port: 6380");
  read("prefix: \"a:\", unix_socket: run/redis.sock");
}

TEST(ConfigFile, ReadsEveryKeyOfASecondTier) {
  const auto cache = cache_of(R"(
    l2:
      host: redis.example
      port: 7000
      unix_socket: run/redis.sock
      password_file: secret
      db: 3
      prefix: "p:"
      connections: 9
      call_limit: 2s
      retry_initial: 3s
      retry_max: 4s
      heartbeat: 5s
      heartbeat_limit: 6s
      serve_unheard: 7s
      batch_max: 8
      ttl: 10s
)");
  ASSERT_TRUE(cache.l2);
  const auto& l2 = *cache.l2;
  EXPECT_EQ(l2.host, "redis.example");
  EXPECT_EQ(l2.port, 7000U);
  EXPECT_EQ(l2.unix_socket, "run/redis.sock");
  EXPECT_EQ(l2.password_file, "secret");
  EXPECT_EQ(l2.db, 3U);
  EXPECT_EQ(l2.prefix, "p:");
  EXPECT_EQ(l2.connections, 9U);
  EXPECT_EQ(l2.call_limit, 2s);
  EXPECT_EQ(l2.retry_initial, 3s);
  EXPECT_EQ(l2.retry_max, 4s);
  EXPECT_EQ(l2.heartbeat, 5s);
  EXPECT_EQ(l2.heartbeat_limit, 6s);
  EXPECT_EQ(l2.serve_unheard, 7s);
  EXPECT_EQ(l2.batch_max, 8U);
  EXPECT_EQ(l2.ttl, 10s);
  EXPECT_EQ(cache_of("    l2: {prefix: p, password_env: VARIABLE}\n").l2->password_env, "VARIABLE");
  EXPECT_EQ(cache_of("    l2: {prefix: p, cluster: \"a:1, b:2\"}\n").l2->cluster, "a:1, b:2");
}

TEST(ConfigFile, RefusesAClusterThatIsNone) {
  for (const char* wrong :
       {"cluster: a", "cluster: \"a:1, :2\"", "cluster: \"a:b\"", "cluster: \",\"",
        "cluster: \"a:1\", host: b", "cluster: \"a:1\", port: 2", "cluster: \"a:1\", db: 1",
        "cluster: \"a:1\", unix_socket: s"}) {
    try {
      static_cast<void>(cache_of("    l2: {prefix: p, " + std::string(wrong) + "}\n"));
      ADD_FAILURE() << "it was read: " << wrong;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cluster")) << wrong;
    }
  }
}

TEST(ConfigFile, RefusesTwoSecondTiersBelowOnePrefixOfACluster) {
  const auto read = [](const std::string& first, const std::string& second) {
    static_cast<void>(parse_config("caches:\n  - {name: a, l2: {prefix: p, cluster: \"" + first +
                                       "\"}}\n  - {name: b, l2: {prefix: p, " + second + "}}\n",
                                   "f"));
  };
  EXPECT_THROW(read("x:1, y:1", "cluster: \"z:1,y:1\""), ConfigError);
  read("x:1, y:1", "cluster: \"z:1\"");
  read("x:1", "host: x");
}

TEST(ConfigFile, RefusesTwoLogsInOneDirectory) {
  try {
    static_cast<void>(
        parse_config("caches:\n"
                     "  - {name: a, durability: {directory: x/../d}}\n"
                     "  - {name: b, durability: {directory: d}}\n",
                     "f"));
    FAIL() << "it was read";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("f:3:"));
    EXPECT_THAT(error.what(), HasSubstr("the first is in line 2"));
  }
}

TEST(ConfigFile, ReadsEveryKeyOfACache) {
  const auto cache = cache_of(R"(
    max_entries: 500
    max_bytes: 1MiB
    eviction: {strategy: lfu, ageing: false, ageing_period: 7}
    default_ttl: 10min
    ttl_jitter: 30s
    expire_after_access: 1h
    background_expiry: false
    sweep_interval: 250ms
    shards: 4
    seed: 42
    undo: {max_commands: 0, max_bytes: 2KiB}
    loading:
      negative_ttl: 1s
      error_ttl: 2s
      refresh_after: 3s
      early_refresh: 0.5
      stale_if_error: 4s
      soft_timeout: 5s
      hard_timeout: 6s
    durability: {directory: d, sync: interval, interval: 1s, segment_bytes: 1MiB,
                 compact_bytes: 2MiB, max_record_bytes: 4KiB, fail_open: true}
    write_policy: {policy: write_back, batch_max: 3}
    store: {store: memory}
)");
  const auto& o = cache.options;
  EXPECT_EQ(o.max_entries, 500U);
  EXPECT_EQ(o.max_bytes, 1U << 20U);
  EXPECT_EQ(o.eviction, "lfu");
  EXPECT_EQ(o.eviction_parameters.get_string("ageing", ""), "false");
  EXPECT_EQ(o.eviction_parameters.get_uint("ageing_period", 0), 7U);
  EXPECT_EQ(o.default_ttl, 10min);
  EXPECT_EQ(o.ttl_jitter, 30s);
  EXPECT_EQ(o.expire_after_access, 1h);
  EXPECT_FALSE(o.background_expiry);
  EXPECT_EQ(o.sweep_interval, 250ms);
  EXPECT_EQ(o.shards, 4U);
  EXPECT_EQ(o.seed, 42U);
  EXPECT_EQ(o.undo_commands_max, 0U);
  EXPECT_EQ(o.undo_bytes_max, 2048U);
  EXPECT_EQ(o.loading.negative_ttl, 1s);
  EXPECT_EQ(o.loading.error_ttl, 2s);
  EXPECT_EQ(o.loading.refresh_after, 3s);
  EXPECT_EQ(o.loading.early_refresh, 0.5);
  EXPECT_EQ(o.loading.stale_if_error, 4s);
  EXPECT_EQ(o.loading.soft_timeout, 5s);
  EXPECT_EQ(o.loading.hard_timeout, 6s);
  ASSERT_TRUE(o.durability);
  EXPECT_EQ(o.durability->directory, "d");
  EXPECT_EQ(o.durability->sync, SyncMode::interval);
  EXPECT_EQ(o.durability->interval, std::chrono::nanoseconds(std::chrono::seconds(1)));
  EXPECT_EQ(o.durability->segment_bytes, 1U << 20U);
  EXPECT_EQ(o.durability->compact_bytes, 2U << 20U);
  EXPECT_EQ(o.durability->max_record_bytes, 4096U);
  EXPECT_TRUE(o.durability->fail_open);
  EXPECT_EQ(cache.write_policy.name, "write_back");
  EXPECT_EQ(cache.write_policy.parameters.get_uint("batch_max", 0), 3U);
  ASSERT_TRUE(cache.store);
  EXPECT_EQ(cache.store->name, "memory");
}

TEST(ConfigFile, TakesUnlimitedForNoBound) {
  const auto cache = cache_of("    max_entries: unlimited\n    max_bytes: 5\n");
  EXPECT_EQ(cache.options.max_entries, std::nullopt);
  EXPECT_EQ(cache.options.max_bytes, 5U);
}

TEST(ConfigFile, ReadsTheObservers) {
  const auto config = parse_config(R"(
caches: [{name: a}, {name: b}]
observers:
  metrics: {address: "0.0.0.0:0", allow_remote: true, request_timeout: 500ms}
  event_log: {path: events.jsonl, types: [flushed, entry_expired], keys: true, queue: 16}
)",
                                   "f");
  ASSERT_TRUE(config.observers.metrics);
  EXPECT_EQ(config.observers.metrics->address, "0.0.0.0:0");
  EXPECT_TRUE(config.observers.metrics->allow_remote);
  EXPECT_EQ(config.observers.metrics->request_timeout, 500ms);
  ASSERT_TRUE(config.observers.event_log);
  EXPECT_EQ(config.observers.event_log->path, "events.jsonl");
  EXPECT_THAT(config.observers.event_log->types,
              ElementsAre(EventType::flushed, EventType::entry_expired));
  EXPECT_TRUE(config.observers.event_log->keys);
  EXPECT_EQ(config.observers.event_log->queue, 16U);
  EXPECT_EQ(config.find("b"), &config.caches.at(1));
  EXPECT_EQ(config.find("z"), nullptr);
}

TEST(ConfigFile, ServesMetricsOnThisMachineOnlyUnlessAsked) {
  const auto config = parse_config("caches: [{name: a}]\nobservers: {metrics: {}}\n", "f");
  ASSERT_TRUE(config.observers.metrics);
  EXPECT_THAT(config.observers.metrics->address, StartsWith("127.0.0.1:"));
}

TEST(ConfigFile, TakesAPortAloneForThisMachine) {
  const auto config =
      parse_config("caches: [{name: a}]\nobservers: {metrics: {address: 9464}}\n", "f");
  EXPECT_EQ(config.observers.metrics->address, "9464");
}

TEST(ConfigFile, LogsNeitherHitsNorMissesUnlessAsked) {
  const auto types_of = [](const std::string& types) {
    return parse_config("caches: [{name: a}]\nobservers: {event_log: {path: x" + types + "}}\n",
                        "f")
        .observers.event_log->types;
  };
  EXPECT_THAT(types_of(", types: all"), SizeIs(kEventTypeCount));
  EXPECT_THAT(types_of(""), SizeIs(kEventTypeCount - 2));
  EXPECT_THAT(types_of(""), Not(Contains(EventType::entry_get_hit)));
  EXPECT_THAT(types_of(""), Not(Contains(EventType::entry_get_miss)));
}

TEST(ConfigFile, NamesAPartThatTheProgramRegistered) {
  strategy_registry().add("my_lru", [](const Parameters& parameters) {
    static_cast<void>(parameters.get_uint("depth", 1));
    return make_lru();
  });
  store_registry().add("my_store", [](const Parameters& parameters) {
    static_cast<void>(parameters.get_string("zone", ""));
    return internal::new_memory_store();
  });
  const auto cache = cache_of(
      "    eviction: {strategy: my_lru, depth: 3}\n"
      "    write_policy: write_through\n"
      "    store: {store: my_store, zone: \"12\"}\n");
  EXPECT_EQ(cache.options.eviction, "my_lru");
  EXPECT_EQ(cache.store->name, "my_store");
  EXPECT_EQ(cache.store->parameters.get_string("zone", ""), "12");
}

TEST(ConfigFile, MakesThePolicyOverTheStoreThatItNames) {
  const auto policy =
      make_write_policy(cache_of("    write_policy: write_through\n    store: memory\n"));
  EXPECT_EQ(policy->name(), "write_through");
  ASSERT_NE(policy->store(), nullptr);
  EXPECT_EQ(policy->store()->name(), "memory");
  EXPECT_EQ(make_write_policy(cache_of(""))->name(), "none");
}

class CheckFileTest : public ::testing::Test {
 protected:
  FileCheck check(const std::string& text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(::testing::TempDir()) / (std::string(test->name()) + ".yaml");
    std::ofstream(path_) << text;
    return check_file(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
};

TEST_F(CheckFileTest, SaysWhatARightFileMakes) {
  const auto result = check(R"(
caches:
  - {name: a, max_entries: 10, default_ttl: 90s, ttl_jitter: 1s, eviction: lfu}
  - {name: b, max_entries: unlimited, write_policy: write_back, store: memory}
observers:
  metrics: {}
  event_log: {path: e.jsonl, types: [flushed]}
)");
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(
      result.summary,
      ElementsAre("cache a: at most 10 entries, eviction lfu, default_ttl 90s + up to 1s, "
                  "write_policy none",
                  "cache b: no bound, eviction lru, write_policy write_back over store memory",
                  "metrics: http://127.0.0.1:9464/metrics, request_timeout 2s",
                  "event_log: e.jsonl, 1 of 20 event types, queue of 8192"));
}

TEST_F(CheckFileTest, ListsEveryProblemOfAFile) {
  const auto result = check(R"(
caches:
  - name: a
    max_entries: 0
    default_ttl: 5
    undo: {max_bytes: x}
  - name: a
    eviction: nothing
observers:
  metrics: {address: x}
)");
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.summary, IsEmpty());
  EXPECT_THAT(result.problems,
              ElementsAre(HasSubstr(":4:18: at caches[0].max_entries"),
                          HasSubstr(":5:18: at caches[0].default_ttl"),
                          HasSubstr(":6:23: at caches[0].undo.max_bytes"),
                          HasSubstr(":8:15: at caches[1].eviction"),
                          HasSubstr(":7:11: at caches[1].name: there already is a cache \"a\""),
                          HasSubstr(":10:22: at observers.metrics.address")));
  EXPECT_THAT(result.problems.front(), StartsWith(path_.string()));
}

TEST(CheckFile, ReportsAFileThatIsNotThere) {
  EXPECT_THAT(check_file("no/such/file.yaml").problems, ElementsAre(HasSubstr("cannot be opened")));
}

}  // namespace
}  // namespace tarmac
