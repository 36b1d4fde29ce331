// The example of README.md, compiled and run.
// [embedding]
#include <tarmac/tarmac.h>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

int main() {
  tarmac::CacheOptions options;
  options.name = "sessions";
  options.max_entries = 100'000;
  options.eviction = "lru";
  options.default_ttl = 10min;
  tarmac::CacheManager<std::string, std::string> cache(options);

  cache.set("alice", "logged in");
  cache.set("bob", "guest", {.ttl = 30s});
  if (const auto session = cache.get("alice")) std::puts(session->c_str());

  cache.swap_strategy("lfu");  // While traffic runs; every entry stays.
  std::printf("hit ratio %.2f\n", cache.stats().hit_ratio());
}
// [/embedding]
