// TTL: the entry that expires soonest leaves.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

/// TTL: entries in order of their deadline. Those without one leave after all others, the one that
/// has been without the longest first. Entries with the same deadline leave in the order in which
/// they got it; an entry whose deadline moved keeps its place as long as it is right. After a swap
/// the order is by deadline, then by when entries came in.
///
/// - Choose it for: values that are worthless once they expire and whose deadlines differ (tokens,
///   leases, price quotes): what is given up had the least time left.
/// - Avoid it for: one TTL for all entries, where it is FIFO at a higher price; and popular entries
///   with short deadlines, which leave first however often they are used.
/// - Cost: with a deadline O(log n) at worst to come in, leave or change it, O(1) for a hit that
/// does
///   not move it; without one O(1). choose_victim is O(1). No memory beyond the entry's own links.
/// - Source: a red-black tree (Boost.Intrusive) over deadlines; no publication.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_ttl();

}  // namespace tarmac
