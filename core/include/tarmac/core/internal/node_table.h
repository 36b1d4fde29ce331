// The hash table of a shard, which readers search without a lock: groups of one cache line, each with
// seven slots and a count of those that had to go further.
#pragma once

#include <tarmac/core/entry_node.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tarmac::internal {

/// Finds nodes by hash; does not own them. A node never moves while it stays, nothing marks where
/// one was, and a search ends at the first group that nobody had to pass: so a reader needs no
/// version to check, and a table full of comings and goings stays as fast as a fresh one.
///
/// - Thread-safety: find() from any thread that has the epoch pinned; all else under the shard's
///   lock. A find() that began before a change may answer as of before it.
/// - Exceptions: only make_room() throws (std::bad_alloc), and changes nothing then.
/// - Source: the overflow count is that of Facebook's F14 tables (N. Bronson and X. Shi, 2019).
class NodeTable {
 public:
  struct Group;
  /// The groups of one size; replaced as a whole by growth.
  struct Groups {
    explicit Groups(std::size_t n);
    ~Groups();
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;

    const std::size_t count;
    Group* const first;
  };
  using Replaced = std::unique_ptr<Groups>;

  NodeTable() = default;
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;
  ~NodeTable() { delete groups_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The node with this hash for which `same(node)` holds; nullptr if there is none.
  template <class Same>
  [[nodiscard]] EntryNode* find(std::uint64_t hash, Same&& same) const;

  /// Makes sure that the next insert() allocates nothing. `expected` is how many nodes there will
  /// be at most, if that is known. Returns the groups that readers may still search.
  [[nodiscard]] Replaced make_room(std::uint64_t expected);
  /// Requires: room was made, and no equal node is in the table.
  void insert(EntryNode& node) noexcept;
  /// Requires: the node is in the table.
  void erase(const EntryNode& node) noexcept;
  /// Exchanges the content with `other`, which no reader knows. Readers may still search what this
  /// table held before.
  void swap(NodeTable& other) noexcept;

  template <class Visit>
  void for_each(Visit&& visit) const;

  struct alignas(64) Group {
    static constexpr std::size_t kSlots = 7;

    /// A node's address with 16 bits of its hash above it; 0 while empty.
    std::array<std::atomic<std::uint64_t>, kSlots> slots{};
    /// Nodes that passed this group because it was full when they came.
    std::atomic<std::uint32_t> overflow{0};
  };

 private:
  static constexpr unsigned kAddressBits = 48;
  static constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
  static_assert(sizeof(void*) == 8, "slots keep 16 bits of the hash above an address");

  /// Bits 32 to 47; the lower ones choose the group, those above the shard.
  static std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash << 16U & ~kAddressMask; }
  static std::size_t home_of(std::uint64_t hash, std::size_t count) noexcept {
    return static_cast<std::size_t>((hash & 0xFFFF'FFFFU) * count >> 32U);
  }
  static EntryNode* node_of(std::uint64_t slot) noexcept {
    return std::bit_cast<EntryNode*>(slot & kAddressMask);
  }
  static void place(Groups& groups, EntryNode& node) noexcept;

  // On a line that only growth writes to, for the readers' sake.
  alignas(64) std::atomic<Groups*> groups_{nullptr};
  alignas(64) std::size_t size_ = 0;
  /// More nodes than this want more groups.
  std::size_t most_ = 0;
};

template <class Same>
EntryNode* NodeTable::find(std::uint64_t hash, Same&& same) const {
  const Groups* groups = groups_.load(std::memory_order_acquire);
  if (groups == nullptr) return nullptr;
  const auto tag = tag_of(hash);
  const auto count = groups->count;
  std::size_t at = home_of(hash, count);
  for (std::size_t searched = 0; searched < count; ++searched) {
    const Group& group = groups->first[at];
    for (const auto& slot : group.slots) {
      const auto word = slot.load(std::memory_order_acquire);
      if ((word & ~kAddressMask) != tag) continue;
      EntryNode* node = node_of(word);
      if (node != nullptr && node->hash == hash && same(*node)) return node;
    }
    if (group.overflow.load(std::memory_order_acquire) == 0) return nullptr;
    if (++at == count) at = 0;
  }
  return nullptr;
}

template <class Visit>
void NodeTable::for_each(Visit&& visit) const {
  const Groups* groups = groups_.load(std::memory_order_relaxed);
  if (groups == nullptr) return;
  for (std::size_t i = 0; i < groups->count; ++i) {
    for (const auto& slot : groups->first[i].slots) {
      if (EntryNode* node = node_of(slot.load(std::memory_order_relaxed))) visit(*node);
    }
  }
}

}  // namespace tarmac::internal
