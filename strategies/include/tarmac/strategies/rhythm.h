// Rhythm: the entry leaves that earns the fewest hits for the room and time it would take, by what
// the cache has learned of keys like it.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// Rhythm: keys are of a kind by how often they were used and after what time the last use came
/// (where weight bounds the cache: by how often, and by weight). For each kind it is learned, also
/// from keys that left, how likely a use is at each age. What an entry is worth is then the best
/// ratio of hits to waiting time that lies before it (and to weight): its Gittins index. The entry
/// with the lowest leaves; where nothing is known, old entries are trusted until keys that left
/// come back, and newcomers to a full cache are not. An update is a use. After a swap it orders the
/// entries by their last use, takes their hits for uses, and learns from how far apart they lay.
///
/// - Choose it for: traffic that is not known, that mixes loops, scans and favourites, or that has
///   objects of different sizes. It has no knobs.
/// - Avoid it for: caches that live for less than some ten times their capacity in requests, which
///   is what learning takes; and where a hit must cost next to nothing: each one counts in order.
/// - Cost: O(1) for every event, amortised: the kinds are ranked anew 20 times while as many
///   requests pass as there are entries. Memory: at most 16 bytes for an entry, 32 to 48 for each
///   of twice as many keys that left, and up to 170 KB for each shard.
/// - Source: our own. The index is of Gittins, "Bandit processes and dynamic allocation indices",
///   Journal of the Royal Statistical Society B 1979; eviction by learned hit density is of
///   Beckmann et al., "LHD: improving cache hit rate by maximizing hit density", NSDI 2018, which
///   samples its candidates, forgets keys that left, and knows neither loops nor a first bet.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_rhythm();

}  // namespace tarmac
