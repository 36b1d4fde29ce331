// Measures what a swap of the strategy costs, for docs/strategies.md: how long it holds the lock of
// a shard, for each strategy from `lru` to it and back, and what a look-up of that shard sees of
// it. Build it with the preset `release`.
#include <sys/resource.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Cache = tarmac::CacheManager<std::uint64_t, std::uint64_t>;

constexpr int kRounds = 3;

std::int64_t now() { return tarmac::system_clock()->steady_now(); }

/// What the calling thread has computed for so far. Unlike the time that has passed it says what a
/// swap takes on a machine that has other things to do.
std::int64_t computed() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto microseconds = [](const timeval& time) {
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
  };
  return (microseconds(usage.ru_utime) + microseconds(usage.ru_stime)) * 1'000;
}

double milliseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

std::int64_t median(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Entries that were used as often and as lately as chance had it, a third of them with a deadline.
void fill(Cache& cache, std::uint64_t entries) {
  std::mt19937_64 random(1);
  for (std::uint64_t key = 0; key < entries; ++key) {
    const bool expires = key % 3 == 0;
    tarmac::SetOptions options;
    if (expires) options.ttl = std::chrono::seconds(3'600 + random() % 3'600);
    cache.set(key, key, options);
  }
  for (std::uint64_t i = 0; i < 2 * entries; ++i) {
    static_cast<void>(cache.get(random() % (1 + random() % entries)));
  }
}

/// What swaps computed for, how long the longest took in all, and the longest look-up of another
/// thread meanwhile.
struct Cost {
  std::int64_t longest = 0;
  std::vector<std::int64_t> swaps_to;
  std::vector<std::int64_t> swaps_back;
  std::vector<std::int64_t> longest_gets;
};

/// From what the cache has to `name`, with look-ups by another thread, and back to `before`.
Cost measure(Cache& cache, std::uint64_t entries, const std::string& name,
             const std::string& before) {
  Cost cost;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<bool> running{false};
    std::atomic<bool> stop{false};
    std::int64_t longest = 0;
    std::jthread reader([&] {
      std::mt19937_64 random(2);
      while (!stop) {
        const auto began = now();
        static_cast<void>(cache.get(random() % entries));
        longest = std::max(longest, now() - began);
        running = true;
      }
    });
    while (!running) std::this_thread::yield();
    for (const bool back : {false, true}) {
      const auto began = now();
      const auto computed_before = computed();
      cache.swap_strategy(back ? before : name);
      (back ? cost.swaps_back : cost.swaps_to).push_back(computed() - computed_before);
      cost.longest = std::max(cost.longest, now() - began);
    }
    stop = true;
    reader.join();
    cost.longest_gets.push_back(longest);
  }
  return cost;
}

}  // namespace

int main() {
  std::printf(
      "| strategy | entries | taking over, ms | handing over, ms | longest pause, ms "
      "| longest look-up meanwhile, ms |\n|---|---:|---:|---:|---:|---:|\n");
  for (const std::uint64_t entries : {10'000U, 100'000U, 1'000'000U}) {
    tarmac::CacheOptions options;
    options.name = "swap_cost";
    options.max_entries = entries;
    options.shards = 1;
    options.seed = 1;
    Cache cache(options);
    fill(cache, entries);
    for (const tarmac::StrategyDescription& row : tarmac::catalog()) {
      const std::string name(row.name);
      const std::string before = name == "lru" ? "fifo" : "lru";
      cache.swap_strategy(before);
      const auto cost = measure(cache, entries, name, before);
      std::printf("| `%s` | %llu | %.1f | %.1f | %.1f | %.2f |\n", name.c_str(),
                  static_cast<unsigned long long>(entries), milliseconds(median(cost.swaps_to)),
                  milliseconds(median(cost.swaps_back)), milliseconds(cost.longest),
                  milliseconds(median(cost.longest_gets)));
      std::fflush(stdout);
    }
  }
  return 0;
}
