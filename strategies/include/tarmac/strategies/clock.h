// CLOCK: FIFO in which an entry that was hit gets another round.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstdint>
#include <memory>

namespace tarmac {

struct ClockOptions {
  /// Bits of each entry's counter: with 1, a hit is worth one more round; with 2, up to three. 1 or
  /// 2.
  std::uint64_t bits = 1;
};

/// CLOCK: a line in order of arrival. An entry whose turn it is to leave, but which was hit, goes
/// to the newest place instead and its counter is lowered by one. An update counts as a hit. After
/// a swap the line is in order of last use, and no entry has a round in hand.
///
/// - Choose it for: what `lru` is chosen for, at the price of `fifo`: hits change no order.
/// - Avoid it for: scans and loops over more than the cache holds.
/// - Cost: a hit raises a counter. An eviction is O(1) amortised; one may pass over every entry, up
///   to three times. No memory beyond the entry's own links.
/// - Sizes: an entry of any weight is kept; none is treated otherwise for it.
/// - Source: Corbató, "A paging experiment with the Multics system", 1968; the counter of several
///   bits as "generalised CLOCK" in Smith, "Sequentiality and prefetching in database systems",
///   ACM TODS 1978.
///
/// Throws ConfigError if `bits` is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_clock(const ClockOptions& options = {});

}  // namespace tarmac
