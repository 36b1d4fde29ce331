// The hash table of a shard: open addressing over pointers to nodes, with 32 bits of the hash
// beside each, so that a probe seldom touches a node that is not the one.
#pragma once

#include <tarmac/core/entry_node.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tarmac::internal {

/// Finds nodes by hash; does not own them.
///
/// - Thread-safety: not synchronised.
/// - Exceptions: only make_room() throws (std::bad_alloc), and changes nothing then.
class NodeTable {
 public:
  NodeTable() = default;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The node with this hash for which `same(node)` holds; nullptr if there is none.
  template <class Same>
  [[nodiscard]] EntryNode* find(std::uint64_t hash, Same&& same) const {
    if (size_ == 0) return nullptr;
    const auto tag = tag_of(hash);
    for (std::size_t i = home_of(hash);; i = (i + 1) & mask_) {
      if (tags_[i] == 0) return nullptr;
      if (tags_[i] == tag && nodes_[i]->hash == hash && same(*nodes_[i])) return nodes_[i];
    }
  }

  /// Makes sure that the next insert() allocates nothing.
  void make_room();
  /// Requires: room was made, and no equal node is in the table.
  void insert(EntryNode& node) noexcept;
  /// Requires: the node is in the table.
  void erase(const EntryNode& node) noexcept;
  void clear() noexcept;

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      if (tags_[i] != 0) visit(*nodes_[i]);
    }
  }

 private:
  /// The upper half decides the tag, the lower half the place; 0 means an empty slot.
  static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32U) | 1U;
  }
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash) & mask_;
  }
  void place(EntryNode& node) noexcept;

  std::vector<std::uint32_t> tags_;
  std::vector<EntryNode*> nodes_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tarmac::internal
