// How quickly a trace is replayed, as a share of the yardstick: the same keys through
// boost::unordered_flat_map::try_emplace, which never evicts.
//
// Usage: simulator_bench TRACE [ROUNDS]      prints JSON; bench/report.py makes the table
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <malloc.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "strategies.h"

namespace tarmac::bench {
namespace {

using Keys = std::vector<std::uint64_t>;

struct Yardstick {
  double seconds = 0;
  std::uint64_t objects = 0;
};

struct Run {
  double seconds = 0;
  double miss_ratio = 0;
  double bytes_per_object = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double handed_out() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

Yardstick run_yardstick(const Keys& keys) {
  const auto start = std::chrono::steady_clock::now();
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> map;
  for (const std::uint64_t key : keys) map.try_emplace(key, key);
  return {seconds_since(start), map.size()};
}

Run run_strategy(const StrategyDescription& row, const Keys& keys, std::uint64_t capacity) {
  const double before = handed_out();
  const auto start = std::chrono::steady_clock::now();
  StrategyReplay replay(row.make({}), {capacity, false});
  replay.play(std::span<const std::uint64_t>(keys));
  Run run;
  run.seconds = seconds_since(start);
  run.miss_ratio = replay.result().miss_ratio();
  // All but the objects comes from the allocator.
  const double own = static_cast<double>(replay.memory_bytes());
  run.bytes_per_object = (handed_out() - before + own) / static_cast<double>(replay.objects());
  return run;
}

void print_strategy(const StrategyDescription& row, const Keys& keys, std::uint64_t capacity,
                    int rounds) {
  const auto count = static_cast<double>(keys.size());
  std::printf("    {\"name\": \"%s\", \"tracking\": \"%s\", \"rounds\": [",
              std::string(row.name).c_str(), tracking_of(row).c_str());
  for (int round = 0; round < rounds; ++round) {
    const Yardstick yardstick = run_yardstick(keys);
    const Run run = run_strategy(row, keys, capacity);
    std::printf(
        "%s\n      {\"yardstick_ns\": %.3f, \"ns\": %.3f, \"share\": %.4f, \"miss_ratio\": %.6f, "
        "\"bytes_per_object\": %.1f}",
        round == 0 ? "" : ",", yardstick.seconds / count * 1e9, run.seconds / count * 1e9,
        yardstick.seconds / run.seconds, run.miss_ratio, run.bytes_per_object);
  }
  std::printf("]}");
}

int run(const char* file, int rounds) {
  Keys keys;
  TraceReader trace(file);
  Request request;
  while (trace.next(request)) keys.push_back(request.key);
  const std::uint64_t objects = run_yardstick(keys).objects;
  const std::uint64_t capacity = std::max<std::uint64_t>(objects / 10, 1);
  std::printf("{\"trace\": \"%s\", \"requests\": %zu, \"objects\": %llu, \"capacity\": %llu,\n",
              trace.file().filename().c_str(), keys.size(),
              static_cast<unsigned long long>(objects), static_cast<unsigned long long>(capacity));
  std::printf("  \"strategies\": [");
  bool is_first = true;
  for (const StrategyDescription& row : catalog()) {
    std::printf("%s\n", is_first ? "" : ",");
    print_strategy(row, keys, capacity, rounds);
    is_first = false;
  }
  std::printf("\n  ]}\n");
  return 0;
}

}  // namespace
}  // namespace tarmac::bench

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "Usage: simulator_bench TRACE [ROUNDS]\n");
    return 2;
  }
  try {
    return tarmac::bench::run(argv[1], argc == 3 ? std::stoi(argv[2]) : 3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simulator_bench: %s\n", error.what());
    return 2;
  }
}
