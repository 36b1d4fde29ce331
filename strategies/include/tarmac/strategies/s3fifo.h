// S3-FIFO: a small queue that most entries do not survive, a main queue, and a memory of who left.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstdint>
#include <memory>

namespace tarmac {

struct S3FifoOptions {
  /// The small queue's share of the capacity; the main queue has the rest. Over 0, under 1. At
  /// least 1 entry.
  double small_share = 0.1;
  /// Keys remembered after they left the small queue, as a share of the capacity (of its weight,
  /// where it is in weight). From 0 to 10.
  double ghost_share = 0.9;
  /// Hits in the small queue that move an entry to the main queue, when its turn comes. From 1 to
  /// 3.
  std::uint64_t threshold = 2;
  /// Where new entries go while the cache fills and the small queue has its share: to the small
  /// queue (false, as published), or to the main queue.
  bool fill_main = false;
};

/// S3-FIFO: new entries wait in a small FIFO queue; those whose key is remembered, and those hit
/// `threshold` times there, go to the main one, a CLOCK of two bits. The main queue gives the
/// victim when it has more than its share, else the small one does, and the key of what left the
/// small queue is remembered. An update counts as a hit. While the cache fills, the small queue
/// grows over its share, so the first entries are judged by hits, too. After a swap, entries with
/// `threshold` hits are in the main queue in order of last use, the others in the small one in
/// order of arrival.
///
/// - Choose it for: most traffic, above all with many keys used once and with scans.
/// - Avoid it for: loops a little larger than the cache, and entries that are used again only after
///   they left the small queue and its memory.
/// - Cost: a hit raises a counter. An eviction is O(1) amortised; one may pass over every entry, up
///   to three times. 28 to 56 bytes for each key remembered.
/// - Sizes: shares are in weight where the capacity is. An entry larger than the small queue's
///   share is kept, too: it empties that queue, and leaves it with the next eviction unless it is
///   hit `threshold` times before. (Some simulators refuse such entries.)
/// - Source: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023.
///
/// Throws ConfigError if an option is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_s3fifo(const S3FifoOptions& options = {});

}  // namespace tarmac
