#include "latency.h"

#include <algorithm>

namespace tarmac::bench {

double Latencies::raw_percentile(Times& times, double share) {
  if (times.empty()) return 0;
  const auto index = std::min(times.size() - 1,
                              static_cast<std::size_t>(share * static_cast<double>(times.size())));
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

double Latencies::cost_of_the_clock() {
  Times empty(20'000);
  auto nothing = [] { benchmark::ClobberMemory(); };
  for (auto& time : empty) time = time_one(nothing);
  return raw_percentile(empty, 0.5);
}

double Latencies::percentile(double share) {
  return std::max(0.0, raw_percentile(times_, share) - cost_of_the_clock());
}

void Latencies::report(benchmark::State& state) {
  state.counters["p50"] = percentile(0.5);
  state.counters["p99"] = percentile(0.99);
  state.counters["p99_9"] = percentile(0.999);
}

}  // namespace tarmac::bench
