// What a strategy knows of an entry: no key, no value, only what eviction is decided by.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/internal/relaxed.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace tarmac {

/// The strategy-facing part of an entry. The cache derives its typed entry from it.
///
/// - Ownership: the cache owns every node. A strategy owns the fields marked "strategy" while it
///   tracks the node; the cache alone writes the others.
/// - Thread-safety: guarded by the lock of the shard that holds the entry, but for `expires_at`
///   and `mark`, which hits look at without it.
struct EntryNode {
  // What a hit changes comes first, so that it lies on one cache line.

  /// Cache: the shard's operation count when the entry was last hit. It wraps; compare with
  /// is_older().
  std::uint32_t accessed_at = 0;
  /// Cache: hits since the entry came in, held at kMaxVisits. Where the strategy asks for
  /// AccessTracking::mark, only those that raised the mark; for AccessTracking::none, none.
  std::uint16_t visits = 0;
  /// Raised by hits, up to kMaxMark or as far as LoweredMarks says, where the strategy asks for
  /// AccessTracking::mark; the strategy lowers or clears it. Zero when not tracked.
  internal::Relaxed<std::uint8_t> mark = 0;
  /// Strategy: small flags, for example the segment the node is in. Zero when not tracked.
  std::uint8_t flags = 0;
  /// Strategy: two links. Null while the node is not tracked.
  EntryNode* previous = nullptr;
  EntryNode* next = nullptr;
  /// Cache: the operation count when the entry came in.
  std::uint32_t inserted_at = 0;
  /// Cache: what the weigher said when the value was set.
  std::uint32_t weight = 1;
  /// Strategy: a word of its own, for example a third link or a counter. Zero when not tracked.
  std::uint64_t scratch = 0;
  /// Cache: the key's hash, the same for the key's whole life, so that ghost lists may keep it.
  std::uint64_t hash = 0;
  /// Cache: when the entry expires, in steady nanoseconds; kNever without a TTL.
  internal::Relaxed<SteadyNanos> expires_at = kNever;

  static constexpr std::uint16_t kMaxVisits = std::numeric_limits<std::uint16_t>::max();
  static constexpr std::uint8_t kMaxMark = 3;
};

static_assert(sizeof(EntryNode) <= 56, "every entry of every cache pays for this");

/// Whether tick `a` came before tick `b`, on counters that wrap (right while they are less than
/// 2^31 operations of one shard apart).
[[nodiscard]] constexpr bool is_older(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

/// What hits do to a node whose strategy asks for marks. Returns how many of them it took to raise
/// the mark to its highest: the others change nothing.
inline std::uint32_t raise_mark(EntryNode& node, std::uint32_t hits = 1,
                                std::uint8_t highest = EntryNode::kMaxMark) noexcept {
  const std::uint32_t mark = node.mark;
  if (mark >= highest) return 0;
  const auto raised = std::min<std::uint32_t>(hits, highest - mark);
  node.mark = static_cast<std::uint8_t>(mark + raised);
  return raised;
}

}  // namespace tarmac
