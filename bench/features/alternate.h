// What something adds to an operation, by measuring without and with it in turn.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <vector>

namespace tarmac::bench {

/// Pairs of phases without and with something. Which comes first changes from pair to pair, so that
/// a machine that gets slower does not count for one side.
class Alternation {
 public:
  /// How long one phase takes, and how many pairs there are.
  struct Plan {
    std::chrono::nanoseconds phase;
    int pairs;
  };
  struct Sides {
    std::function<void()> without;
    std::function<void()> with;
  };

  /// `operations` runs for the time given and tells the nanoseconds of one operation.
  using Operations = std::function<double(std::chrono::nanoseconds)>;

  Alternation(const Plan& plan, const Sides& sides, const Operations& operations);

  /// As the counters without_ns, with_ns (medians) and added (the median of with/without, less 1).
  void report(benchmark::State& state) const;

 private:
  std::vector<double> without_;
  std::vector<double> with_;
  std::vector<double> ratios_;
};

/// Calls `operation()` for about `time`; the nanoseconds of one call. The clock is read once in
/// some thousand calls.
template <class Operation>
double nanoseconds_each(std::chrono::nanoseconds time, Operation operation) {
  using Clock = std::chrono::steady_clock;
  constexpr int kChunk = 4'096;
  const auto start = Clock::now();
  std::chrono::nanoseconds passed{0};
  double calls = 0;
  do {
    for (int i = 0; i < kChunk; ++i) operation();
    calls += kChunk;
    passed = Clock::now() - start;
  } while (passed < time);
  return static_cast<double>(passed.count()) / calls;
}

}  // namespace tarmac::bench
