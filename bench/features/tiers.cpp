#include "features/tiers.h"

#include <tarmac/stores/tiered_cache.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "features/alternate.h"
#include "keys.h"
#include "redis_server.h"

namespace tarmac::bench {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TieredOptions options_for(const RedisServer& server, std::size_t entries) {
  TieredOptions options;
  options.l1.max_entries = entries + entries / 4;
  options.l2.server.unix_socket = server.socket();
  options.l2.server.prefix = "bench:";
  return options;
}

/// One cache, read in two ways: what differs is the second tier alone.
class Reader {
 public:
  Reader(const RedisServer& server, std::size_t entries)
      : cache_(options_for(server, entries)), requests_(requests<std::string>(entries)) {
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (!cache_.stats().l2.heard) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("redis-server tells of no changes");
      std::this_thread::yield();
    }
    for (std::uint64_t rank = entries; rank-- > 0;) {
      const auto key = key_of<std::string>(rank);
      cache_.l1().set(key, value_of(std::string_view(key)));
    }
  }

  double hits(std::chrono::nanoseconds time, bool through_both) {
    return nanoseconds_each(time, [this, through_both] {
      const std::string_view key = requests_[next_++ & (requests_.size() - 1)];
      auto value = through_both ? cache_.get(key) : cache_.l1().get(key);
      benchmark::DoNotOptimize(value);
    });
  }
  [[nodiscard]] std::uint64_t fetched() const { return cache_.stats().l2.round_trips; }

 private:
  TieredCache<std::string> cache_;
  const std::vector<Request<std::string>>& requests_;
  std::size_t next_ = 0;
};

}  // namespace

bool tiers_can_be_measured() {
  try {
    const RedisServer server;
    return true;
  } catch (const std::exception& error) {
    std::cerr << "feature_bench: two tiers are not measured: " << error.what() << '\n';
    return false;
  }
}

void tier_hit(benchmark::State& state, std::size_t entries) {
  const RedisServer server;
  Reader reader(server, entries);
  bool through_both = false;
  const Alternation::Sides sides{.without = [&through_both] { through_both = false; },
                                 .with = [&through_both] { through_both = true; }};
  while (state.KeepRunning()) {
    // A machine that stands still for a second loses the channel: then they are no hits.
    for (auto fetched = ~std::uint64_t{0}; fetched != reader.fetched();) {
      fetched = reader.fetched();
      Alternation({20ms, 15}, sides, [&](auto time) {
        return reader.hits(time, through_both);
      }).report(state);
    }
  }
}

}  // namespace tarmac::bench
