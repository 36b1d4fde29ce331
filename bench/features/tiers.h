// What a second tier adds to a hit of the first.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace tarmac::bench {

/// Reads of `entries` resident texts, by the first tier alone and through both. A redis-server is
/// started for it; without one the cell says so and measures nothing.
void tier_hit(benchmark::State& state, std::size_t entries);

}  // namespace tarmac::bench
