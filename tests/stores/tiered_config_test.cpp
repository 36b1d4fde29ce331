// Two tiers as a cache file spells them, and passwords: whatever fails, and whatever is shown, no
// password is in it.
#include <gmock/gmock.h>
#include <tarmac/config/make_cache.h>
#include <tarmac/config/make_tiered_cache.h>
#include <tarmac/core/error.h>
#include <tarmac/observers/json_event_sink.h>
#include <tarmac/policies/dead_letters.h>
#ifdef TARMAC_HAS_PROMETHEUS
#include <tarmac/observers/prometheus_exporter.h>
#endif

#include <cstdlib>
#include <sstream>

#include "tier_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

Config config_of(const std::string& lines) {
  return parse_config("caches:\n  - name: filed\n" + lines, "f");
}

TEST(TieredConfig, HasTheDefaultsOfTheTiersThemselves) {
  const auto options = tiered_options(config_of("    l2: {prefix: \"p:\"}\n").caches.at(0));
  const TieredOptions defaults;
  EXPECT_EQ(options.l2_ttl, defaults.l2_ttl);
  const auto& l2 = options.l2;
  EXPECT_EQ(l2.heartbeat, defaults.l2.heartbeat);
  EXPECT_EQ(l2.heartbeat_limit, defaults.l2.heartbeat_limit);
  EXPECT_EQ(l2.serve_unheard, defaults.l2.serve_unheard);
  EXPECT_EQ(l2.batch_max, defaults.l2.batch_max);
  const auto& server = defaults.l2.server;
  EXPECT_EQ(l2.server.host, server.host);
  EXPECT_EQ(l2.server.port, server.port);
  EXPECT_EQ(l2.server.unix_socket, server.unix_socket);
  EXPECT_EQ(l2.server.password_file, server.password_file);
  EXPECT_EQ(l2.server.password_env, server.password_env);
  EXPECT_EQ(l2.server.db, server.db);
  EXPECT_EQ(l2.server.connections, server.connections);
  EXPECT_EQ(l2.server.call_limit, server.call_limit);
  EXPECT_EQ(l2.server.retry_initial, server.retry_initial);
  EXPECT_EQ(l2.server.retry_max, server.retry_max);
}

TEST(TieredConfig, MakesWhatTheFileSays) {
  const RedisServer server;
  const auto config =
      config_of("    max_entries: 7\n    default_ttl: 1h\n    l2:\n      unix_socket: " +
                server.socket().string() + "\n      prefix: \"f:\"\n      ttl: 30s\n");
  const auto cache = make_tiered_cache<std::string>(config.caches.at(0));
  await_heard(*cache);
  cache->set("k", "v");
  EXPECT_EQ(cache->get("k"), "v");
  EXPECT_EQ(server.ask({"GET", "f:k"}), "v");
  EXPECT_GT(std::stoi(server.ask({"PTTL", "f:k"})), 20'000);
  EXPECT_LE(std::stoi(server.ask({"PTTL", "f:k"})), 30'000);
  EXPECT_EQ(cache->l1().describe().name, "filed");
  EXPECT_EQ(cache->l1().describe().capacity.max_entries, 7U);
}

TEST(TieredConfig, IsMadeByTheOneFunctionThatFits) {
  const auto two = config_of("    l2: {prefix: \"p:\"}\n").caches.at(0);
  EXPECT_THAT((message_of<ConfigError>(
                  [&] { static_cast<void>(make_cache<std::string, std::string>(two)); })),
              HasSubstr("make it with make_tiered_cache()"));
  const auto one = config_of("").caches.at(0);
  EXPECT_THAT(
      message_of<ConfigError>([&] { static_cast<void>(make_tiered_cache<std::string>(one)); }),
      HasSubstr("has no second tier"));
}

// Goal: a password never comes out (trap A22). Method: one that is easily found, right and wrong,
// by file and by variable, through everything that this library shows or writes.
class SecretsTest : public ::testing::Test {
 protected:
  static constexpr const char* kCanary = "canary-5127";

  SecretsTest() {
    overwrite_file(folder_ / "wrong", std::string("wrong-") + kCanary + "\n");
    overwrite_file(folder_ / "right", std::string(kCanary) + "\n");
    ::setenv("TARMAC_TEST_CANARY", (std::string("wrong-") + kCanary).c_str(), 1);
  }
  ~SecretsTest() override { ::unsetenv("TARMAC_TEST_CANARY"); }

  std::string file_with(const std::string& password) {
    const auto at = "unix_socket: " + server_.socket().string() + ", " + password;
    return "caches:\n  - name: written\n    read_through: true\n"
           "    write_policy: {policy: write_back, loss_window_max: 0s, shutdown_limit: 0s, "
           "dead_letters: " +
           (folder_ / "letters.jsonl").string() + "}\n    store: {store: redis, " + at +
           "}\n  - name: tiered\n    l2: {prefix: \"t:\", " + at +
           "}\nobservers:\n  metrics: {address: 0}\n";
  }
  void see(const std::string& text) { seen_ += text + "\n"; }
  template <class Call>
  void see_error(const Call& call) {
    try {
      call();
    } catch (const std::exception& error) {
      see(error.what());
    }
  }
  /// Uses both caches of `text`, and looks at all that they tell.
  void use(const std::string& text) {
    overwrite_file(folder_ / "file.yaml", text);
    const auto check = check_file(folder_ / "file.yaml");
    for (const auto& line : check.problems) see(line);
    for (const auto& line : check.summary) see(line);
    const auto config = parse_config(text, "f");
    std::ostringstream events;
    {
      JsonEventSinkOptions with_keys;
      with_keys.keys = true;
      JsonEventSink sink(events, with_keys);
      auto cache = make_cache<std::string, std::string>(config.caches.at(0));
      auto tiers = make_tiered_cache<std::string>(config.caches.at(1));
      sink.watch(*cache);
      sink.watch(tiers->l1());
      cache->set("k", "v");
      see(cache->flush(1s).error);
      see_error([&] { see(cache->get("absent").value_or("none")); });
      see_error([&] { tiers->set("k", "v"); });
      see_error([&] { see(tiers->get("k").value_or("none")); });
      look_at(*cache);
      look_at(tiers->l1());
      const auto store = store_registry().make("redis", config.caches.at(0).store->parameters);
      see(store->health().detail);
      cache.reset();  // What it could not write goes to the file of dead letters.
    }
    see(events.str());
    for (const auto& letter : read_dead_letters(folder_ / "letters.jsonl").letters)
      see(letter.reason);
  }
  template <class Cache>
  void look_at(Cache& cache) {
    const auto description = cache.describe();
    see(description.name + description.strategy + description.write_policy + description.store);
    if (const auto info = cache.inspect("k")) see(std::to_string(info->stamp));
#ifdef TARMAC_HAS_PROMETHEUS
    PrometheusExporter exporter;
    const auto watch = exporter.watch(cache);
    see(exporter.render());
#endif
  }

  ScratchFolder folder_;
  RedisServer server_{{"--requirepass", kCanary}};
  std::string seen_;
};

TEST_F(SecretsTest, NeverShowAPassword) {
  use(file_with("password_file: " + (folder_ / "wrong").string()));
  EXPECT_THAT(seen_, HasSubstr("refuses the password")) << "or this has shown nothing";
  use(file_with("password_env: TARMAC_TEST_CANARY"));
  use(file_with("password_file: " + (folder_ / "right").string()));
  EXPECT_THAT(seen_, HasSubstr("second tier in redis at"));
  EXPECT_THAT(seen_, HasSubstr("\"type\":\"store_error\""));
  EXPECT_THAT(seen_, Not(HasSubstr("canary")));
}

TEST_F(SecretsTest, AreNotRepeatedWhereTheyDoNotBelong) {
  for (const char* where : {"password", "password_fil"}) {
    const auto text = file_with(std::string(where) + ": " + kCanary);
    overwrite_file(folder_ / "file.yaml", text);
    const auto check = check_file(folder_ / "file.yaml");
    EXPECT_FALSE(check.ok());
    for (const auto& line : check.problems) {
      EXPECT_THAT(line, HasSubstr("password"));
      EXPECT_THAT(line, Not(HasSubstr("canary")));
    }
  }
}

}  // namespace
}  // namespace tarmac
