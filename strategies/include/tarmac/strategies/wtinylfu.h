// W-TinyLFU: a newcomer stays only if it was used more often lately than the entry it would
// replace.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

struct WTinyLfuOptions {
  /// The share of the capacity for newcomers, at first. From 0 to 1; at least one entry. After a
  /// swap it is up to a quarter at first where newcomers were hit soon, if it is `adaptive`.
  double window_share = 0.01;
  /// The share of the rest for entries that were hit there. From 0 to 1.
  double protected_share = 0.8;
  /// Whether the window's share follows the hit ratio.
  bool adaptive = true;
  /// How it follows: in the direction in which window and hit ratio moved together, by steps that
  /// shrink until things get worse; or else onwards as long as the hit ratio does not fall.
  bool by_correlation = false;
};

/// W-TinyLFU: newcomers enter a window in order of last use; what leaves it is weighed against the
/// oldest entry of the main part by how often both were used lately, gone or not, as a sketch
/// estimates it. The one used less often is the victim (now and then a candidate used often wins
/// against more, so that nobody can keep it out by choosing keys). The main part is a segmented
/// LRU: a hit protects an entry, and the oldest protected one becomes like the others again. The
/// window grows and shrinks at the expense of the protected part, by hill climbing on the hit
/// ratio. An update is a use.
///
/// In weight, all shares are shares of the weight. A newcomer heavier than the window comes in and
/// is weighed when the next one arrives. An entry heavier than the protected share is not
/// protected.
///
/// - Choose it for: popularity that is skewed, with keys used once among it (web, search,
///   analytics).
/// - Avoid it for: loops over a little more than the cache holds.
/// - Cost: O(1) for every event, amortised: once in ten uses for each entry all counters of the
///   sketch are halved, and once in ten requests for each entry up to a sixteenth of the entries
///   changes sides. Memory: 16 to 32 bytes for each entry of the capacity.
/// - Source: Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy",
///   ACM TOS 2017; Einziger et al., "Adaptive software cache management", Middleware 2018.
///
/// Throws ConfigError if an option is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_wtinylfu(const WTinyLfuOptions& options = {});

}  // namespace tarmac
