// What the hash table of a shard is made of: groups of a few slots.
#pragma once

#include <tarmac/core/entry_node.h>
#include <tarmac/core/internal/deadline_code.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tarmac::internal {

/// Key and value of a node as machine words, kept in the table itself where they fit, so that a hit
/// does not have to wait for the node's memory as well. Where they do not fit: no key, and as value
/// the address of the value's block, if it has one.
struct WordPair {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
};

/// What one slot holds: a node's address, and above it what a search wants to know at once.
struct SlotWord {
  static constexpr unsigned kAddressBits = 48;
  static constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
  static constexpr std::uint64_t kMayExpire = std::uint64_t{1} << kAddressBits;
  /// Hits have nothing to tell of the node.
  static constexpr std::uint64_t kSettled = kMayExpire << 1U;
  /// 14 more bits: of the hash, or of the deadline where the key itself is at hand.
  static constexpr unsigned kUpperShift = kAddressBits + 2;
  static constexpr std::uint64_t kUpperMask = ~std::uint64_t{0} << kUpperShift;
  static_assert(64 - kUpperShift == DeadlineCode::kBits);

  /// By the code of the deadline, if it may be trusted: whether that is surely later than a coarse
  /// `now`.
  static bool outlives(std::uint64_t word, SteadyNanos now, SteadyNanos trusted_until) noexcept {
    return DeadlineCode::is_ahead(word >> kUpperShift, now) && now < trusted_until;
  }
};

/// What a group knows of its slots. Byte i: 8 bits of the hash in slot i, 0 while it is empty. The
/// last byte: how many nodes passed this group because it was full when they came; at its maximum
/// it stays.
struct TagWord {
  static constexpr unsigned kPassedShift = 56;
  static constexpr std::uint64_t kMany = 255;
  static constexpr std::uint64_t kOnes = 0x01'01'01'01'01'01'01'01;

  /// Bits 41 to 47, and never 0.
  static std::uint64_t of(std::uint64_t hash) noexcept { return (hash >> 40U & 0xFFU) | 1U; }
  /// The high bit of each slot's byte of `tags` that equals `tag`; now and then of another
  /// one above such a byte. Without a branch: which slot it is, no processor could foretell.
  template <std::size_t Slots>
  static std::uint64_t matches(std::uint64_t tags, std::uint64_t tag) noexcept {
    constexpr std::uint64_t kHighBits = (0x80 * kOnes) >> (64 - 8 * Slots);
    const auto differences = tags ^ (tag * kOnes);
    return (differences - kOnes) & ~differences & kHighBits;
  }
  static std::uint64_t passed(std::uint64_t tags) noexcept { return tags >> kPassedShift; }
};

/// What a search without a lock has found.
struct FoundPair {
  EntryNode* node = nullptr;
  std::uint64_t value = 0;
  /// Until then the code of the deadline may be trusted.
  SteadyNanos trusted_until = 0;
  /// The slot, as it was before the value was read and after it.
  std::uint64_t before = 0;
  std::uint64_t after = 0;

  [[nodiscard]] bool is_settled() const noexcept { return (before & SlotWord::kSettled) != 0; }
  [[nodiscard]] bool may_expire() const noexcept { return (after & SlotWord::kMayExpire) != 0; }
  /// True if the value's deadline is surely later than a coarse `now`: the node need not be asked.
  /// Not if a write changed it meanwhile: whose deadline that is, of the old value or the new, the
  /// table does not know. (Two writes may bring the same code again; the later value was then read
  /// while it was written.)
  [[nodiscard]] bool outlives(SteadyNanos now) const noexcept {
    return before == after && SlotWord::outlives(after, now, trusted_until);
  }
};

/// A group as large as two cache lines allow, neighbours that a processor fetches together.
template <std::size_t Slots>
struct TableGroupHead {
  static constexpr std::size_t kSlots = Slots;

  /// A TagWord.
  std::atomic<std::uint64_t> tags{0};
  /// Each a SlotWord, 0 while it is empty.
  std::array<std::atomic<std::uint64_t>, kSlots> slots{};
};
struct alignas(128) TableGroup : TableGroupHead<7> {
  /// Where the values' blocks are, or were, or 0: they are fetched beside the nodes, which say
  /// where they are.
  std::array<std::atomic<std::uint64_t>, kSlots> blocks{};

  [[nodiscard]] const void* second_line() const noexcept { return &blocks.back(); }
  void fetch_block(std::size_t slot) const noexcept {
    const auto address = blocks[slot].load(std::memory_order_relaxed);
    if (address == 0) return;
    __builtin_prefetch(reinterpret_cast<const void*>(address));  // NOLINT(*-no-int-to-ptr): was one
  }
};
struct alignas(128) PairedTableGroup : TableGroupHead<5> {
  struct Pair {
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Pair, kSlots> pairs{};

  [[nodiscard]] const void* second_line() const noexcept { return &pairs.back(); }
};

}  // namespace tarmac::internal
