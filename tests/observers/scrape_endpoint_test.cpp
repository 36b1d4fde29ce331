// The scrape endpoint over real sockets on the loopback.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/observers/scrape_endpoint.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "http_client.h"
#include "scripted_cache.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ScrapeEndpoint, ServesTheMetricsOfTheMoment) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const ScrapeEndpoint endpoint(exporter, {.address = "127.0.0.1:0"});
  ASSERT_GT(endpoint.port(), 0);
  EXPECT_EQ(endpoint.url(), "http://127.0.0.1:" + std::to_string(endpoint.port()) + "/metrics");
  for (std::uint64_t hits : {0U, 5U, 6U}) {
    Stats stats;
    stats.hits = hits;
    cache.set_stats(stats);
    const auto answer = http_get(endpoint.port(), "/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.head, HasSubstr("text/plain"));
    EXPECT_THAT(answer.body,
                HasSubstr("tarmac_cache_hits_total{cache=\"c\"} " + std::to_string(hits) + "\n"));
  }
}

TEST(ScrapeEndpoint, ServesNothingElse) {
  PrometheusExporter exporter;
  const ScrapeEndpoint endpoint(exporter, {.address = "0"});
  for (const char* path :
       {"/", "/index.html", "/../etc/passwd", "/%2e%2e/etc/passwd", "/etc/passwd"}) {
    const auto answer = http_get(endpoint.port(), path);
    EXPECT_GE(answer.status, 400) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("root:"))) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    EXPECT_GE(http_request(endpoint.port(), method, "/metrics").status, 400) << method;
  }
}

TEST(ScrapeEndpoint, TakesABarePortForThisMachineOnly) {
  PrometheusExporter exporter;
  const ScrapeEndpoint endpoint(exporter, {.address = "0"});
  EXPECT_THAT(endpoint.url(), HasSubstr("//127.0.0.1:"));
  EXPECT_EQ(http_get(endpoint.port(), "/metrics").status, 200);
}

TEST(ScrapeEndpoint, SurvivesItsExporterAndItsCaches) {
  std::optional<PrometheusExporter> exporter(std::in_place);
  auto cache = std::make_optional<ScriptedCache>("c");
  const auto watch = exporter->watch(*cache);
  const ScrapeEndpoint endpoint(*exporter, {.address = "127.0.0.1:0"});
  exporter.reset();
  EXPECT_THAT(http_get(endpoint.port(), "/metrics").body, HasSubstr("cache=\"c\""));
  cache.reset();
  const auto answer = http_get(endpoint.port(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, Not(HasSubstr("cache=\"c\"")));
}

TEST(ScrapeEndpoint, SaysWhatToDoWhenThePortIsInUse) {
  PrometheusExporter exporter;
  const ScrapeEndpoint first(exporter, {.address = "127.0.0.1:0"});
  try {
    const ScrapeEndpoint second(exporter, {.address = std::to_string(first.port())});
    FAIL() << "two servers on one port";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("in use"));
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(first.port())));
  }
}

TEST(ScrapeEndpoint, ListensToOtherMachinesOnlyWhenAsked) {
  PrometheusExporter exporter;
  try {
    const ScrapeEndpoint endpoint(exporter, {.address = "0.0.0.0:0"});
    FAIL() << "open to everybody";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("allow_remote"));
  }
  const ScrapeEndpoint asked(exporter, {.address = "0.0.0.0:0", .allow_remote = true});
  EXPECT_EQ(http_get(asked.port(), "/metrics").status, 200);
}

TEST(ScrapeEndpoint, RefusesWhatIsNoAddress) {
  PrometheusExporter exporter;
  for (const char* address :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1",
        "127.0.0.1:1s", "1,2", "127.0.0.1:0,0.0.0.0:0", "[::1]:0", "256.0.0.1:0", "1.2.3:0",
        "example.org:0", "127.0.0.1 :0"}) {
    EXPECT_THROW(ScrapeEndpoint(exporter, {.address = address}), ConfigError) << address;
  }
  EXPECT_THROW(ScrapeEndpoint(exporter, {.address = "0", .num_threads = 0}), ConfigError);
  EXPECT_THROW(ScrapeEndpoint(exporter, {.address = "0", .request_timeout = 0ms}), ConfigError);
}

}  // namespace
}  // namespace tarmac
