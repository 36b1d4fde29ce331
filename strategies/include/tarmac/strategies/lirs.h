// LIRS: the entry leaves whose last two uses lie far apart, however recent the last one is.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

struct LirsOptions {
  /// The share of the capacity for entries that have yet to prove themselves (HIR). From 0 to 1; at
  /// least one entry.
  double hir_share = 0.01;
  /// How many keys that left are remembered, as a multiple of the capacity. From 0 to 10'000.
  double ghosts = 2;
  /// Bounds resident and remembered keys in the stack together, as a multiple of the capacity; the
  /// smaller bound counts. 0 leaves it to `ghosts`. Up to 10'000.
  double stack = 0;
};

/// LIRS (low inter-reference recency set): nearly the whole cache belongs to entries that came back
/// soon after their previous use (LIR); the rest pass through a short queue (HIR), whose oldest is
/// the victim. An entry of the queue, or a key that left, which is used again while the stack still
/// knows its previous use, becomes LIR, and the LIR entry idle for the longest time joins the
/// queue. A second use right after the first (nothing else came between) proves nothing. An update
/// is a use.
///
/// In weight, `hir_share`, `ghosts` and `stack` are shares of the weight. An entry heavier than the
/// LIR share never becomes LIR. One heavier than the HIR share comes in like any other: the queue
/// makes room, and then the LIR entries idle for the longest time do.
///
/// - Choose it for: loops and scans over more than the cache holds, mixed with a hot set (storage,
///   databases, code search).
/// - Avoid it for: popularity that moves quickly; what was hot leaves late.
/// - Cost: O(1) for every event, amortised. Memory: 24 bytes for each resident and each ghost, and
///   16 to 32 for each ghost in an index: at the default bounds some 110 to 140 bytes for each
///   entry of the capacity.
/// - Source: Jiang and Zhang, "LIRS: an efficient low inter-reference recency set replacement
///   policy to improve buffer cache performance", SIGMETRICS 2002.
///
/// Throws ConfigError if an option is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_lirs(const LirsOptions& options = {});

}  // namespace tarmac
