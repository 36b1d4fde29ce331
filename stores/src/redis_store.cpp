#include <hiredis/hiredis.h>
#include <tarmac/core/hash.h>
#include <tarmac/stores/redis_store.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <random>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "redis_connection.h"
#include "stored_row.h"

namespace tarmac {
namespace {

using internal::RedisCommand;
using internal::RedisConnection;
using internal::RedisReply;
using internal::RowView;

// A record: "T1", v or r (value, removal), then 16 hexadecimal digits each of stamp, expiry (0:
// none) and checksum, then the value. Digits of fixed width, which the script compares as text.
constexpr std::string_view kForm = "T1";
constexpr std::size_t kHeadSize = 51;
constexpr std::int64_t kNanosInMilli = 1'000'000;

// KEYS: the keys. ARGV: for each its record, the command that sets its expiry or '', and when.
// Nothing is written before all keys were looked at: an error afterwards would leave half a batch.
constexpr const char* kWriteScript = R"(
local newest, order = {}, {}
for i, key in ipairs(KEYS) do
  local known = newest[key]
  if not known then
    local old = redis.call('GETRANGE', key, 0, 18)
    if old ~= '' and string.sub(old, 1, 2) ~= 'T1' then
      return redis.error_reply('FOREIGN a key has a value that is not of this store')
    end
    known = {stamp = string.sub(old, 4, 19)}
    newest[key] = known
    order[#order + 1] = key
  end
  local stamp = string.sub(ARGV[3 * i - 2], 4, 19)
  if stamp >= known.stamp then known.stamp, known.from = stamp, 3 * i - 2 end
end
for _, key in ipairs(order) do
  local from = newest[key].from
  if from then
    redis.call('SET', key, ARGV[from])
    if ARGV[from + 1] ~= '' then redis.call(ARGV[from + 1], key, ARGV[from + 2]) end
  end
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
  explicit RedisStore(RedisStoreOptions options)
      : options_(std::move(options)), random_(static_cast<std::uint32_t>(random_seed())) {
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
    RedisCommand command{"EVAL", kWriteScript, std::to_string(batch.size())};
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
    static_cast<void>(with_connection([&](RedisConnection& connection, SteadyNanos deadline) {
      return connection.call(command, deadline);
    }));
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
      static_cast<void>(with_connection([](RedisConnection& connection, SteadyNanos deadline) {
        return connection.call(RedisCommand{"PING"}, deadline);
      }));
      return {};
    } catch (const std::exception& error) {
      return {false, error.what()};
    }
  }

 private:
  [[nodiscard]] std::vector<std::optional<StoredValue>> get_all(std::span<const std::string> keys) {
    std::vector<RedisCommand> commands;
    commands.reserve(keys.size());
    for (const auto& key : keys) commands.push_back({"GET", options_.prefix + key});
    const auto replies = with_connection([&](RedisConnection& connection, SteadyNanos deadline) {
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
    const auto reply = with_connection([&](RedisConnection& connection, SteadyNanos deadline) {
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

  /// Holds the connection, of which there is one, for one call.
  class Turn {
   public:
    Turn(RedisStore& store, SteadyNanos deadline) : store_(store) {
      std::unique_lock lock(store.mutex_);
      const bool mine =
          store.clock_.wait_until(lock, store.free_, deadline, [&store] { return !store.taken_; });
      if (!mine) throw StoreError("store redis: other calls kept it busy for all of call_limit");
      store.taken_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      {
        const std::lock_guard lock(store_.mutex_);
        store_.taken_ = false;
      }
      store_.free_.notify_one();
    }

   private:
    RedisStore& store_;
  };

  template <class Work>
  std::invoke_result_t<Work, RedisConnection&, SteadyNanos> with_connection(const Work& work) {
    const auto deadline = deadline_after(clock_.steady_now(), options_.call_limit.count());
    const Turn turn(*this, deadline);
    refuse_while_resting();
    for (;;) {
      const bool reused = connection_ != nullptr;
      try {
        if (!reused) {
          connection_ = std::make_unique<RedisConnection>(options_, clock_, deadline);
        }
        auto result = work(*connection_, deadline);
        failures_ = 0;
        return result;
      } catch (const internal::RedisRefusal&) {
        failures_ = 0;
        throw;
      } catch (const internal::RedisLost& lost) {
        connection_.reset();
        // Closed while nobody used it, most likely. What we send may be sent twice.
        if (reused && clock_.steady_now() < deadline) continue;
        rest(lost.what());
        throw;
      } catch (...) {
        connection_.reset();  // Answers may be on their way that nobody waits for.
        throw;
      }
    }
  }

  void refuse_while_resting() const {
    if (failures_ == 0) return;
    const auto left = rests_until_ - clock_.steady_now();
    if (left <= 0) return;
    throw StoreError(last_failure_ + "; not tried again for " +
                     std::to_string(left / kNanosInMilli + 1) + "ms");
  }

  void rest(const char* why) {
    last_failure_ = why;
    auto pause = options_.retry_initial.count();
    for (std::uint32_t i = 0; i < failures_ && pause < options_.retry_max.count(); ++i) {
      pause = pause > options_.retry_max.count() / 2 ? options_.retry_max.count() : pause * 2;
    }
    ++failures_;
    std::uniform_int_distribution<std::int64_t> half(0, pause / 2);
    rests_until_ = deadline_after(clock_.steady_now(), pause - half(random_));
  }

  const RedisStoreOptions options_;
  /// Not one that a test moves: the kernel waits in real time.
  Clock& clock_ = *system_clock();
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
  /// All below belongs to whoever has the turn.
  std::unique_ptr<RedisConnection> connection_;
  std::uint32_t failures_ = 0;
  SteadyNanos rests_until_ = 0;
  std::string last_failure_;
  std::minstd_rand random_;
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
  options.port = static_cast<std::uint16_t>(port);
  options.db = static_cast<std::uint32_t>(db);
  return std::make_unique<RedisStore>(std::move(options));
}

}  // namespace tarmac
