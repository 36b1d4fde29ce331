#include <hiredis/hiredis.h>
#include <tarmac/stores/redis_tier.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "millis.h"
#include "redis_cluster_tracker.h"
#include "redis_servers.h"
#include "redis_tracker.h"

namespace tarmac {
namespace {

using internal::kNanosInMilli;
using internal::RedisCommand;
using internal::RedisReply;
using internal::RedisRequest;

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
  Impl(RedisTierOptions options, Listener listener) : options_(checked(std::move(options))) {
    if (options_.server.cluster.empty()) {
      servers_ = internal::make_redis_servers(options_.server);
      channel_ = std::make_unique<internal::RedisTracker>(options_, std::move(listener));
    } else {
      auto cluster = std::make_unique<internal::RedisCluster>(options_.server);
      auto& nodes = *cluster;
      servers_ = std::move(cluster);
      channel_ =
          std::make_unique<internal::RedisClusterTracker>(options_, std::move(listener), nodes);
    }
  }

  [[nodiscard]] const RedisTierOptions& options() const noexcept { return options_; }
  [[nodiscard]] const std::atomic<SteadyNanos>& heard_until() const noexcept {
    return channel_->heard_until();
  }

  void call(std::span<RedisRequest> requests) {
    try {
      round_trips_.fetch_add(1, std::memory_order_relaxed);
      const auto trips = servers_->call(requests, servers_->deadline());
      round_trips_.fetch_add(trips - 1, std::memory_order_relaxed);
      for (const auto& one : requests) must_be_granted(one);
    } catch (const StoreError&) {
      errors_.fetch_add(1, std::memory_order_relaxed);
      throw;
    }
  }

  /// The answer to one command on `key`.
  [[nodiscard]] RedisReply call(std::string_view key, RedisCommand command) {
    RedisRequest request{servers_->slot_of(options_.server.prefix, key), {}};
    request.commands.push_back(std::move(command));
    call(std::span(&request, 1));
    return std::move(request.replies.front());
  }

  void fetch(std::span<const std::string> keys, std::vector<std::optional<Value>>& values) {
    // Of a cluster each key by itself: one command must not have keys of two slots, nor, while a
    // slot is on its way to another node, several keys of that one.
    const auto each = servers_->is_cluster() ? std::size_t{1} : keys.size();
    std::vector<RedisRequest> requests;
    requests.reserve(keys.size() / each);
    for (std::size_t i = 0; i < keys.size(); i += each) {
      requests.push_back(fetch_of(keys.subspan(i, each)));
    }
    call(requests);
    for (const auto& one : requests) take(*one.replies.back(), each, values);
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
    stats.redirects = servers_->redirects();
    channel_->fill(stats);
    return stats;
  }

 private:
  [[nodiscard]] RedisRequest fetch_of(std::span<const std::string> keys) const {
    const auto& prefix = options_.server.prefix;
    // In one transaction, or a value could get the TTL of the next one.
    RedisRequest request{servers_->slot_of(prefix, keys.front()), {{"MULTI"}, {"MGET"}}};
    for (const auto& key : keys) request.commands[1].push_back(prefix + key);
    for (const auto& key : keys) request.commands.push_back({"PTTL", prefix + key});
    request.commands.push_back({"EXEC"});
    return request;
  }
  /// From the answer to EXEC.
  void take(const redisReply& all, std::size_t keys, std::vector<std::optional<Value>>& values) {
    if (all.type != REDIS_REPLY_ARRAY || all.elements != keys + 1) refuse_answer();
    const auto& found = *all.element[0];
    if (found.type != REDIS_REPLY_ARRAY || found.elements != keys) refuse_answer();
    for (std::size_t i = 0; i < keys; ++i) {
      values.push_back(value_in(*found.element[i], *all.element[i + 1]));
      (values.back() ? fetched_ : absent_).fetch_add(1, std::memory_order_relaxed);
    }
  }
  static std::optional<Value> value_in(const redisReply& value, const redisReply& ttl) {
    if (ttl.type != REDIS_REPLY_INTEGER) refuse_answer();
    if (value.type == REDIS_REPLY_NIL) return std::nullopt;
    if (value.type != REDIS_REPLY_STRING) refuse_answer();
    Value found{std::string(value.str, value.len), std::nullopt};
    if (ttl.integer >= 0) found.ttl = std::chrono::milliseconds(ttl.integer);
    return found;
  }

  const RedisTierOptions options_;
  std::unique_ptr<internal::RedisServers> servers_;
  std::atomic<std::uint64_t> fetched_{0};
  std::atomic<std::uint64_t> absent_{0};
  std::atomic<std::uint64_t> round_trips_{0};
  std::atomic<std::uint64_t> errors_{0};
  /// The last, so that its threads find all else.
  std::unique_ptr<internal::RedisChannel> channel_;
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
  static_cast<void>(impl_->call(key, impl_->set_command(key, bytes, ttl)));
}

bool RedisTier::store_if_absent(std::string_view key, std::string_view bytes,
                                std::optional<std::chrono::nanoseconds> ttl) {
  auto command = impl_->set_command(key, bytes, ttl);
  command.emplace_back("NX");
  return impl_->call(key, std::move(command))->type != REDIS_REPLY_NIL;
}

bool RedisTier::remove(std::string_view key) {
  return impl_->call(key, {"DEL", options().server.prefix + std::string(key)})->integer != 0;
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
      count("l2_redirects_total", "Times a node of a cluster sent us to another.", stats.redirects),
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
