// The HTTP endpoint that Prometheus scrapes.
#pragma once

#include <tarmac/observers/prometheus_exporter.h>

#include <chrono>
#include <memory>
#include <string>

namespace tarmac {

struct ScrapeEndpointOptions {
  /// `address:port` or just a port, which means this machine only. IPv4, since the server that
  /// prometheus-cpp brings along knows no other. Port 0 takes a free one.
  std::string address = "127.0.0.1:9464";
  /// Without it, an address that other machines can reach is refused: the metrics are served
  /// without a password and without TLS.
  bool allow_remote = false;
  unsigned num_threads = 4;
  /// How long a client may take to send its request.
  std::chrono::milliseconds request_timeout{2'000};
};

/// Serves the metrics of an exporter under `/metrics` until it is destroyed. It never serves files.
///
/// - Ownership: shares the exporter's metrics, so either may be destroyed first.
/// - Thread-safety: port() and url() may be called from any thread. Serves in threads of its own.
/// - Exceptions: the constructor throws ConfigError, saying what to do, for options that cannot
///   work and for an address that is in use or not of this machine.
class ScrapeEndpoint {
 public:
  explicit ScrapeEndpoint(const PrometheusExporter& exporter,
                          const ScrapeEndpointOptions& options = {});
  /// Waits for the scrapes under way, and up to 2 seconds for the server, which looks that often
  /// whether it is to stop. Requires: not called by a slot of metrics_updated.
  ~ScrapeEndpoint();
  ScrapeEndpoint(const ScrapeEndpoint&) = delete;
  ScrapeEndpoint& operator=(const ScrapeEndpoint&) = delete;

  /// The port in use, also when 0 was asked for.
  [[nodiscard]] int port() const noexcept;
  /// For example `http://127.0.0.1:9464/metrics`.
  [[nodiscard]] std::string url() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarmac
