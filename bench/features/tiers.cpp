#include "features/tiers.h"

#include <tarmac/stores/tiered_cache.h>

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <thread>

#include "features/alternate.h"
#include "keys.h"
#include "redis_server.h"

namespace tarmac::bench {
namespace {

using std::chrono_literals::operator""ms;

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
    while (!cache_.stats().l2.heard) std::this_thread::yield();
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

void tier_hit(benchmark::State& state, std::size_t entries) {
  try {
    const RedisServer server;
    Reader reader(server, entries);
    bool through_both = false;
    const Alternation::Sides sides{.without = [&through_both] { through_both = false; },
                                   .with = [&through_both] { through_both = true; }};
    while (state.KeepRunning()) {
      Alternation({20ms, 15}, sides, [&](auto time) {
        return reader.hits(time, through_both);
      }).report(state);
    }
    if (reader.fetched() > 0) state.SkipWithError("not all were hits");
  } catch (const std::exception& error) {
    while (state.KeepRunning()) {
    }
    state.SkipWithError(error.what());
  }
}

}  // namespace tarmac::bench
