// Shows caches to Prometheus: every family of metrics, read when Prometheus asks.
#pragma once

#include <tarmac/core/cache_base.h>

#include <memory>
#include <string>

namespace prometheus {
class Collectable;
}

namespace tarmac {

/// Keeps a cache among those that an observer shows, for as long as it lives. May outlive the cache
/// and the observer.
class [[nodiscard]] CacheWatch {
 public:
  CacheWatch() noexcept = default;
  /// Ends the watch early.
  void stop() noexcept { watched_.reset(); }

 private:
  friend class PrometheusExporter;
  explicit CacheWatch(std::shared_ptr<void> watched) noexcept : watched_(std::move(watched)) {}

  /// The other owner is a scrape that is under way.
  std::shared_ptr<void> watched_;
};

/// Turns what caches count into Prometheus metrics. docs/metrics.md lists the families.
///
/// - Cost to the cache: nothing for a hit or a miss. A scrape adds up the counters of each cache,
///   takes no shard lock and does not look at entries. `tarmac_cache_events_total` counts through
///   slots on the rare events only.
/// - Series: only those of what is true now, so that swaps leave no dead ones behind. A cache that
///   is gone, or whose watch has ended, disappears from the next scrape.
/// - Events: after a scrape, metrics_updated on the bus of each cache that has a slot for it. The
///   destructor of the cache waits for those slots; none may destroy the cache, and a scrape made
///   by one shows nothing.
/// - Thread-safety: all members may be called from any thread.
class PrometheusExporter {
 public:
  PrometheusExporter();
  ~PrometheusExporter();
  PrometheusExporter(const PrometheusExporter&) = delete;
  PrometheusExporter& operator=(const PrometheusExporter&) = delete;

  /// Shows `cache` from now on. Throws ConfigError if a living cache of that name is shown already:
  /// the series could not be told apart.
  CacheWatch watch(CacheBase& cache);

  /// For a prometheus::Exposer of one's own, or a push gateway. Its Collect() never throws: what
  /// goes wrong is counted in `tarmac_exporter_errors_total`. Lives on as long as it is held.
  [[nodiscard]] std::shared_ptr<prometheus::Collectable> collectable() const;

  /// What a scrape would get, in the text format. Emits metrics_updated as a scrape does.
  [[nodiscard]] std::string render() const;

 private:
  class Impl;
  /// The other owners hold what collectable() gave them.
  std::shared_ptr<Impl> impl_;
};

}  // namespace tarmac
