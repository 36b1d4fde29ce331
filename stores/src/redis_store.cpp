#include <hiredis/hiredis.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/redis_store.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_set>
#include <utility>

#include "redis_record.h"
#include "redis_servers.h"
#include "redis_writer.h"
#include "stored_row.h"

namespace tarmac {
namespace {

using internal::RedisRequest;

/// What a server's INFO says that matters to those who write.
StoreHealth health_in(std::string_view info) {
  const auto field = [info](std::string_view name) {
    const auto at = info.find(name);
    if (at == std::string_view::npos) return std::string("?");
    const auto value = info.substr(at + name.size());
    return std::string(value.substr(0, value.find_first_of("\r\n")));
  };
  StoreHealth health;
  health.reachable = field("\nloading:") != "1";
  health.detail = "redis " + field("\nredis_version:") + ", " + field("\nrole:") + ", " +
                  field("\nused_memory_human:") + " used of " +
                  (field("\nmaxmemory:") == "0" ? "all there is" : field("\nmaxmemory_human:")) +
                  (health.reachable ? "" : ", still loading its data");
  return health;
}

/// `text` for a pattern of SCAN, in which it means itself.
std::string escaped(std::string_view text) {
  std::string pattern;
  for (const char one : text) {
    if (std::string_view("*?[]\\^-").find(one) != std::string_view::npos) pattern += '\\';
    pattern += one;
  }
  return pattern;
}

/// Throws ConfigError for what cannot work.
RedisStoreOptions checked_store_options(RedisStoreOptions options) {
  if (options.connections == 0) {
    throw ConfigError("store \"redis\": connections must be at least 1");
  }
  if (!options.password_file.empty() && !options.password_env.empty()) {
    throw ConfigError("store \"redis\": password_file and password_env are both given; keep one");
  }
  if (options.call_limit <= std::chrono::nanoseconds::zero()) {
    throw ConfigError("store \"redis\": call_limit must be more than 0");
  }
  if (options.retry_max < options.retry_initial) {
    throw ConfigError("store \"redis\": retry_max is less than retry_initial; raise it");
  }
  return options;
}

class RedisStore final : public BackingStore {
 public:
  explicit RedisStore(RedisStoreOptions options)
      : options_(checked_store_options(std::move(options))),
        servers_(internal::make_redis_servers(options_)),
        writer_(*servers_, options_) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "redis"; }

  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override {
    const std::array<std::string, 1> keys{std::string(key)};
    return std::move(load_many(keys, wall_now).front());
  }

  [[nodiscard]] std::vector<std::optional<StoredValue>> load_many(std::span<const std::string> keys,
                                                                  WallNanos wall_now) override {
    if (keys.empty()) return {};
    auto found = get_all(keys);
    for (auto& one : found) {
      if (one && internal::has_expired(one->expires_at, wall_now)) one.reset();
    }
    return found;
  }

  void write(std::span<const StoreWrite> batch) override {
    writer_.write(batch, servers_->deadline());
  }

  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    // SCAN may name a key twice, and so may two nodes between which it is moved.
    std::unordered_set<std::string> seen;
    for (const auto& node : servers_->nodes(servers_->deadline())) {
      std::string cursor = "0";
      do {
        std::vector<std::string> keys;
        for (auto& key : next_page(*node, cursor)) {
          if (key != internal::kRedisGuard && seen.insert(key).second)
            keys.push_back(std::move(key));
        }
        if (keys.empty()) continue;
        const auto values = get_all(keys);
        for (std::size_t i = 0; i < keys.size(); ++i) {
          if (values[i]) visit(keys[i], *values[i]);
        }
      } while (cursor != "0");
    }
  }

  [[nodiscard]] std::size_t size() override {
    std::size_t total = 0;
    scan([&total](std::string_view, const StoredValue&) { ++total; });
    return total;
  }

  [[nodiscard]] StoreHealth health() noexcept override {
    try {
      const auto deadline = servers_->deadline();
      StoreHealth all;
      for (const auto& node : servers_->nodes(deadline)) {
        const auto one = health_of(*node, deadline);
        all.reachable = all.reachable && one.reachable;
        if (!all.detail.empty()) all.detail += "; ";
        if (servers_->is_cluster()) all.detail += node->address().text() + ": ";
        all.detail += one.detail;
      }
      return all;
    } catch (const std::exception& error) {
      return {false, error.what()};
    }
  }

  [[nodiscard]] std::optional<BreakerStats> breaker() const noexcept override {
    return servers_->breaker();
  }

 private:
  static StoreHealth health_of(internal::RedisNode& node, SteadyNanos deadline) {
    try {
      const auto info = node.ask({"INFO"}, deadline);
      return health_in({info->str, info->type == REDIS_REPLY_STRING ? info->len : 0});
    } catch (const internal::RedisRefusal& refusal) {
      return {true, refusal.what()};  // It answers, if only that it must not tell.
    } catch (const StoreError& error) {
      return {false, error.what()};
    }
  }

  [[nodiscard]] std::vector<std::optional<StoredValue>> get_all(std::span<const std::string> keys) {
    std::vector<RedisRequest> requests;
    if (!servers_->is_cluster()) requests.push_back({.slot = 0, .commands = {}});
    for (const auto& key : keys) {
      if (servers_->is_cluster()) {
        requests.push_back({.slot = servers_->slot_of(options_.prefix, key), .commands = {}});
      }
      requests.back().commands.push_back({"GET", options_.prefix + key});
    }
    servers_->call(requests, servers_->deadline());
    std::vector<std::optional<StoredValue>> values;
    values.reserve(keys.size());
    for (const auto& request : requests) {
      must_be_granted(request);
      for (const auto& reply : request.replies) {
        values.push_back(internal::redis_value_in(*reply, keys[values.size()]));
      }
    }
    return values;
  }

  /// Some keys of `node`, without prefix; moves `cursor`, to "0" after the last.
  [[nodiscard]] std::vector<std::string> next_page(internal::RedisNode& node, std::string& cursor) {
    const auto reply =
        node.ask({"SCAN", cursor, "MATCH", escaped(options_.prefix) + "*", "COUNT", "1000"},
                 servers_->deadline());
    const bool whole = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                       reply->element[0]->type == REDIS_REPLY_STRING &&
                       reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (!whole) throw StoreError("store redis: the server's answer to SCAN is none");
    cursor.assign(reply->element[0]->str, reply->element[0]->len);
    std::vector<std::string> keys;
    for (const auto* one : std::span(reply->element[1]->element, reply->element[1]->elements)) {
      const std::string_view key(one->str, one->len);
      if (key.starts_with(options_.prefix)) keys.emplace_back(key.substr(options_.prefix.size()));
    }
    return keys;
  }

  const RedisStoreOptions options_;
  const std::unique_ptr<internal::RedisServers> servers_;
  internal::RedisWriter writer_;
};

}  // namespace

std::shared_ptr<BackingStore> make_redis_store(const RedisStoreOptions& options) {
  return std::make_shared<RedisStore>(options);
}

std::unique_ptr<BackingStore> internal::new_redis_store(const Parameters& parameters) {
  RedisStoreOptions options;
  options.host = parameters.get_string("host", options.host);
  const auto port = parameters.get_uint("port", options.port);
  options.unix_socket = parameters.get_string("unix_socket", "");
  options.cluster = parameters.get_string("cluster", "");
  if (!options.cluster.empty() && (parameters.contains("host") || parameters.contains("port"))) {
    throw ConfigError("store \"redis\": cluster has the addresses; remove host and port");
  }
  options.password_file = parameters.get_string("password_file", "");
  options.password_env = parameters.get_string("password_env", "");
  const auto db = parameters.get_uint("db", options.db);
  const auto connections = parameters.get_uint("connections", options.connections);
  options.prefix = parameters.get_string("prefix", options.prefix);
  options.call_limit = parameters.get_duration("call_limit", options.call_limit);
  options.retry_initial = parameters.get_duration("retry_initial", options.retry_initial);
  options.retry_max = parameters.get_duration("retry_max", options.retry_max);
  options.removal_kept = parameters.get_duration("removal_kept", options.removal_kept);
  if (port == 0 || port > std::numeric_limits<std::uint16_t>::max()) {
    throw ConfigError("store \"redis\": port is " + std::to_string(port) +
                      "; write one from 1 to 65535");
  }
  if (db > std::numeric_limits<std::uint32_t>::max()) {
    throw ConfigError("store \"redis\": db is " + std::to_string(db) + "; write a smaller number");
  }
  constexpr std::uint64_t kConnectionsMax = 1'024;
  if (connections == 0 || connections > kConnectionsMax) {
    throw ConfigError("store \"redis\": connections is " + std::to_string(connections) +
                      "; write a number from 1 to 1024");
  }
  options.port = static_cast<std::uint16_t>(port);
  options.connections = static_cast<std::uint32_t>(connections);
  options.db = static_cast<std::uint32_t>(db);
  return std::make_unique<RedisStore>(std::move(options));
}

}  // namespace tarmac
