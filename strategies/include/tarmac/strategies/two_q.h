// 2Q: a waiting line for what comes in, and an LRU for what came back after it had left the line.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

struct TwoQOptions {
  /// The waiting line's share of the capacity (A1in). From 0 to 1.
  double in_share = 0.25;
  /// Keys remembered after they left the line (A1out), as a share of the capacity (of its weight,
  /// where it is in weight). From 0 to 10.
  double out_share = 0.5;
};

/// 2Q, the full version: new entries wait in a FIFO line, in which hits and updates change nothing;
/// those whose key is remembered from there go to an LRU. The line gives the victim when it has
/// more than its share, else the LRU does. After a swap the line has the latest arrivals and what
/// was never hit, the LRU the others in order of last use.
///
/// - Choose it for: databases and block storage, where a burst of hits on a new entry says nothing.
/// - Avoid it for: keys that are used often, but for a short time: they leave in their best days.
/// - Cost: O(1) for every event. 28 to 56 bytes for each key remembered.
/// - Sizes: shares are in weight where the capacity is. An entry larger than the line's share is
///   kept, too, and is the line's next victim once the entries before it left. (Some simulators
///   refuse such entries.)
/// - Source: Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement
///   algorithm", VLDB 1994.
///
/// Throws ConfigError if an option is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_two_q(const TwoQOptions& options = {});

}  // namespace tarmac
