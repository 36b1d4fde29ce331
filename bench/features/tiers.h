// What a second tier adds to a hit of the first.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace tarmac::bench {

/// Whether a redis-server can be started; if not, says so.
[[nodiscard]] bool tiers_can_be_measured();
/// Reads of `entries` resident texts, by the first tier alone and through both, before a
/// redis-server of its own.
void tier_hit(benchmark::State& state, std::size_t entries);

}  // namespace tarmac::bench
