#include <hiredis/hiredis.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/redis_store.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "millis.h"
#include "redis_record.h"
#include "redis_servers.h"
#include "stored_row.h"

namespace tarmac {
namespace {

using internal::kNanosInMilli;
using internal::RedisCommand;
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

/// The writes of a batch that one script makes.
struct BatchPart {
  std::uint16_t slot = 0;
  /// In the batch.
  std::vector<std::size_t> places = {};
  /// The server has forgotten the script, or never had it.
  bool by_text = false;
};

/// What the servers have against a batch.
struct Refusals {
  /// Of the server; not for good.
  std::string passing;
  /// The server will not take a value tomorrow either.
  std::string lasting;
  /// These keys have values of others. `foreign` is how the message about them begins.
  std::string foreign;
  std::vector<std::string> foreign_keys;

  void add(const BatchPart& part, std::string_view text, std::span<const StoreWrite> batch) {
    constexpr std::string_view kForeign = "FOREIGN ";
    const auto found = text.find(kForeign);
    if (found != std::string_view::npos) {
      foreign = text.substr(0, found);
      std::istringstream places{std::string(text.substr(found + kForeign.size()))};
      for (std::size_t place = 0; places >> place;) {
        if (place < 1 || place > part.places.size()) continue;
        foreign_keys.push_back(batch[part.places[place - 1]].key);
      }
    } else if (text.find("string exceeds maximum") != std::string_view::npos) {
      lasting = text;
    } else {
      passing = text;
    }
  }

  void throw_if_any() const {
    if (!passing.empty()) throw internal::RedisRefusal(passing);
    if (!lasting.empty()) throw PermanentStoreError(lasting);
    if (foreign_keys.empty()) return;
    const auto message =
        foreign + "key " + internal::shown_key(foreign_keys.front()) +
        (foreign_keys.size() == 1
             ? std::string()
             : " and " + std::to_string(foreign_keys.size() - 1) + " more of a batch") +
        " has a value that is not of this store; choose another prefix, or remove it";
    throw PermanentStoreError(message, foreign_keys);
  }
};

class RedisStore final : public BackingStore {
 public:
  explicit RedisStore(RedisStoreOptions options)
      : options_(checked_store_options(std::move(options))),
        servers_(internal::make_redis_servers(options_)) {}

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
    const auto deadline = servers_->deadline();
    Refusals refusals;
    for (auto parts = parts_of(batch); !parts.empty();) {
      parts = write_parts(batch, parts, refusals, deadline);
    }
    refusals.throw_if_any();
  }

  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    // SCAN may name a key twice, and so may two nodes between which it is moved.
    std::unordered_set<std::string> seen;
    for (const auto& node : servers_->nodes(servers_->deadline())) {
      std::string cursor = "0";
      do {
        std::vector<std::string> keys;
        for (auto& key : next_page(*node, cursor)) {
          if (seen.insert(key).second) keys.push_back(std::move(key));
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

  /// By the slots of their keys; all in one if they are all in one place.
  [[nodiscard]] std::vector<BatchPart> parts_of(std::span<const StoreWrite> batch) const {
    std::vector<BatchPart> parts;
    std::unordered_map<std::uint16_t, std::size_t> part_of_slot;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto slot = servers_->slot_of(options_.prefix, batch[i].key);
      const auto [known, is_new] = part_of_slot.emplace(slot, parts.size());
      if (is_new) parts.push_back({.slot = slot});
      parts[known->second].places.push_back(i);
    }
    return parts;
  }

  /// Returns what is to be tried once more in another way.
  [[nodiscard]] std::vector<BatchPart> write_parts(std::span<const StoreWrite> batch,
                                                   std::span<const BatchPart> parts,
                                                   Refusals& refusals, SteadyNanos deadline) {
    std::vector<RedisRequest> requests;
    requests.reserve(parts.size());
    for (const auto& part : parts) {
      requests.push_back({.slot = part.slot, .commands = {}});
      requests.back().commands.push_back(command_of(batch, part, deadline));
    }
    servers_->call(requests, deadline);
    std::vector<BatchPart> again;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto error = internal::error_in(requests[i]);
      if (error.empty()) continue;
      if (error.starts_with("NOSCRIPT") && !parts[i].by_text) {
        // It was restarted, or forgets scripts, or does not let us load one.
        again.push_back(parts[i]);
        again.back().by_text = true;
      } else if (error.starts_with("TRYAGAIN") && add_by_key(again, parts[i], batch)) {
        continue;
      } else {
        refusals.add(parts[i], requests[i].refusal, batch);
      }
    }
    return again;
  }

  /// While a slot is on its way to another node, no command may have several of its keys. False if
  /// `part` has but one.
  static bool add_by_key(std::vector<BatchPart>& parts, const BatchPart& part,
                         std::span<const StoreWrite> batch) {
    std::map<std::string_view, std::vector<std::size_t>> places_of;
    for (const auto place : part.places) places_of[batch[place].key].push_back(place);
    if (places_of.size() == 1) return false;
    for (auto& [key, places] : places_of) {
      parts.push_back({part.slot, std::move(places), part.by_text});
    }
    return true;
  }

  [[nodiscard]] RedisCommand command_of(std::span<const StoreWrite> batch, const BatchPart& part,
                                        SteadyNanos deadline) {
    RedisCommand command;
    command.reserve(3 + 4 * part.places.size());
    command.emplace_back(part.by_text ? "EVAL" : "EVALSHA");
    command.push_back(part.by_text ? std::string(internal::redis_write_script())
                                   : digest_of_script(part.slot, deadline));
    command.push_back(std::to_string(part.places.size()));
    for (const auto place : part.places) command.push_back(options_.prefix + batch[place].key);
    for (const auto place : part.places) {
      const auto& one = batch[place];
      command.push_back(internal::redis_record_of(one));
      if (!one.value) {
        command.emplace_back("PEXPIRE");
        command.push_back(std::to_string(options_.removal_kept.count() / kNanosInMilli + 1));
      } else if (one.expires_at) {
        // The next whole millisecond: load() is exact, the server must not be early.
        command.emplace_back("PEXPIREAT");
        command.push_back(std::to_string(*one.expires_at / kNanosInMilli + 1));
      } else {
        command.insert(command.end(), 2, "");
      }
    }
    return command;
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

  /// What the server keeps the script under. The same on every server, so one has to tell it only
  /// once.
  [[nodiscard]] std::string digest_of_script(std::uint16_t slot, SteadyNanos deadline) {
    {
      const std::lock_guard lock(digest_mutex_);
      if (!digest_.empty()) return digest_;
    }
    RedisRequest request{slot, {{"SCRIPT", "LOAD", internal::redis_write_script()}}};
    servers_->call(std::span(&request, 1), deadline);
    // If it is refused: the server answers this with NOSCRIPT, and then gets the text.
    if (!request.refusal.empty()) return "none";
    const auto& reply = *request.replies.front();
    const std::lock_guard lock(digest_mutex_);
    if (reply.type == REDIS_REPLY_STRING) digest_.assign(reply.str, reply.len);
    return digest_.empty() ? "none" : digest_;
  }

  const RedisStoreOptions options_;
  const std::unique_ptr<internal::RedisServers> servers_;
  std::mutex digest_mutex_;
  std::string digest_;
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
