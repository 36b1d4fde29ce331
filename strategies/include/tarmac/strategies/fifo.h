// FIFO: the entry that came in first leaves first, however often it was used.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// FIFO: a line in order of arrival. Hits and updates change nothing, so the cache does not even
/// report hits. After a swap it orders the entries by when they came in.
///
/// - Choose it for: entries that are worth the same and age at the same pace (a window over recent
///   records), and where a hit must cost nothing at all.
/// - Avoid it for: skewed popularity. The hottest key leaves as soon as it is the oldest.
/// - Cost: O(1) for every event, and none for a hit. No memory beyond the entry's own links.
/// - Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
/// Systems
///   Journal 1966.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_fifo();

}  // namespace tarmac
