// `tarmac demo --serve` as a user and Prometheus meet it: started, scraped, stopped.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "process.h"

namespace tarmac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const char* const kCaches = R"(caches:
  - {name: one, max_entries: 100}
  - {name: two, max_entries: 100, write_policy: write_back, store: memory}
)";

/// What GET /metrics answers on this machine; empty if nobody listens.
std::string scrape(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
    static_cast<void>(send(connection, request.data(), request.size(), MSG_NOSIGNAL));
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto got = recv(connection, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  close(connection);
  return answer;
}

/// The value behind `series`; 0 if it is not there.
double value_of(const std::string& metrics, const std::string& series) {
  const auto at = metrics.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::stod(metrics.substr(at + series.size() + 2));
}

int port_in(const std::string& line) {
  const auto colon = line.rfind(':');
  return colon == std::string::npos ? 0 : std::stoi(line.substr(colon + 1));
}

TEST(Serve, IsScrapedWhileTheLoadGoesOnAndStopsCleanAtSigterm) {
  const TestFile caches(kCaches);
  Process tarmac({"demo", "--serve", "--metrics", "127.0.0.1:0", "--config", caches.path()});
  const auto first = tarmac.read_line();
  ASSERT_THAT(first, StartsWith("metrics: http://127.0.0.1:"));
  const int port = port_in(first);
  // Each scrape takes its time, so this looks again without hurry until the load has done it all.
  std::string metrics;
  do {
    metrics = scrape(port);
    ASSERT_THAT(metrics, HasSubstr("200 OK"));
  } while (value_of(metrics, "tarmac_cache_hits_total{cache=\"one\"}") < 100 ||
           value_of(metrics, "tarmac_cache_misses_total{cache=\"two\"}") < 10 ||
           value_of(metrics, "tarmac_cache_flushed_writes_total{cache=\"two\"}") < 10);

  tarmac.send(SIGTERM);

  EXPECT_EQ(tarmac.wait(), 0) << tarmac.err();
  EXPECT_THAT(tarmac.out(), HasSubstr("stopped after "));
  EXPECT_THAT(tarmac.out(), HasSubstr("two    "));
  EXPECT_EQ(scrape(port), "");
}

TEST(Serve, StopsAtCtrlCAtOnce) {
  const TestFile caches(kCaches);
  Process tarmac({"demo", "--serve", "--metrics", "127.0.0.1:0", "--config", caches.path()});
  ASSERT_THAT(tarmac.read_line(), StartsWith("metrics: "));
  tarmac.send(SIGINT);
  EXPECT_EQ(tarmac.wait(), 0) << tarmac.err();
}

TEST(Serve, WritesTheEventLogThatTheFileAsksFor) {
  const auto log = std::filesystem::temp_directory_path() /
                   ("tarmac-serve-" + std::to_string(getpid()) + ".jsonl");
  const TestFile caches(
      std::string(kCaches) +
      "observers:\n  metrics: {address: \"127.0.0.1:0\"}\n  event_log: {path: \"" + log.string() +
      "\"}\n");
  {
    Process tarmac({"demo", "--serve", "--config", caches.path()});
    ASSERT_THAT(tarmac.read_line(), StartsWith("metrics: http://127.0.0.1:"));
    ASSERT_THAT(tarmac.read_line(), StartsWith("load: "));
    tarmac.send(SIGTERM);
    EXPECT_EQ(tarmac.wait(), 0) << tarmac.err();
  }
  std::ifstream lines(log);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_THAT(line, HasSubstr("\"type\":"));
  EXPECT_THAT(line, HasSubstr("\"cache\":"));
  std::filesystem::remove(log);
}

TEST(Serve, RefusesAnAddressThatIsInUse) {
  const TestFile caches(kCaches);
  Process tarmac({"demo", "--serve", "--metrics", "127.0.0.1:0", "--config", caches.path()});
  const auto address = "127.0.0.1:" + std::to_string(port_in(tarmac.read_line()));
  const auto second = run({"demo", "--serve", "--metrics", address, "--config", caches.path()});
  EXPECT_EQ(second.status, 2);
  EXPECT_THAT(second.err, HasSubstr(address));
  tarmac.send(SIGTERM);
  EXPECT_EQ(tarmac.wait(), 0);
}

}  // namespace
}  // namespace tarmac::cli
