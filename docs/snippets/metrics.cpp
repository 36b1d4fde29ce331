// The examples of docs/metrics.md with an endpoint, compiled and run.
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/tarmac.h>

#include <string>

// clang-format off
// [endpoint]
#include <tarmac/observers/prometheus_exporter.h>
#include <tarmac/observers/scrape_endpoint.h>
// [/endpoint]
// clang-format on

namespace {

void serve(tarmac::CacheManager<std::string, int>& cache) {
  // clang-format off
  // [endpoint]
  tarmac::PrometheusExporter exporter;
  auto watch = exporter.watch(cache);               // shown while `watch` lives
  tarmac::ScrapeEndpoint endpoint(exporter);        // http://127.0.0.1:9464/metrics
  // [/endpoint]
  // clang-format on
  EXPECT_EQ(endpoint.url(), "http://127.0.0.1:9464/metrics");
}

TEST(MetricsPage, ServesACache) {
  tarmac::CacheOptions options;
  options.name = "served";
  tarmac::CacheManager<std::string, int> cache(options);
  try {
    serve(cache);
  } catch (const tarmac::ConfigError& error) {
    GTEST_SKIP() << "the address of the example is in use: " << error.what();
  }
}

}  // namespace
