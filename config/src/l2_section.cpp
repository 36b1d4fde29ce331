// `caches[].l2`: the second of two tiers.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache_sections.h"
#include "yaml_text.h"

namespace tarmac::internal {
namespace {

void read_server(const MapSection& map, L2Config& l2) {
  constexpr std::uint64_t kPortMax = 65'535;
  constexpr std::uint64_t kConnectionsMax = 1'024;
  const auto number = [&map](const char* key, auto& target, YamlRange<std::uint64_t> range) {
    map.with(key, [&](const YamlNode& n) {
      target = static_cast<std::remove_reference_t<decltype(target)>>(as_uint(n, range));
    });
  };
  const auto text = [&map](const char* key, auto& target) {
    map.with(key, [&](const YamlNode& n) {
      if (as_string(n).empty()) throw n.error("it is empty", "write one, or remove the key");
      target = as_string(n);
    });
  };
  text("host", l2.host);
  number("port", l2.port, {1, kPortMax});
  text("unix_socket", l2.unix_socket);
  text("cluster", l2.cluster);
  text("password_file", l2.password_file);
  text("password_env", l2.password_env);
  number("db", l2.db, {0, std::numeric_limits<std::uint32_t>::max()});
  number("connections", l2.connections, {1, kConnectionsMax});
  number("batch_max", l2.batch_max, {1, std::numeric_limits<std::uint32_t>::max()});
  map.need("prefix", [&](const YamlNode& n) {
    if (as_string(n).empty()) {
      throw n.error("the prefix is empty: its keys would be all those of the server",
                    "write one that no other program uses, for example \"sessions:\"");
    }
    l2.prefix = as_string(n);
  });
}

void read_times(const MapSection& map, L2Config& l2) {
  const auto positive = [&map](const char* key, std::chrono::nanoseconds& target) {
    map.with(key, [&](const YamlNode& n) { target = as_duration(n, kPositiveDuration); });
  };
  positive("call_limit", l2.call_limit);
  positive("retry_initial", l2.retry_initial);
  positive("retry_max", l2.retry_max);
  positive("heartbeat", l2.heartbeat);
  positive("heartbeat_limit", l2.heartbeat_limit);
  map.with("serve_unheard", [&](const YamlNode& n) { l2.serve_unheard = as_duration(n); });
  map.with("ttl", [&](const YamlNode& n) { l2.ttl = as_duration(n, kPositiveDuration); });
}

/// Addresses that are well-formed, in order; no others.
std::vector<std::string> addresses_of(std::string_view cluster) {
  std::vector<std::string> addresses;
  while (!cluster.empty()) {
    const auto end = std::min(cluster.find_first_of(", "), cluster.size());
    if (end > 0) addresses.emplace_back(cluster.substr(0, end));
    cluster.remove_prefix(std::min(end + 1, cluster.size()));
  }
  return addresses;
}

/// As the tier itself would, but with the place.
void check_cluster(const YamlNode& node, const L2Config& l2) {
  if (l2.cluster.empty()) return;
  const auto& cluster = *node.find("cluster");
  const auto addresses = addresses_of(l2.cluster);
  for (const auto& one : addresses) {
    const auto colon = one.rfind(':');
    const auto port = colon == std::string::npos ? std::string() : one.substr(colon + 1);
    const bool is_number = !port.empty() && port.find_first_not_of("0123456789") == port.npos;
    constexpr std::size_t kPortDigits = 5;
    if (colon == 0 || !is_number || port.size() > kPortDigits) {
      throw cluster.error(shown(one) + " is no address",
                          "write host:port, and commas between several");
    }
  }
  if (addresses.empty()) throw cluster.error("it has no address", "write host:port of some nodes");
  for (const auto* key : {"host", "port", "unix_socket", "db"}) {
    if (const auto* other = node.find(key)) {
      throw other->error_at_key("beside `cluster` it has no meaning", "remove it, or `cluster`");
    }
  }
}

/// Whether both are on the same server, or name a node of the same cluster.
bool share_server(const L2Config& a, const L2Config& b) {
  if (a.cluster.empty() != b.cluster.empty()) return false;
  if (!a.cluster.empty()) {
    const auto others = addresses_of(b.cluster);
    return std::ranges::any_of(addresses_of(a.cluster), [&others](const auto& one) {
      return std::ranges::find(others, one) != others.end();
    });
  }
  return a.unix_socket == b.unix_socket &&
         (!a.unix_socket.empty() || (a.host == b.host && a.port == b.port));
}

/// Whether all keys below one are below the other, too, on the same server.
bool overlap(const L2Config& a, const L2Config& b) {
  return share_server(a, b) && (a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix));
}

}  // namespace

L2Config read_l2(const YamlNode& node, Problems& problems) {
#ifndef TARMAC_HAS_REDIS
  throw node.error_at_key("this program is built without Redis, which a second tier is in",
                          "build it with TARMAC_WITH_REDIS, or remove the key");
#endif
  L2Config l2;
  const MapSection map(node, "caches[].l2", problems);
  read_server(map, l2);
  read_times(map, l2);
  const auto refuse_unless = [&](bool holds, const char* key, const char* other,
                                 const char* wrong) {
    problems.attempt([&] {
      if (holds) return;
      const auto* place = node.find(key);
      throw(place != nullptr ? *place : *node.find(other)).error(wrong, "raise it");
    });
  };
  refuse_unless(l2.heartbeat_limit > l2.heartbeat, "heartbeat_limit", "heartbeat",
                "heartbeat_limit must be longer than heartbeat");
  refuse_unless(l2.retry_max >= l2.retry_initial, "retry_max", "retry_initial",
                "retry_max is less than retry_initial");
  problems.attempt([&] { check_cluster(node, l2); });
  problems.attempt([&] {
    if (l2.password_file.empty() || l2.password_env.empty()) return;
    throw node.find("password_env")
        ->error_at_key("password_file and password_env are both given", "keep one");
  });
  return l2;
}

void refuse_beside_l2(const YamlNode& cache, Problems& problems) {
  for (const auto* key : {"store", "write_policy", "read_through", "durability"}) {
    problems.attempt([&] {
      if (const auto* found = cache.find(key)) {
        throw found->error_at_key(
            "a cache with a second tier has its values there, and nothing else behind it",
            "remove `" + std::string(key) + "`, or `l2`");
      }
    });
  }
}

void refuse_shared_prefixes(const YamlNode& element, const std::vector<CacheConfig>& caches) {
  const auto& last = caches.back();
  if (!last.l2) return;
  for (const auto& other : caches) {
    if (&other == &last || !other.l2 || !overlap(*last.l2, *other.l2)) continue;
    throw element.find("l2")->find("prefix")->error(
        "it shares keys with the prefix of cache " + shown(other.options.name),
        "give each cache a prefix with which no other begins");
  }
}

}  // namespace tarmac::internal
