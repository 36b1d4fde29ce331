// LFU: the entry that was used least often leaves; with ageing, "often" means "often lately".
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstdint>
#include <memory>

namespace tarmac {

struct LfuOptions {
  /// False keeps every use for ever, as in the textbook: keys that were hot once never leave.
  bool ageing = true;
  /// After this many uses for each resident entry (insertions, hits and updates), all counts are
  /// halved. Smaller forgets sooner. From 1 to 1'000'000.
  std::uint64_t ageing_period = 2;
};

/// LFU: counts uses while an entry is in the cache, starting at 1; an update is a use. The victim
/// has the lowest count and, among equals, reached it first. After a swap an entry counts its hits
/// so far plus one.
///
/// - Choose it for: popularity that is skewed and stays so (reference data, a catalogue).
/// - Avoid it for: popularity that moves. Ageing lets a dead hot set leave, but only after several
///   periods; without ageing it never leaves.
/// - Cost: O(1) for every event without ageing. With it O(1) amortised: one event in
///   `ageing_period` x entries passes over the entries whose count it merges with another. Memory:
///   24 bytes for each count in use, from address space reserved for at most 65,600. With more
///   different counts than that at once (over two thousand million uses of resident entries) an
///   entry stops rising until a place is free.
/// - Source: exact counts in a list of frequencies as in Shah, Mitra and Matani, "An O(1) algorithm
///   for implementing the LFU cache eviction scheme", 2010; halving as in Einziger et al.,
///   "TinyLFU", ACM TOS 2017.
///
/// Throws ConfigError if `ageing_period` is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_lfu(const LfuOptions& options = {});

}  // namespace tarmac
