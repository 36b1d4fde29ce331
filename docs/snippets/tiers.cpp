// The example of docs/tiers.md. Compiled, and not run: there is no server at its socket.
#include <tarmac/tarmac.h>
// [tiers]
#include <tarmac/stores/tiered_cache.h>
// [/tiers]

#include <chrono>
#include <optional>
#include <string>

using namespace std::chrono_literals;

namespace tiers_page {

inline std::string load_session(const std::string& name) { return name; }

[[maybe_unused]] static void share() {
  // clang-format off
  // [tiers]
  tarmac::TieredOptions options;
  options.l1.name = "sessions";
  options.l2.server.unix_socket = "/run/redis/redis.sock";  // Or host and port.
  options.l2.server.prefix = "sessions:";                   // All keys below it are this cache's.
  tarmac::TieredCache<std::string> sessions(options);

  sessions.set("alice", "logged in", {.ttl = 30min});        // For all processes.
  std::optional<std::string> alice = sessions.get("alice");  // Here if it was read before, else from Redis.
  std::string bob = sessions.get_or_load("bob", [] { return load_session("bob"); });
  auto some = sessions.get_many({"alice", "bob"});           // One round trip for each 32.
  sessions.erase("alice");
  // [/tiers]
  // clang-format on
  static_cast<void>(some);
}

}  // namespace tiers_page
