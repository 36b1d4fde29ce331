#include <hiredis/hiredis.h>
#include <tarmac/stores/redis_tier.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "millis.h"
#include "redis_pool.h"
#include "redis_tracker.h"

namespace tarmac {
namespace {

using internal::kNanosInMilli;
using internal::RedisCommand;
using internal::RedisReply;

[[noreturn]] void refuse(const std::string& what) { throw ConfigError("redis tier: " + what); }

RedisTierOptions checked(RedisTierOptions options) {
  const auto& server = options.server;
  if (!server.password_file.empty() && !server.password_env.empty()) {
    refuse("password_file and password_env are both given; keep one");
  }
  if (server.prefix.empty()) refuse("the prefix is empty; its keys are all those of the server");
  if (server.call_limit.count() <= 0) refuse("call_limit must be more than 0");
  if (server.retry_initial.count() <= 0 || server.retry_max < server.retry_initial) {
    refuse("retry_initial must be more than 0, and retry_max no less");
  }
  if (server.connections == 0) refuse("connections must be 1 or more");
  if (options.batch_max == 0) refuse("batch_max must be 1 or more");
  if (options.heartbeat.count() <= 0 || options.heartbeat_limit <= options.heartbeat) {
    refuse("heartbeat must be more than 0, and heartbeat_limit more than that");
  }
  if (options.serve_unheard.count() < 0) refuse("serve_unheard must not be negative");
  return options;
}

[[noreturn]] void refuse_answer() {
  throw StoreError("redis tier: the server's answer is not of the form that was asked for");
}

}  // namespace

class RedisTier::Impl {
 public:
  Impl(RedisTierOptions options, Listener listener)
      : options_(checked(std::move(options))),
        pool_(options_.server),
        tracker_(options_, std::move(listener)) {}

  [[nodiscard]] const RedisTierOptions& options() const noexcept { return options_; }
  [[nodiscard]] const std::atomic<SteadyNanos>& heard_until() const noexcept {
    return tracker_.heard_until();
  }

  [[nodiscard]] std::vector<RedisReply> call(std::span<const RedisCommand> commands) {
    try {
      round_trips_.fetch_add(1, std::memory_order_relaxed);
      return pool_.with([&](internal::RedisConnection& connection, SteadyNanos deadline) {
        return connection.call(commands, deadline);
      });
    } catch (const StoreError&) {
      errors_.fetch_add(1, std::memory_order_relaxed);
      throw;
    }
  }

  void fetch(std::span<const std::string> keys, std::vector<std::optional<Value>>& values) {
    // In one transaction, or a value could get the TTL of the next one.
    std::vector<RedisCommand> commands{{"MULTI"}, {"MGET"}};
    for (const auto& key : keys) commands[1].push_back(options_.server.prefix + key);
    for (const auto& key : keys) commands.push_back({"PTTL", options_.server.prefix + key});
    commands.push_back({"EXEC"});
    const auto replies = call(commands);
    const auto& all = *replies.back();
    if (all.type != REDIS_REPLY_ARRAY || all.elements != keys.size() + 1) refuse_answer();
    const auto& found = *all.element[0];
    if (found.type != REDIS_REPLY_ARRAY || found.elements != keys.size()) refuse_answer();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      values.push_back(value_in(*found.element[i], *all.element[i + 1]));
      (values.back() ? fetched_ : absent_).fetch_add(1, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] RedisCommand set_command(std::string_view key, std::string_view bytes,
                                         std::optional<std::chrono::nanoseconds> ttl) const {
    RedisCommand command{"SET", options_.server.prefix + std::string(key), std::string(bytes)};
    if (ttl) {
      command.emplace_back("PX");
      command.push_back(std::to_string(std::max<std::int64_t>(1, ttl->count() / kNanosInMilli)));
    }
    return command;
  }

  [[nodiscard]] RedisTierStats stats() const {
    RedisTierStats stats;
    stats.fetched = fetched_.load();
    stats.absent = absent_.load();
    stats.round_trips = round_trips_.load();
    stats.errors = errors_.load();
    tracker_.fill(stats);
    return stats;
  }

 private:
  static std::optional<Value> value_in(const redisReply& value, const redisReply& ttl) {
    if (ttl.type != REDIS_REPLY_INTEGER) refuse_answer();
    if (value.type == REDIS_REPLY_NIL) return std::nullopt;
    if (value.type != REDIS_REPLY_STRING) refuse_answer();
    Value found{std::string(value.str, value.len), std::nullopt};
    if (ttl.integer >= 0) found.ttl = std::chrono::milliseconds(ttl.integer);
    return found;
  }

  const RedisTierOptions options_;
  internal::RedisPool pool_;
  std::atomic<std::uint64_t> fetched_{0};
  std::atomic<std::uint64_t> absent_{0};
  std::atomic<std::uint64_t> round_trips_{0};
  std::atomic<std::uint64_t> errors_{0};
  /// The last, so that its thread finds all else.
  internal::RedisTracker tracker_;
};

RedisTier::RedisTier(RedisTierOptions options, Listener listener)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(listener))),
      clock_(*system_clock()),
      heard_until_(&impl_->heard_until()) {}
RedisTier::~RedisTier() = default;

const RedisTierOptions& RedisTier::options() const noexcept { return impl_->options(); }
RedisTierStats RedisTier::stats() const { return impl_->stats(); }

std::vector<std::optional<RedisTier::Value>> RedisTier::fetch(std::span<const std::string> keys) {
  std::vector<std::optional<Value>> values;
  values.reserve(keys.size());
  while (!keys.empty()) {
    const auto batch = std::min<std::size_t>(keys.size(), options().batch_max);
    impl_->fetch(keys.first(batch), values);
    keys = keys.subspan(batch);
  }
  return values;
}

void RedisTier::store(std::string_view key, std::string_view bytes,
                      std::optional<std::chrono::nanoseconds> ttl) {
  const auto command = impl_->set_command(key, bytes, ttl);
  static_cast<void>(impl_->call(std::span(&command, 1)));
}

bool RedisTier::store_if_absent(std::string_view key, std::string_view bytes,
                                std::optional<std::chrono::nanoseconds> ttl) {
  auto command = impl_->set_command(key, bytes, ttl);
  command.emplace_back("NX");
  return impl_->call(std::span(&command, 1)).front()->type != REDIS_REPLY_NIL;
}

bool RedisTier::remove(std::string_view key) {
  const RedisCommand command{"DEL", options().server.prefix + std::string(key)};
  return impl_->call(std::span(&command, 1)).front()->integer != 0;
}

std::vector<ExtraFigure> internal::tier_figures(const RedisTierStats& stats) {
  const auto figure = [](const char* name, const char* help, double value) {
    return ExtraFigure{std::string("tarmac_cache_") + name, help, true, value, {}};
  };
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    return figure(name, help, static_cast<double>(value));
  };
  std::vector<ExtraFigure> all{
      count("l2_round_trips_total", "Times the second tier was asked.", stats.round_trips),
      count("l2_errors_total", "Times it did not answer, or refused.", stats.errors),
      figure("l1_unheard_seconds_total", "Time in which changes were not heard of.",
             stats.unheard_seconds)};
  const auto labelled = [&](const char* name, const char* help, const char* label,
                            std::initializer_list<std::pair<const char*, std::uint64_t>> values) {
    for (const auto& [word, value] : values) {
      all.push_back(count(name, help, value));
      all.back().labels.emplace_back(label, word);
    }
  };
  labelled("l2_fetches_total", "Keys that the second tier was asked for.", "result",
           {{"found", stats.fetched}, {"absent", stats.absent}});
  labelled("l1_invalidations_total", "Changes heard of, by what changed or went wrong.", "cause",
           {{"key", stats.key_invalidations},
            {"flush", stats.flush_invalidations},
            {"lost", stats.lost_invalidations},
            {"malformed", stats.malformed_invalidations}});
  all.push_back({"tarmac_cache_l1_heard",
                 "1 while changes are heard of, else 0.",
                 false,
                 stats.heard ? 1.0 : 0.0,
                 {}});
  return all;
}

}  // namespace tarmac
