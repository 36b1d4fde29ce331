// What reads cost beside a snapshot, and in durable mode.
#include <benchmark/benchmark.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "durability/cells.h"
#include "latency.h"

namespace tarmac::bench {
namespace {

using IntCache = CacheManager<std::uint64_t, std::uint64_t>;

/// Numbers are looked up so quickly that anything beside them would show.
CacheOptions plain_options(std::size_t entries) {
  CacheOptions options;
  options.max_entries = entries * 5 / 4;
  options.seed = 1;
  return options;
}

void fill(IntCache& cache, std::size_t entries) {
  for (std::uint64_t key = 0; key < entries; ++key) cache.set(key, key);
}

class Walk {
 public:
  explicit Walk(std::size_t entries) : entries_(entries) {}
  std::uint64_t next() { return (at_ += 7919) % entries_; }

 private:
  std::uint64_t entries_;
  std::uint64_t at_ = 0;
};

double nanoseconds_of_gets(IntCache& cache, Walk& walk) {
  constexpr int kGets = 100'000;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kGets; ++i) {
    auto value = cache.get(walk.next());
    benchmark::DoNotOptimize(value);
  }
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin)
             .count() /
         kGets;
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

}  // namespace

Findings get_beside_snapshot(const Ground& ground) {
  constexpr std::size_t kTimesMost = 40'000'000;
  IntCache cache(plain_options(ground.entries));
  fill(cache, ground.entries);
  Walk walk(ground.entries);
  const auto get = [&] {
    auto value = cache.get(walk.next());
    benchmark::DoNotOptimize(value);
  };
  Latencies quiet(1'000'000);
  quiet.time_each(get);
  Latencies during(kTimesMost);
  std::atomic<bool> saving{true};
  std::thread saver([&] {
    cache.save_snapshot(ground.folder / "beside.snap");
    saving = false;
  });
  during.time_each_while([&saving] { return saving.load(std::memory_order_relaxed); }, get);
  saver.join();
  return {{"quiet_p99_9", quiet.percentile(0.999)}, {"during_p99_9", during.percentile(0.999)}};
}

// In turn, and which is first changes: neighbours on the machine count for both.
Findings get_of_a_durable_cache(const Ground& ground) {
  const auto entries = std::min<std::size_t>(ground.entries, 100'000);
  IntCache without(plain_options(entries));
  auto options = plain_options(entries);
  options.durability = DurabilityOptions{.directory = ground.folder / "read_log"};
  options.durability->sync = SyncMode::never;
  IntCache with(options);
  fill(without, entries);
  fill(with, entries);
  Walk walk(entries);
  std::vector<double> ratios;
  std::vector<double> times;
  const auto begin = std::chrono::steady_clock::now();
  const std::chrono::duration<double> most(ground.seconds);
  while (ratios.size() < 4 || std::chrono::steady_clock::now() - begin < most) {
    const bool first = ratios.size() % 2 == 0;
    const auto one = nanoseconds_of_gets(first ? with : without, walk);
    const auto other = nanoseconds_of_gets(first ? without : with, walk);
    ratios.push_back(first ? one / other : other / one);
    times.push_back(first ? one : other);
  }
  return {{"ratio", median(ratios)}, {"ns", median(times)}};
}

}  // namespace tarmac::bench
