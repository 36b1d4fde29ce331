// SLRU: an LRU in segments; each hit lifts an entry by one.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>
#include <string>

namespace tarmac {

struct SlruOptions {
  /// The segments' shares of the capacity in proportion, the lowest first: 2 to 16 numbers from 1
  /// to 1'000'000 with colons between. "1:4" is the classic cache with a fifth on probation.
  std::string segments = "1:1:1:1";
};

/// SLRU: a line of LRUs. A new entry comes into the lowest segment that has room, which in a full
/// cache is the lowest; a hit or an update lifts an entry by one segment, and what a segment then
/// has too much goes down by one, its least recently used first. The victim is the oldest of the
/// lowest segment that has entries. After a swap entries stand by last use, each as high as its
/// hits and the room allow, and the newest of a full cache higher, so that upper segments are full.
///
/// Four equal segments are the default because they miss less than "1:4" on most public traces.
///
/// - Choose it for: what `lru` is chosen for, with scans or many keys used once.
/// - Avoid it for: popularity that moves: what is high up goes down one segment at a time.
/// - Cost: a hit is O(1) for each segment above the lowest, amortised; the other events are O(1).
///   No memory beyond the entry's own links.
/// - Sizes: shares are in weight where the capacity is. An entry is not lifted into a segment whose
///   whole share is smaller than the entry: it becomes the newest where it is. An entry of any
///   weight is kept. (Some simulators refuse what is larger than the lowest segment.)
/// - Source: Karedla, Love and Wherry, "Caching strategies to improve disk system performance",
///   IEEE Computer 1994.
///
/// Throws ConfigError if `segments` is not such a list.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_slru(const SlruOptions& options = {});

}  // namespace tarmac
