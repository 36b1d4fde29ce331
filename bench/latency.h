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
    for (auto& time : times_) time = time_one(request);
  }

  /// The same, but ends early when `go_on()` is false.
  template <class GoOn, class Request>
  void time_each_while(GoOn&& go_on, Request&& request) {
    std::size_t timed = 0;
    for (; timed < times_.size() && go_on(); ++timed) times_[timed] = time_one(request);
    times_.resize(timed);
  }
  [[nodiscard]] std::size_t requests() const { return times_.size(); }

  /// As the counters p50, p99 and p99_9, in nanoseconds.
  void report(benchmark::State& state);
  /// The time that this share of the requests stayed within, without the clock's own cost.
  [[nodiscard]] double percentile(double share);

  [[nodiscard]] static double cost_of_the_clock();

 private:
  using Times = std::vector<std::uint32_t>;

  template <class Request>
  static std::uint32_t time_one(Request& request) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    request();
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
  }
  [[nodiscard]] static double raw_percentile(Times& times, double share);

  Times times_;
};

}  // namespace tarmac::bench
