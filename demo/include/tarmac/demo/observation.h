// The observers of a program: scrape endpoint and event log, as the cache file asks for them.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/core/cache_base.h>

#include <memory>
#include <string>

namespace tarmac::demo {

/// Opens what `config` names: a part that it leaves out is not opened.
///
/// - Exceptions: the constructor throws ConfigError for an address that cannot be served (or for
///   any, in a program built without Prometheus), and for a file that cannot be written.
/// - Thread-safety: all members may be called from any thread.
class Observation {
 public:
  explicit Observation(const ObserversConfig& config);
  ~Observation();
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

  /// Shows `cache` for as long as the result lives; may be empty. Throws ConfigError if a cache of
  /// that name is shown already.
  [[nodiscard]] std::shared_ptr<void> watch(CacheBase& cache);
  /// Where Prometheus finds the metrics; empty without an endpoint.
  [[nodiscard]] std::string url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarmac::demo
