// GDSF: what is small and used often stays.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// GDSF (Greedy-Dual-Size-Frequency): the priority of an entry is L + uses / weight, set when it
/// comes in and at each hit and update; the lowest leaves, among equals the one whose last use is
/// the oldest. L is the priority of the last victim, so that what is not used any more is
/// overtaken. A use is the insertion or a hit; where the capacity is in entries, all weights count
/// 1, which is LFU with ageing. After a swap an entry counts its hits so far plus one, and L is 0.
///
/// Uses / weight is cut to six significant bits: that makes entries of about the same worth a
/// queue, and the search for the lowest one among some dozens of queues.
///
/// - Choose it for: entries of very different weights, where requests that miss count, not bytes.
/// - Avoid it for: counting missed bytes: it gives up large entries first. Scans over small
/// entries.
/// - Cost: O(log q) for every event, with q queues in use, at most 1,537. Up to 51 KiB a shard, of
///   which only what is used is touched.
/// - Sizes: they are what it is about. A weight of 0 counts 1; an entry of any weight is kept, but
///   a large one is soon the lowest.
/// - Source: Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching
///   policy", HP Labs 1998; queues as in Ghandeharizadeh et al., "CAMP: a cost adaptive multi-queue
///   eviction policy for key-value stores", Middleware 2014.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_gdsf();

}  // namespace tarmac
