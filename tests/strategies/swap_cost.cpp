// Measures what a swap of the strategy costs, for docs/strategies.md: how long it holds the lock of
// a shard, and what a look-up of that shard sees of it. Build it with the preset `release`.
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

constexpr int kRounds = 7;

std::int64_t now() { return tarmac::system_clock()->steady_now(); }

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

/// The swap as its caller sees it, and the longest look-up of another thread meanwhile.
struct Cost {
  std::vector<std::int64_t> swaps;
  std::vector<std::int64_t> longest_gets;
};

Cost measure(Cache& cache, std::uint64_t entries, const std::string& from, const std::string& to) {
  Cost cost;
  for (int round = 0; round < kRounds; ++round) {
    cache.swap_strategy(from);
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
    const auto began = now();
    cache.swap_strategy(to);
    cost.swaps.push_back(now() - began);
    stop = true;
    reader.join();
    cost.longest_gets.push_back(longest);
  }
  return cost;
}

}  // namespace

int main() {
  std::printf(
      "| swap | entries | swap, ms | longest look-up meanwhile, ms |\n|---|---:|---:|---:|\n");
  for (const std::uint64_t entries : {10'000U, 100'000U, 1'000'000U}) {
    tarmac::CacheOptions options;
    options.name = "swap_cost";
    options.max_entries = entries;
    options.shards = 1;
    options.seed = 1;
    Cache cache(options);
    fill(cache, entries);
    const std::vector<std::string> names{"lru", "lfu", "fifo", "ttl"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& from = names[(i + names.size() - 1) % names.size()];
      const auto cost = measure(cache, entries, from, names[i]);
      std::printf("| `%s` to `%s` | %llu | %.2f | %.2f |\n", from.c_str(), names[i].c_str(),
                  static_cast<unsigned long long>(entries), milliseconds(median(cost.swaps)),
                  milliseconds(median(cost.longest_gets)));
    }
  }
  return 0;
}
