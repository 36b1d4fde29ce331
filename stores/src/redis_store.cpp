#include <hiredis/hiredis.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/redis_store.h>

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "millis.h"
#include "redis_connection.h"
#include "redis_pool.h"
#include "stored_row.h"

namespace tarmac {
namespace {

using internal::kNanosInMilli;
using internal::RedisCommand;
using internal::RedisConnection;
using internal::RedisReply;
using internal::RowView;

// A record: "T1", v or r (value, removal), then 16 hexadecimal digits each of stamp, expiry (0:
// none) and checksum, then the value. Digits of fixed width, which the script compares as text.
constexpr std::string_view kForm = "T1";
constexpr std::size_t kHeadSize = 51;

// KEYS: the keys. ARGV: for each its record, the command that sets its expiry or '', and when.
// Nothing is written before all keys were looked at: an error afterwards would leave half a batch.
// A call costs more than what it does, so small values are read and written many at once.
constexpr const char* kWriteScript = R"(
local CHUNK = 1000
local size = 0
for i = 1, #KEYS do size = size + #ARGV[3 * i - 2] end
local small = size < 1024 * #KEYS

local function head(key)
  local found = redis.pcall('GETRANGE', key, 0, 18)
  if type(found) == 'string' then return found end
  if string.sub(found.err, 1, 9) == 'WRONGTYPE' then return 'of another type' end
  error(found.err)
end
local function heads(from, to)
  local found, absent = {}, {}
  if small then
    found = redis.call('MGET', unpack(KEYS, from, to))
    for i = from, to do
      if not found[i - from + 1] then absent[#absent + 1] = KEYS[i] end
    end
    -- MGET takes what is no string for absent.
    if #absent == 0 or redis.call('EXISTS', unpack(absent)) == 0 then return found end
  end
  for i = from, to do found[i - from + 1] = head(KEYS[i]) end
  return found
end

local newest, order, foreign = {}, {}, {}
for first = 1, #KEYS, CHUNK do
  local last = math.min(first + CHUNK - 1, #KEYS)
  local found = heads(first, last)
  for i = first, last do
    local known = newest[KEYS[i]]
    if not known then
      local old = found[i - first + 1] or ''
      if old ~= '' and string.sub(old, 1, 2) ~= 'T1' then foreign[#foreign + 1] = i end
      known = {stamp = string.sub(old, 4, 19)}
      newest[KEYS[i]] = known
      order[#order + 1] = KEYS[i]
    end
    local stamp = string.sub(ARGV[3 * i - 2], 4, 19)
    if stamp >= known.stamp then known.stamp, known.from = stamp, 3 * i - 2 end
  end
end
if #foreign > 0 then return redis.error_reply('FOREIGN ' .. table.concat(foreign, ' ')) end

local words = {}
for n, key in ipairs(order) do
  local from = newest[key].from
  if from then
    words[#words + 1] = key
    words[#words + 1] = ARGV[from]
  end
  if #words > 0 and (n == #order or #words >= 2 * CHUNK) then
    redis.call('MSET', unpack(words))
    words = {}
  end
end
for _, key in ipairs(order) do
  local from = newest[key].from
  if from and ARGV[from + 1] ~= '' then redis.call(ARGV[from + 1], key, ARGV[from + 2]) end
end
return 1)";

std::string record_of(const StoreWrite& write) {
  const RowView row{write.key, write.value, write.stamp, write.expires_at};
  std::string record(kForm);
  record += write.value ? 'v' : 'r';
  record += internal::hex16(write.stamp);
  record += internal::hex16(static_cast<std::uint64_t>(write.expires_at.value_or(0)));
  record += internal::hex16(internal::checksum_of(row));
  if (write.value) record += *write.value;
  return record;
}

[[noreturn]] void refuse_record(std::string_view key) {
  throw internal::RedisRefusal("store redis: the value of key " + internal::shown_key(key) +
                               " is damaged, or was not written by this store");
}

/// The value in `reply` to a GET of `key`; empty if there is none, or a removal.
std::optional<StoredValue> value_in(const redisReply& reply, std::string_view key) {
  if (reply.type == REDIS_REPLY_NIL) return std::nullopt;
  if (reply.type != REDIS_REPLY_STRING) refuse_record(key);
  const std::string_view record(reply.str, reply.len);
  if (record.size() < kHeadSize || !record.starts_with(kForm)) refuse_record(key);
  const auto stamp = internal::from_hex16(record.substr(3, 16));
  const auto expiry = internal::from_hex16(record.substr(19, 16));
  const auto sum = internal::from_hex16(record.substr(35, 16));
  if (!stamp || !expiry || !sum) refuse_record(key);
  RowView row{.key = key, .value = std::nullopt, .stamp = *stamp, .expires_at = std::nullopt};
  if (record[2] == 'v') row.value = record.substr(kHeadSize);
  if (*expiry != 0) row.expires_at = static_cast<WallNanos>(*expiry);
  if (internal::checksum_of(row) != *sum) refuse_record(key);
  if (!row.value) return std::nullopt;
  return StoredValue{std::string(*row.value), row.stamp, row.expires_at};
}

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

class RedisStore final : public BackingStore {
 public:
  explicit RedisStore(RedisStoreOptions options) : options_(std::move(options)), pool_(options_) {
    if (options_.connections == 0) {
      throw ConfigError("store \"redis\": connections must be at least 1");
    }
    if (!options_.password_file.empty() && !options_.password_env.empty()) {
      throw ConfigError("store \"redis\": password_file and password_env are both given; keep one");
    }
    if (options_.call_limit <= std::chrono::nanoseconds::zero()) {
      throw ConfigError("store \"redis\": call_limit must be more than 0");
    }
    if (options_.retry_max < options_.retry_initial) {
      throw ConfigError("store \"redis\": retry_max is less than retry_initial; raise it");
    }
  }

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
    if (batch.empty()) return;
    RedisCommand command{"", "", std::to_string(batch.size())};
    for (const auto& one : batch) command.push_back(options_.prefix + one.key);
    for (const auto& one : batch) {
      command.push_back(record_of(one));
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
    try {
      static_cast<void>(pool_.with([&](RedisConnection& connection, SteadyNanos deadline) {
        run_script(connection, command, deadline);
        return true;
      }));
    } catch (const internal::RedisRefusal& refusal) {
      judge(refusal, batch);
      throw;
    }
  }

  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    std::unordered_set<std::string> seen;  // SCAN may name a key twice.
    std::string cursor = "0";
    do {
      std::vector<std::string> keys;
      for (auto& key : next_page(cursor)) {
        if (seen.insert(key).second) keys.push_back(std::move(key));
      }
      if (keys.empty()) continue;
      const auto values = get_all(keys);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (values[i]) visit(keys[i], *values[i]);
      }
    } while (cursor != "0");
  }

  [[nodiscard]] std::size_t size() override {
    std::size_t total = 0;
    scan([&total](std::string_view, const StoredValue&) { ++total; });
    return total;
  }

  [[nodiscard]] StoreHealth health() noexcept override {
    try {
      const auto info = pool_.with([](RedisConnection& connection, SteadyNanos deadline) {
        return connection.call(RedisCommand{"INFO"}, deadline);
      });
      return health_in({info->str, info->type == REDIS_REPLY_STRING ? info->len : 0});
    } catch (const internal::RedisRefusal& refusal) {
      return {true, refusal.what()};  // It answers, if only that it must not tell.
    } catch (const std::exception& error) {
      return {false, error.what()};
    }
  }

  [[nodiscard]] std::optional<BreakerStats> breaker() const noexcept override {
    return pool_.breaker();
  }

 private:
  /// Throws PermanentStoreError if the server will not take the batch tomorrow either.
  static void judge(const internal::RedisRefusal& refusal, std::span<const StoreWrite> batch) {
    constexpr std::string_view kForeign = "FOREIGN ";
    const std::string_view text = refusal.what();
    if (text.find("string exceeds maximum") != std::string_view::npos) {
      throw PermanentStoreError(refusal.what());
    }
    const auto found = text.find(kForeign);
    if (found == std::string_view::npos) return;
    std::vector<std::string> keys;
    std::istringstream places{std::string(text.substr(found + kForeign.size()))};
    for (std::size_t place = 0; places >> place;) {
      if (place >= 1 && place <= batch.size()) keys.push_back(batch[place - 1].key);
    }
    if (keys.empty()) return;
    auto message =
        std::string(text.substr(0, found)) + "key " + internal::shown_key(keys.front()) +
        (keys.size() == 1 ? std::string()
                          : " and " + std::to_string(keys.size() - 1) + " more of a batch") +
        " has a value that is not of this store; choose another prefix, or remove it";
    throw PermanentStoreError(message, std::move(keys));
  }

  [[nodiscard]] std::vector<std::optional<StoredValue>> get_all(std::span<const std::string> keys) {
    std::vector<RedisCommand> commands;
    commands.reserve(keys.size());
    for (const auto& key : keys) commands.push_back({"GET", options_.prefix + key});
    const auto replies = pool_.with([&](RedisConnection& connection, SteadyNanos deadline) {
      return connection.call(commands, deadline);
    });
    std::vector<std::optional<StoredValue>> values;
    values.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) values.push_back(value_in(*replies[i], keys[i]));
    return values;
  }

  /// Some keys, without prefix; moves `cursor`, to "0" after the last.
  [[nodiscard]] std::vector<std::string> next_page(std::string& cursor) {
    const RedisCommand command{"SCAN",  cursor, "MATCH", escaped(options_.prefix) + "*",
                               "COUNT", "1000"};
    const auto reply = pool_.with([&](RedisConnection& connection, SteadyNanos deadline) {
      return connection.call(command, deadline);
    });
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

  /// The script by its digest, which the server keeps it under; by its text where it does not.
  void run_script(RedisConnection& connection, RedisCommand& command, SteadyNanos deadline) {
    try {
      command[0] = "EVALSHA";
      command[1] = digest_of_script(connection, deadline);
      static_cast<void>(connection.call(command, deadline));
    } catch (const internal::RedisRefusal& refusal) {
      // It was restarted, or forgets scripts, or does not let us load one.
      if (std::string_view(refusal.what()).find("NOSCRIPT") == std::string_view::npos) throw;
      command[0] = "EVAL";
      command[1] = kWriteScript;
      static_cast<void>(connection.call(command, deadline));
    }
  }

  /// The same on every server, so one has to tell it only once.
  [[nodiscard]] std::string digest_of_script(RedisConnection& connection, SteadyNanos deadline) {
    {
      const std::lock_guard lock(digest_mutex_);
      if (!digest_.empty()) return digest_;
    }
    RedisReply reply;
    try {
      reply = connection.call(RedisCommand{"SCRIPT", "LOAD", kWriteScript}, deadline);
    } catch (const internal::RedisRefusal&) {
      return "none";  // The server answers this with NOSCRIPT, and then gets the text.
    }
    const std::lock_guard lock(digest_mutex_);
    if (reply->type == REDIS_REPLY_STRING) digest_.assign(reply->str, reply->len);
    return digest_.empty() ? "none" : digest_;
  }

  const RedisStoreOptions options_;
  internal::RedisPool pool_;
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
