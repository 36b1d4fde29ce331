// The example of docs/tiers.md, compiled and run with a server of its own.
#include <gtest/gtest.h>
#include <tarmac/tarmac.h>
// [tiers]
#include <tarmac/stores/tiered_cache.h>
// [/tiers]

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "metrics_page.h"
#include "redis_server.h"

using namespace std::chrono_literals;

namespace tiers_page {

namespace {

std::string load_session(const std::string& name) { return name; }

TEST(TiersPage, Shares) {
  const tarmac::RedisServer server;
  // clang-format off
  // [tiers]
  tarmac::TieredOptions options;
  options.l1.name = "sessions";
  options.l2.server.unix_socket = "/run/redis/redis.sock";  // Or host and port.
  // [/tiers]
  options.l2.server.unix_socket = server.socket();
  // [tiers]
  options.l2.server.prefix = "sessions:";                   // All keys below it are this cache's.
  tarmac::TieredCache<std::string> sessions(options);

  sessions.set("alice", "logged in", {.ttl = 30min});        // For all processes.
  std::optional<std::string> alice = sessions.get("alice");  // Here if it was read before, else from Redis.
  std::string bob = sessions.get_or_load("bob", [] { return load_session("bob"); });
  auto some = sessions.get_many({"alice", "bob"});           // One round trip for each 32.
  sessions.erase("alice");
  // [/tiers]
  // clang-format on
  EXPECT_EQ(alice, "logged in");
  EXPECT_EQ(bob, "bob");
  EXPECT_EQ(some.at(0), "logged in");
  EXPECT_FALSE(sessions.get("alice"));
}

}  // namespace

std::vector<tarmac::ExtraFigure> figures_of_two_tiers() {
  tarmac::TieredOptions options;
  options.l2.server.unix_socket = "redis.sock";  // Nobody need listen.
  tarmac::TieredCache<std::string> cache(options);
  return cache.l1().extra_figures().read();
}

}  // namespace tiers_page
