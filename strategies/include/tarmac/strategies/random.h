// Random: any entry leaves, each with the same chance.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstdint>
#include <memory>

namespace tarmac {

struct RandomOptions {
  /// Where its chances begin: the same seed and events give the same victims.
  std::uint64_t seed = 1;
};

/// Random: the victim is drawn from all entries with equal chances. Hits and updates change
/// nothing, so the cache does not even report hits. A swap gives and takes entries in any order.
///
/// - Choose it for: loops over more than the cache holds, where every order of use evicts what
/// comes
///   next; and as a yardstick: a strategy that misses more is wrong for the traffic.
/// - Avoid it for: anything with favourites.
/// - Cost: O(1) for every event where the capacity is in entries, at most 16 million of them in a
///   shard, and 8 bytes for each; else O(log n) to come in and to leave. Nothing for a hit.
/// - Sizes: an entry of any weight is kept; weights change no chance.
/// - Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
///   Systems Journal 1966.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_random(const RandomOptions& options = {});

}  // namespace tarmac
