#include "worker.h"

#include <tarmac/core/error.h>
#include <tarmac/stores/tiered_cache.h>
#include <tarmac/strategies/catalog.h>

#include <iostream>
#include <sstream>
#include <string>

namespace tarmac::tiers_demo {
namespace {

using namespace std::chrono_literals;

TieredOptions options_for(const std::filesystem::path& socket) {
  TieredOptions options;
  options.l1.name = "shared";
  options.l2.server.unix_socket = socket;
  options.l2.server.prefix = "demo:";
  options.l2.server.call_limit = 300ms;
  options.l2.server.retry_initial = 10ms;
  options.l2.server.retry_max = 100ms;
  options.l2.heartbeat = 50ms;
  options.l2.heartbeat_limit = 300ms;
  return options;
}

class Worker {
 public:
  explicit Worker(const std::filesystem::path& socket) : cache_(options_for(socket)) {}

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string key;
    words >> verb >> key;
    try {
      if (verb == "get") return cache_.get(key).value_or("(nothing)");
      if (verb == "read") return read(key, words);
      if (verb == "load") return load(key, words);
      if (verb == "erase") return cache_.erase(key) ? "erased" : "not there";
      if (verb == "heard") return cache_.stats().l2.heard ? "yes" : "no";
      if (verb == "stats") return stats();
      if (verb != "set") return "unknown: " + verb;
      std::string value;
      words >> value;
      cache_.set(key, value);
      return "set";
    } catch (const StoreError&) {
      return "(Redis does not answer)";
    }
  }

 private:
  std::string read(const std::string& key, std::istringstream& words) {
    int times = 0;
    words >> times;
    std::optional<std::string> value;
    for (int i = 0; i < times; ++i) value = cache_.get(key);
    return value.value_or("(nothing)");
  }
  std::string load(const std::string& key, std::istringstream& words) {
    std::string value;
    words >> value;
    return cache_.get_or_load(key, [&] {
      ++source_calls_;
      return value;
    });
  }
  std::string stats() {
    const auto stats = cache_.stats();
    return std::to_string(stats.l1.hits) + " " + std::to_string(stats.l2.round_trips) + " " +
           std::to_string(source_calls_);
  }

  int source_calls_ = 0;
  TieredCache<std::string> cache_;
};

}  // namespace

int run_worker(const std::filesystem::path& socket) {
  Worker worker(socket);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << worker.answer(line) << std::endl;  // At once: somebody waits for it.
  }
  return 0;
}

}  // namespace tarmac::tiers_demo
