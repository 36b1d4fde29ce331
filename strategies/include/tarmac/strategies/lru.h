// LRU: the entry that was not used for the longest time leaves.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// LRU: a line of entries; an insertion, a hit and an update each put the entry at its newest
/// place, and the victim is the oldest. After a swap it orders the entries by their last use.
///
/// - Choose it for: traffic where what was used just now is used again soon (sessions, a user's own
///   pages), and as the yardstick other strategies are measured by.
/// - Avoid it for: scans and loops over more than the cache holds; one pass of keys used once
///   flushes everything. Also for hits from many threads on few keys: each hit changes the order.
/// - Cost: O(1) for every event. No memory beyond the entry's own links.
/// - Source: Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal
/// 1970.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_lru();

}  // namespace tarmac
