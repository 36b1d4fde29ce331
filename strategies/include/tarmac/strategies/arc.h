// ARC: an LRU for what was used once and one for what was used more often, of shares it adapts.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// ARC: an entry comes into the first LRU (T1), and a hit, an update or its return after it had
/// left takes it to the second (T2). Keys that left are remembered for each (B1, B2), as many as
/// entries fit together. The return of such a key says which of the two was too small, and moves
/// the first one's target: by one entry, or by more if the other memory is the larger. The target
/// is a real number. After a swap, entries that were hit are in the second LRU.
///
/// - Choose it for: traffic that changes between recency and frequency; it needs no tuning.
/// - Avoid it for: many threads on few keys: each hit changes the order. Where memory counts, too:
///   it remembers as many keys as it holds entries.
/// - Cost: O(1) for every event. 28 to 56 bytes for each key remembered.
/// - Sizes: where the capacity is in weight, so are the lists and the target, and the target moves
///   by the weight of the entry that came back. An entry of any weight is kept.
/// - Source: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_arc();

}  // namespace tarmac
