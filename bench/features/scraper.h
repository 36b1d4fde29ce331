// A thread that asks for the metrics of a cache again and again.
#pragma once

#include <tarmac/core/cache_base.h>
#include <tarmac/observers/prometheus_exporter.h>
#include <tarmac/observers/scrape_endpoint.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

namespace tarmac::bench {

/// Scrapes while it is started. Its endpoint listens all the time: opening and closing it is not
/// what is measured.
class Scraper {
 public:
  enum class By : std::uint8_t {
    http,    ///< a request over a socket, once a second, as Prometheus does
    render,  ///< in a tight loop, which nothing slows down but the exporter
  };

  explicit Scraper(By by);
  ~Scraper() { stop(); }
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  void start(CacheBase& cache);
  void stop();
  /// How many there were, and how many of them were not answered. Requires: stopped.
  [[nodiscard]] std::uint64_t scrapes() const { return scrapes_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  void run();
  void scrape();
  [[nodiscard]] bool wait_for_next();

  By by_;
  PrometheusExporter exporter_;
  std::optional<ScrapeEndpoint> endpoint_;
  CacheWatch watch_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::uint64_t scrapes_ = 0;
  std::uint64_t failures_ = 0;
  std::thread thread_;
};

}  // namespace tarmac::bench
