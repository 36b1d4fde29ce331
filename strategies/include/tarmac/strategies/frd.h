// FRD: newcomers share a small filter; only a key that comes back after it left takes the place of
// the entry with the longest reuse distance.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

struct FrdOptions {
  /// The share of the capacity for entries that came back (the reuse distance stack); the filter
  /// has the rest. From 0 to 1.
  double main_share = 0.9;
  /// How many keys that left the filter are remembered at most, as a multiple of the capacity; the
  /// paper bounds them only by the oldest entry of the stack. From 0 to 10'000.
  double ghosts = 4;
};

/// FRD (filtering by frequency and reuse distance): newcomers live in a small filter, a line in
/// order of last use, whose oldest is the victim. A key that left it is remembered in a stack, in
/// order of last use too, together with the main entries; if it is asked for while the stack knows
/// it, its reuse distance is shorter than that of the oldest main entry, and it takes that one's
/// place. An update is a use. Until the main share is filled for the first time, newcomers go
/// there.
///
/// In weight, `main_share` and `ghosts` are shares of the weight. An entry heavier than the filter
/// comes in like any other: the filter makes room, and then the oldest main entries do.
///
/// - Choose it for: loops, scans and one-hit keys over a working set that lasts (storage,
///   databases, web objects). Of the published strategies here it came closest to the best on
///   average.
/// - Avoid it for: small caches over fast-moving popularity. A key has to miss twice before it is
///   safe.
/// - Cost: O(1) for every event, amortised. Memory: 24 bytes for each resident and each ghost, and
///   16 to 32 for each ghost in an index: at the default bound at most 180 to 250 bytes for each
///   entry of the capacity.
/// - Source: Park and Park, "FRD: a filtering based buffer cache algorithm that considers both
///   frequency and reuse distance", MSST 2017.
///
/// Throws ConfigError if an option is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_frd(const FrdOptions& options = {});

}  // namespace tarmac
