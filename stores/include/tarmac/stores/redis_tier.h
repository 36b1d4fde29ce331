// Redis as a second tier that many processes share: values, and word of every change of them.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/extra_figures.h>
#include <tarmac/stores/redis_store.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

struct RedisTierOptions {
  /// Server, prefix, connections, call_limit and pauses. All keys below the prefix are the tier's:
  /// no two tiers of one process may have prefixes of which one begins the other.
  RedisStoreOptions server;
  /// How often the invalidation channel is asked whether it lives, and how long its last answer
  /// counts. No value in this process is older than the latter and what the server took.
  std::chrono::nanoseconds heartbeat = std::chrono::milliseconds(500);
  std::chrono::nanoseconds heartbeat_limit = std::chrono::seconds(1);
  /// How long values of this process may be returned after the channel was lost. 0: not at all.
  std::chrono::nanoseconds serve_unheard{0};
  /// Keys in one round trip; of a cluster, in one to each node that has some of them.
  std::uint32_t batch_max = 32;
};

/// A reading of the figures of a tier; the counters never fall.
struct RedisTierStats {
  std::uint64_t fetched = 0;
  std::uint64_t absent = 0;
  std::uint64_t round_trips = 0;
  std::uint64_t errors = 0;
  /// Times a node of a cluster sent us to another.
  std::uint64_t redirects = 0;
  /// By cause: a key changed, the server was emptied, the channel was lost or made anew, or said
  /// what is not understood.
  std::uint64_t key_invalidations = 0;
  std::uint64_t flush_invalidations = 0;
  std::uint64_t lost_invalidations = 0;
  std::uint64_t malformed_invalidations = 0;
  /// Answered by the server; by each node of a cluster.
  std::uint64_t heartbeats = 0;
  double unheard_seconds = 0;
  bool heard = false;
};

namespace internal {
/// `stats` as observers show them.
[[nodiscard]] std::vector<ExtraFigure> tier_figures(const RedisTierStats& stats);
}  // namespace internal

/// The values of a Redis server, or of a cluster, and its invalidation channel (CLIENT TRACKING
/// with BCAST, which costs the server no memory for each key). What TieredCache is made with; a
/// program that keeps values in a way of its own may use it, too.
///
/// - Thread-safety: all members may be called from any thread.
/// - Exceptions: ConfigError for what cannot work; StoreError within `call_limit`. The server need
///   not answer yet.
class RedisTier {
 public:
  /// Called by a thread of the tier, or one for each node of a cluster at the same time, which
  /// reads on only after they return: they must not wait for this tier, nor throw. Whoever is in
  /// the middle of fetching a key that is named must not keep what it gets.
  struct Listener {
    std::function<void(std::string_view key)> on_changed;
    std::function<void()> on_all_changed;
  };
  struct Value {
    std::string bytes;
    /// Left of its TTL when it was asked for; empty for ever.
    std::optional<std::chrono::nanoseconds> ttl;
  };

  RedisTier(RedisTierOptions options, Listener listener);
  RedisTier(const RedisTier&) = delete;
  RedisTier& operator=(const RedisTier&) = delete;
  /// No call may be under way.
  ~RedisTier();

  /// Whether all changes up to heartbeat_limit ago have been heard of: what is kept may be used.
  [[nodiscard]] bool is_heard() const noexcept {
    return clock_.coarse_now() < heard_until_->load(std::memory_order_acquire);
  }
  /// In the order of `keys`, `batch_max` in a round trip, each value with its TTL of that moment.
  [[nodiscard]] std::vector<std::optional<Value>> fetch(std::span<const std::string> keys);
  void store(std::string_view key, std::string_view bytes,
             std::optional<std::chrono::nanoseconds> ttl);
  /// Only if there is no value; whether it was stored.
  bool store_if_absent(std::string_view key, std::string_view bytes,
                       std::optional<std::chrono::nanoseconds> ttl);
  /// Whether there was a value.
  bool remove(std::string_view key);
  [[nodiscard]] RedisTierStats stats() const;
  [[nodiscard]] const RedisTierOptions& options() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  /// Each hit asks: the way there is short.
  const Clock& clock_;
  const std::atomic<SteadyNanos>* heard_until_;
};

}  // namespace tarmac
