// What the hash table of a shard is made of: groups of a few slots.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tarmac::internal {

/// Key and value of a node as machine words, kept in the table itself where they fit, so that a hit
/// does not have to wait for the node's memory as well.
struct WordPair {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
};

/// A group as large as its cache lines allow: one, or two neighbours that a processor fetches
/// together.
template <std::size_t Slots>
struct TableGroupHead {
  static constexpr std::size_t kSlots = Slots;

  /// Byte i: 8 bits of the hash in slot i, 0 while it is empty. The last byte: how many nodes
  /// passed this group because it was full when they came; at its maximum it stays.
  std::atomic<std::uint64_t> tags{0};
  /// A node's address; above it 14 other bits of its hash, whether its mark is settled, and whether
  /// it may expire.
  std::array<std::atomic<std::uint64_t>, kSlots> slots{};
};
struct alignas(64) TableGroup : TableGroupHead<7> {};
struct alignas(128) PairedTableGroup : TableGroupHead<5> {
  struct Pair {
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Pair, kSlots> pairs{};
};

}  // namespace tarmac::internal
