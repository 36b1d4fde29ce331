// The whole way: a real Prometheus server scrapes the endpoint and computes a hit ratio.
#include <gtest/gtest.h>
#include <tarmac/core/clock.h>
#include <tarmac/observers/scrape_endpoint.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "http_client.h"
#include "scripted_cache.h"

namespace tarmac {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Lets a process that starts or ends have a moment, without a sleep that could be too short: the
/// caller asks again until its deadline.
void give_way() { ::poll(nullptr, 0, 50); }

bool is_past(SteadyNanos deadline) { return system_clock()->steady_now() >= deadline; }

/// A program of this machine, ended with the object.
class Child {
 public:
  Child(std::vector<std::string> arguments, const std::filesystem::path& log) {
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawnp(&process_, pointers[0], &actions, nullptr, pointers.data(), environ) != 0) {
      process_ = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Child() {
    if (process_ < 0) return;
    ::kill(process_, SIGTERM);
    const auto deadline = system_clock()->steady_now() + 20 * kSecond;
    while (!has_ended()) {
      if (is_past(deadline)) ::kill(process_, SIGKILL);
      give_way();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] bool started() const noexcept { return process_ >= 0; }
  [[nodiscard]] bool has_ended() {
    if (process_ >= 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = -1;
    return process_ < 0;
  }

 private:
  pid_t process_ = -1;
};

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class Folder {
 public:
  Folder()
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("tarmac_prometheus_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

// Method: 3 hits, 1 miss; the ratio of the counters in PromQL has to become 0.75, and the server
// has to call the target healthy.
TEST(PrometheusServer, ComputesTheHitRatioOfAScrapedCache) {
  ScriptedCache cache("shown");
  Stats stats;
  stats.hits = 3;
  stats.misses = 1;
  cache.set_stats(stats);
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const ScrapeEndpoint endpoint(exporter, {.address = "127.0.0.1:0"});

  const Folder folder;
  const auto config = folder.path() / "prometheus.yml";
  const auto log = folder.path() / "log";
  std::ofstream(config) << "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\n"
                           "scrape_configs:\n"
                           "  - job_name: tarmac\n"
                           "    static_configs: [{targets: ['127.0.0.1:"
                        << endpoint.port() << "']}]\n";
  const int port = free_port();
  ASSERT_NE(port, 0);
  Child server({"prometheus", "--config.file=" + config.string(),
                "--storage.tsdb.path=" + (folder.path() / "data").string(),
                "--web.listen-address=127.0.0.1:" + std::to_string(port), "--log.level=warn"},
               log);
  ASSERT_TRUE(server.started()) << "is the package prometheus installed?";

  const std::string ratio =
      "/api/v1/query?query=tarmac_cache_hits_total/"
      "(tarmac_cache_hits_total%2Btarmac_cache_misses_total)";
  const auto deadline = system_clock()->steady_now() + 60 * kSecond;
  std::string body;
  while (body.find("\"0.75\"") == std::string::npos) {
    ASSERT_FALSE(server.has_ended()) << text_of(log);
    ASSERT_FALSE(is_past(deadline)) << "the last answer: " << body << "\n" << text_of(log);
    give_way();
    body = http_get(port, ratio).body;
  }
  EXPECT_NE(body.find("\"cache\":\"shown\""), std::string::npos) << body;
  const auto up = http_get(port, "/api/v1/query?query=up").body;
  EXPECT_NE(up.find("\"1\""), std::string::npos) << up;
}

}  // namespace
}  // namespace tarmac
