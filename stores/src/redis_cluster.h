// The nodes of a Redis Cluster: which has which slots, and the ways of a request among them.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "redis_servers.h"

namespace tarmac::internal {

/// Finds its nodes by CLUSTER SLOTS, anew when a node sends us elsewhere or is lost. A request that
/// a node does not take is sent to where the node says, a bounded number of times. Each node has a
/// pool, and so a breaker, of its own: what is wrong with one does not keep others' keys from being
/// read.
class RedisCluster final : public RedisServers {
 public:
  using Addresses = std::set<RedisAddress>;
  /// Told of the nodes that keys may be in, before any key is sent to one that is new. Called under
  /// a lock: it must neither wait nor call the cluster.
  using Watch = std::function<void(const Addresses&)>;

  explicit RedisCluster(const RedisStoreOptions& options);

  /// From now on; tells at once what is known. To be called before any other thread knows of this.
  void watch(Watch watch);
  /// Asks one node after the other for the slots until one tells, each time beginning with the
  /// next. Throws StoreError by `deadline`.
  void refresh(SteadyNanos deadline);

  [[nodiscard]] bool is_cluster() const noexcept override { return true; }
  std::size_t call(std::span<RedisRequest> requests, SteadyNanos deadline) override;
  [[nodiscard]] std::vector<std::shared_ptr<RedisNode>> nodes(SteadyNanos deadline) override;
  [[nodiscard]] BreakerStats breaker() const noexcept override;
  [[nodiscard]] std::uint64_t redirects() const noexcept override { return redirects_.load(); }

 private:
  using NodePtr = std::shared_ptr<RedisNode>;  // A call may be under way to one that is dropped.
  /// A request, and where it goes next.
  struct Aim {
    RedisRequest* request;
    NodePtr node;
  };

  /// Throws StoreError if it is not known yet which node has what, and cannot be found out.
  void learn(SteadyNanos deadline);
  void adopt(std::span<const RedisSlotRange> ranges);
  [[nodiscard]] std::vector<Aim> aims_of(std::span<RedisRequest> requests);
  /// Sends them, grouped by node; throws the first failure when all nodes have been asked that
  /// there was time for.
  [[nodiscard]] std::size_t send(std::span<const Aim> aims, SteadyNanos deadline);
  /// Those that were answered with another address.
  [[nodiscard]] std::vector<Aim> redirected(std::span<const Aim> aims);
  [[nodiscard]] NodePtr follow(const RedisRedirect& redirect);

  // These require that mutex_ is held.

  /// Its place in nodes_; made if it is not there.
  [[nodiscard]] std::uint16_t place_of(const RedisAddress& address);
  void tell(Addresses addresses);

  const RedisStoreOptions options_;
  std::vector<NodePtr> seeds_;
  std::atomic<std::uint64_t> redirects_{0};
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<NodePtr> nodes_;
  /// Places in nodes_.
  std::array<std::uint16_t, kRedisSlots> owners_;
  /// What was told last: those that have slots, and those of asked_.
  Addresses watched_;
  /// Nodes that keys are on their way to, until when they count without having slots.
  std::map<RedisAddress, SteadyNanos> asked_;
  bool is_stale_ = true;
  SteadyNanos next_refresh_ = 0;
  std::size_t turn_ = 0;
  /// Of nodes that are gone.
  std::uint64_t opens_before_ = 0;
  Watch watch_;
};

}  // namespace tarmac::internal
