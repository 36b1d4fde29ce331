// The invalidation channels of a Redis Cluster: one for each node that has keys.
#pragma once

#include <map>
#include <memory>

#include "redis_cluster.h"
#include "redis_tracker.h"

namespace tarmac::internal {

/// Values that are kept may be used as long as all channels are heard, for one key's node is not
/// known from looking it up here. When the set of nodes changes, all is forgotten, and the channels
/// of new nodes are heard before anything is used again. A thread asks for the set now and then, so
/// that a node which has lost its keys to another in silence is found out.
class RedisClusterTracker final : public RedisChannel {
 public:
  /// `cluster` must outlive it, and be used by nobody before it is made.
  RedisClusterTracker(const RedisTierOptions& options, RedisTier::Listener listener,
                      RedisCluster& cluster);
  ~RedisClusterTracker() override;

  [[nodiscard]] const std::atomic<SteadyNanos>& heard_until() const noexcept override {
    return heard_until_;
  }
  void fill(RedisTierStats& stats) const override;

 private:
  struct Channel {
    std::unique_ptr<RedisTracker> tracker;
    /// Its heartbeats when the set of nodes last changed.
    std::uint64_t rounds_before = 0;
  };

  void run();
  void follow_cluster();
  /// Makes channels for nodes that have none, and ends those of nodes that are gone.
  void adjust();
  [[nodiscard]] RedisTierOptions options_for(const RedisAddress& address) const;
  /// Until when all are heard, now that one of them has changed.
  void combine();

  // These require that mutex_ is held.

  void set_heard_until(SteadyNanos until, bool is_whole);
  /// Heartbeats that every channel has had since the set of nodes last changed.
  [[nodiscard]] std::uint64_t rounds() const;

  const RedisTierOptions options_;
  const RedisTier::Listener listener_;
  RedisCluster& cluster_;
  Clock& clock_ = *system_clock();
  std::atomic<SteadyNanos> heard_until_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  RedisCluster::Addresses wanted_;
  /// wanted_ has changed, and not all of it is done.
  bool is_pending_ = false;
  std::map<RedisAddress, Channel> trackers_;
  /// What the channels told that are gone.
  RedisTierStats before_;
  SteadyNanos lost_at_;
  std::int64_t unheard_nanoseconds_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tarmac::internal
