// SIEVE: a hand sweeps over a line in order of arrival and evicts what was not hit since it passed.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// SIEVE: a line in order of arrival, in which no entry ever moves. The hand goes from the oldest
/// place to the newest, takes the mark off each entry that was hit, evicts the first without one,
/// and rests there; past the newest it begins again at the oldest. An update counts as a hit. After
/// a swap the line is in order of arrival, entries that were ever hit are marked, and the hand
/// stands at the oldest.
///
/// - Choose it for: skewed popularity with many keys that are used once (web objects, pages).
/// - Avoid it for: scans and block storage: it has no resistance to scans; use `s3fifo`.
/// - Cost: a hit raises a mark. An eviction is O(1) amortised; one may pass over every entry. No
///   memory beyond the entry's own links.
/// - Sizes: an entry of any weight is kept; none is treated otherwise for it.
/// - Source: Zhang et al., "SIEVE is simpler than LRU: an efficient turn-key eviction algorithm for
///   web caches", NSDI 2024.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_sieve();

}  // namespace tarmac
