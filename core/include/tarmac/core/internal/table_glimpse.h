// The shortest search of a group, in as few instructions as can be: a hit waits for memory, and the
// shorter it is, the more hits wait at once.
#pragma once

#include <tarmac/core/internal/table_group.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tarmac::internal {

/// What a look at one group has found.
struct GlimpsedPair {
  /// As it was before the value was read and after it; 0 if nothing was found.
  std::uint64_t slot = 0;
  std::uint64_t value = 0;
  /// There is surely no such node, in no other group either.
  bool is_absent = false;

  [[nodiscard]] bool is_settled() const noexcept { return (slot & SlotWord::kSettled) != 0; }
  [[nodiscard]] bool may_expire() const noexcept { return (slot & SlotWord::kMayExpire) != 0; }
  /// See FoundPair::outlives(); true as well of what never expires.
  [[nodiscard]] bool outlives(SteadyNanos now, SteadyNanos trusted_until) const noexcept {
    return !may_expire() || SlotWord::outlives(slot, now, trusted_until);
  }
};

/// A bit for each slot whose byte of `tags` is `tag`.
template <std::size_t Slots>
[[nodiscard]] inline unsigned slots_tagged(std::uint64_t tags, std::uint64_t tag) noexcept {
  unsigned found = 0;
#ifdef __SSE2__
  const __m128i lanes = _mm_cvtsi64_si128(static_cast<long long>(tags));
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
  found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(lanes, wanted)));
#else
  for (unsigned i = 0; i < Slots; ++i) found |= ((tags >> 8 * i & 0xFFU) == tag ? 1U : 0U) << i;
#endif
  return found & ((1U << Slots) - 1);
}

/// Looks at the first slot that may be right, `same(word of its key)`, in the group where a search
/// for `hash` begins. It may find nothing where NodeTable::find_pair() would find a node.
/// Thread-safety: from any thread with the epoch pinned, while the group was found.
template <class Same>
[[nodiscard, gnu::always_inline]] inline GlimpsedPair glimpse(const PairedTableGroup& group,
                                                              std::uint64_t hash,
                                                              Same&& same) noexcept {
  __builtin_prefetch(&group.pairs.back());
  GlimpsedPair found;
  const auto tags = group.tags.load(std::memory_order_acquire);
  const unsigned tagged = slots_tagged<PairedTableGroup::kSlots>(tags, TagWord::of(hash));
  if (tagged == 0) [[unlikely]] {
    found.is_absent = TagWord::passed(tags) == 0;
    return found;
  }
  const auto slot = static_cast<std::size_t>(std::countr_zero(tagged));
  const auto word = group.slots[slot].load(std::memory_order_acquire);
  if (!same(group.pairs[slot].key.load(std::memory_order_acquire))) return found;
  found.value = group.pairs[slot].value.load(std::memory_order_acquire);
  // If nothing about the slot has changed, key and value are those of its node: no address comes
  // back as long as the epoch is pinned. (Of an empty slot the word is 0.)
  if (word == group.slots[slot].load(std::memory_order_relaxed)) [[likely]]
    found.slot = word;
  return found;
}

}  // namespace tarmac::internal
