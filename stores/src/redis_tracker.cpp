#include "redis_tracker.h"

#include <hiredis/hiredis.h>
#include <tarmac/core/hash.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tarmac::internal {
namespace {

constexpr std::string_view kChannel = "__redis__:invalidate";
/// How long the end of the thread may have to wait for a silent server.
constexpr std::int64_t kSlice = 20'000'000;

bool is_text(const redisReply& reply, std::string_view text) {
  const bool has_text = reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS;
  return has_text && std::string_view(reply.str, reply.len) == text;
}

}  // namespace

RedisTracker::RedisTracker(const RedisTierOptions& options, RedisTier::Listener listener,
                           std::function<void()> on_heard)
    : options_(options),
      listener_(std::move(listener)),
      on_heard_(std::move(on_heard)),
      lost_at_(clock_.steady_now()),
      random_(static_cast<std::uint32_t>(random_seed())),
      thread_([this] { run(); }) {}

RedisTracker::~RedisTracker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

bool RedisTracker::stops() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

bool RedisTracker::pause_until(SteadyNanos deadline) {
  std::unique_lock lock(mutex_);
  return clock_.wait_until(lock, stopped_, deadline, [this] { return stop_; });
}

void RedisTracker::run() {
  const auto longest = options_.server.retry_max.count();
  auto pause = options_.server.retry_initial.count();
  for (;;) {
    const auto heard = heartbeats_.load();
    if (serve_until_lost()) return;
    pause = heartbeats_.load() > heard ? options_.server.retry_initial.count()
                                       : std::min(longest, 2 * pause);
    std::uniform_int_distribution<std::int64_t> half(0, pause / 2);
    if (pause_until(deadline_after(clock_.steady_now(), pause - half(random_)))) return;
  }
}

bool RedisTracker::serve_until_lost() {
  try {
    serve();
    return true;
  } catch (const StoreError&) {
    note_loss();  // The figures tell; whoever fetches a value hears the reason.
    return false;
  }
}

void RedisTracker::serve() {
  const auto now = clock_.steady_now();
  const auto deadline = deadline_after(now, options_.server.call_limit.count());
  RedisConnection connection(options_.server, clock_, deadline);
  subscribe(connection);
  // What was kept before has missed changes; what is fetched from now on has not.
  set_heard_until(0);
  forget_all(by_loss_);
  unheard_nanoseconds_ += clock_.steady_now() - lost_at_.exchange(0);
  set_heard_until(deadline_after(now, options_.heartbeat_limit.count()));
  listen(connection);
}

void RedisTracker::subscribe(RedisConnection& connection) {
  const auto deadline = deadline_after(clock_.steady_now(), options_.server.call_limit.count());
  const auto id = connection.call(RedisCommand{"CLIENT", "ID"}, deadline);
  if (id->type != REDIS_REPLY_INTEGER) throw RedisLost("redis: its answer to CLIENT ID is none");
  static_cast<void>(connection.call(
      RedisCommand{"CLIENT", "TRACKING", "ON", "REDIRECT", std::to_string(id->integer), "BCAST",
                   "PREFIX", options_.server.prefix},
      deadline));
  static_cast<void>(connection.call(RedisCommand{"SUBSCRIBE", std::string(kChannel)}, deadline));
}

void RedisTracker::listen(RedisConnection& connection) {
  auto alive_at = clock_.steady_now();
  SteadyNanos asked_at = 0;  // 0: no PING is under way.
  SteadyNanos next_ping = alive_at;
  while (!stops()) {
    const auto now = clock_.steady_now();
    if (now >= deadline_after(alive_at, options_.heartbeat_limit.count())) {
      throw RedisLost("redis: the invalidation channel does not answer");
    }
    if (asked_at == 0 && now >= next_ping) {
      connection.post(RedisCommand{"PING"}, deadline_after(now, options_.heartbeat_limit.count()));
      asked_at = now;
      next_ping = deadline_after(now, options_.heartbeat.count());
    }
    const auto said = connection.receive(
        std::min(deadline_after(now, kSlice), asked_at == 0 ? next_ping : kNever));
    if (!said || !handle(*said)) continue;
    // All that was said before the answer has been heard: the state of when it was asked for.
    alive_at = asked_at;
    asked_at = 0;
    set_heard_until(deadline_after(alive_at, options_.heartbeat_limit.count()));
    ++heartbeats_;
  }
}

bool RedisTracker::handle(const redisReply& said) {
  if (said.type == REDIS_REPLY_ARRAY && said.elements >= 1 && is_text(*said.element[0], "pong")) {
    return true;
  }
  if (said.type == REDIS_REPLY_ARRAY && said.elements == 3 &&
      is_text(*said.element[0], "message") && is_text(*said.element[1], kChannel)) {
    handle_changes(*said.element[2]);
  } else {
    forget_all(by_malformed_);
  }
  return false;
}

void RedisTracker::handle_changes(const redisReply& payload) {
  if (payload.type == REDIS_REPLY_NIL) {
    forget_all(by_flush_);
    return;
  }
  const auto keys = payload.type == REDIS_REPLY_ARRAY ? std::span(payload.element, payload.elements)
                                                      : std::span<redisReply*>();
  const auto is_key = [this](const redisReply* one) {
    return one->type == REDIS_REPLY_STRING &&
           std::string_view(one->str, one->len).starts_with(options_.server.prefix);
  };
  // Anybody may publish on this channel: what is not a list of our keys may mean anything.
  if (keys.empty() || !std::all_of(keys.begin(), keys.end(), is_key)) {
    forget_all(by_malformed_);
    return;
  }
  for (const auto* one : keys) {
    listener_.on_changed(
        std::string_view(one->str, one->len).substr(options_.server.prefix.size()));
    ++by_key_;
  }
}

void RedisTracker::forget_all(std::atomic<std::uint64_t>& cause) {
  listener_.on_all_changed();
  ++cause;
}

void RedisTracker::note_loss() {
  const auto now = clock_.steady_now();
  if (lost_at_.load() != 0) return;  // It was not there.
  lost_at_.store(now);
  if (options_.serve_unheard.count() > 0) {
    set_heard_until(deadline_after(now, options_.serve_unheard.count()));
    return;
  }
  set_heard_until(0);
  forget_all(by_loss_);
}

void RedisTracker::set_heard_until(SteadyNanos until) {
  heard_until_.store(until, std::memory_order_release);
  if (on_heard_) on_heard_();
}

void RedisTracker::fill(RedisTierStats& stats) const {
  stats.key_invalidations = by_key_.load();
  stats.flush_invalidations = by_flush_.load();
  stats.lost_invalidations = by_loss_.load();
  stats.malformed_invalidations = by_malformed_.load();
  stats.heartbeats = heartbeats_.load();
  stats.heard = clock_.coarse_now() < heard_until_.load();
  auto unheard = unheard_nanoseconds_.load();
  if (const auto lost_at = lost_at_.load(); lost_at != 0) unheard += clock_.steady_now() - lost_at;
  stats.unheard_seconds = static_cast<double>(unheard) * 1e-9;
}

}  // namespace tarmac::internal
