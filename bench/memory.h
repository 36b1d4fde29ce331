// How much memory a cache takes.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace tarmac::bench {

/// Counts, from its construction on, what the allocator hands out (mallinfo2: small blocks with
/// their headers, and large ones mapped by themselves; what Tarmac maps itself, too), and how much
/// the process grew in memory. Both, because the first does not see what a cache maps without the
/// allocator, and the second sees what the allocator keeps for later.
class MemoryMeter {
 public:
  MemoryMeter();
  /// As the counters bytes_per_entry (the first), resident_per_entry (the second) and entries.
  void report(benchmark::State& state, std::size_t entries) const;

 private:
  double handed_out_;
  double resident_;
};

}  // namespace tarmac::bench
