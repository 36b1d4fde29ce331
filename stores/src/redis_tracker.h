// The invalidation channel of a Redis server: one connection, and the thread that reads it.
#pragma once

#include <tarmac/stores/redis_tier.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "redis_connection.h"

namespace tarmac::internal {

/// Where word of changes comes from: one server, or all nodes of a cluster.
/// Thread-safety: all members may be called from any thread.
class RedisChannel {
 public:
  RedisChannel() = default;
  RedisChannel(const RedisChannel&) = delete;
  RedisChannel& operator=(const RedisChannel&) = delete;
  virtual ~RedisChannel() = default;

  /// Until when values that are kept may be used; 0 while the channel is down.
  [[nodiscard]] virtual const std::atomic<SteadyNanos>& heard_until() const noexcept = 0;
  virtual void fill(RedisTierStats& stats) const = 0;
};

/// Subscribes to every change below the prefix, on a connection that tracks and listens at once: if
/// it lives, so does the tracking. A PING now and then proves that all that was said before it has
/// been heard.
class RedisTracker final : public RedisChannel {
 public:
  /// `on_heard`, if any, is called whenever heard_until() has changed, by the thread that reads.
  RedisTracker(const RedisTierOptions& options, RedisTier::Listener listener,
               std::function<void()> on_heard = nullptr);
  ~RedisTracker() override;

  [[nodiscard]] const std::atomic<SteadyNanos>& heard_until() const noexcept override {
    return heard_until_;
  }
  /// Whether changes are heard of; not so while old values may be used for want of that.
  [[nodiscard]] bool is_subscribed() const noexcept { return lost_at_.load() == 0; }
  void fill(RedisTierStats& stats) const override;

 private:
  void run();
  /// False if the channel was lost, true if it is to stop.
  [[nodiscard]] bool serve_until_lost();
  /// Returns only when it is to stop; throws StoreError when the channel is lost.
  void serve();
  void subscribe(RedisConnection& connection);
  void listen(RedisConnection& connection);
  /// True for the answer to a PING.
  [[nodiscard]] bool handle(const redisReply& said);
  void handle_changes(const redisReply& payload);
  void forget_all(std::atomic<std::uint64_t>& cause);
  void note_loss();
  void set_heard_until(SteadyNanos until);
  /// Waits until `deadline` or the end; true for the end.
  bool pause_until(SteadyNanos deadline);
  [[nodiscard]] bool stops();

  const RedisTierOptions options_;
  const RedisTier::Listener listener_;
  const std::function<void()> on_heard_;
  Clock& clock_ = *system_clock();
  std::atomic<SteadyNanos> heard_until_{0};
  std::atomic<SteadyNanos> lost_at_;
  std::atomic<std::int64_t> unheard_nanoseconds_{0};
  std::atomic<std::uint64_t> by_key_{0};
  std::atomic<std::uint64_t> by_flush_{0};
  std::atomic<std::uint64_t> by_loss_{0};
  std::atomic<std::uint64_t> by_malformed_{0};
  std::atomic<std::uint64_t> heartbeats_{0};
  std::minstd_rand random_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tarmac::internal
