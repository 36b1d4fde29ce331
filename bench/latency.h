// Percentiles of single requests.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tarmac::bench {

/// Times requests one by one with the steady clock. What an empty request takes (the median of
/// many) is subtracted, so that the clock's own cost is not reported as the cache's.
class Latencies {
 public:
  explicit Latencies(std::size_t requests) : times_(requests) {}

  template <class Request>
  void time_each(Request&& request) {
    time_into(times_, request);
  }

  /// As the counters p50, p99 and p99_9, in nanoseconds.
  void report(benchmark::State& state);
  /// The time that this share of the requests stayed within, without the clock's own cost.
  [[nodiscard]] double percentile(double share);

  [[nodiscard]] static double cost_of_the_clock();

 private:
  using Times = std::vector<std::uint32_t>;

  template <class Request>
  static void time_into(Times& times, Request&& request) {
    using Clock = std::chrono::steady_clock;
    for (auto& time : times) {
      const auto start = Clock::now();
      request();
      time = static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
    }
  }
  [[nodiscard]] static double raw_percentile(Times& times, double share);

  Times times_;
};

}  // namespace tarmac::bench
