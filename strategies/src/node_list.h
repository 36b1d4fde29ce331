// The doubly linked list most strategies keep their nodes in. Internal to this room.
#pragma once

#include <tarmac/core/assert.h>
#include <tarmac/core/eviction_strategy.h>

#include <cstddef>
#include <span>

namespace tarmac::internal {

/// Fetches a node's memory. Inlined, or GCC leaves it out.
[[gnu::always_inline]] inline void fetch(const EntryNode* node) noexcept {
  __builtin_prefetch(node, 1);
  __builtin_prefetch(&node->hash, 1);
}

/// Nodes in a line from the oldest place, where victims leave, to the newest. The links are the
/// nodes' own `previous` and `next`, null again after remove(). Every member is O(1) but for the
/// two halves of a swap; none allocates.
class NodeList {
 public:
  NodeList() noexcept { forget_all(); }
  NodeList(const NodeList&) = delete;
  NodeList& operator=(const NodeList&) = delete;
  ~NodeList() = default;

  [[nodiscard]] bool empty() const noexcept { return end_.next == &end_; }
  /// Each returns nullptr where the list has no such node.
  [[nodiscard]] EntryNode* oldest() const noexcept { return known(end_.next); }
  [[nodiscard]] EntryNode* newest() const noexcept { return known(end_.previous); }
  [[nodiscard]] EntryNode* older_than(const EntryNode& node) const noexcept {
    return known(node.previous);
  }
  [[nodiscard]] EntryNode* newer_than(const EntryNode& node) const noexcept {
    return known(node.next);
  }

  /// For strategies whose victim is the oldest.
  [[nodiscard]] EvictionStrategy::Outlook outlook() const noexcept {
    const EntryNode* next = oldest();
    return {next, next != nullptr ? newer_than(*next) : nullptr};
  }

  void push_oldest(EntryNode& node) noexcept { link_after(end_, node); }
  void push_newest(EntryNode& node) noexcept { link_after(*end_.previous, node); }
  /// Puts `node` on the newer side of `place`, which is in the list.
  void insert_after(EntryNode& place, EntryNode& node) noexcept { link_after(place, node); }

  void remove(EntryNode& node) noexcept {
    node.previous->next = node.next;
    node.next->previous = node.previous;
    node.previous = nullptr;
    node.next = nullptr;
  }

  void move_to_newest(EntryNode& node) noexcept {
    remove(node);
    push_newest(node);
  }

  /// Writes the nodes to the front of `order`, oldest first, and forgets them. Returns how many.
  std::size_t hand_over(std::span<EntryNode*> order) noexcept {
    std::size_t written = 0;
    for (EntryNode* node = end_.next; node != &end_;) {
      TARMAC_ASSERT(written < order.size());
      EntryNode* const newer = node->next;
      node->previous = nullptr;
      node->next = nullptr;
      order[written++] = node;
      node = newer;
    }
    forget_all();
    return written;
  }

  void take_over(std::span<EntryNode* const> order) noexcept {
    for (EntryNode* node : order) push_newest(*node);
  }

 private:
  // The ends of the line meet in a node of the list's own, so that linking has no special cases.
  [[nodiscard]] EntryNode* known(EntryNode* node) const noexcept {
    return node == &end_ ? nullptr : node;
  }

  static void link_after(EntryNode& place, EntryNode& node) noexcept {
    node.previous = &place;
    node.next = place.next;
    place.next->previous = &node;
    place.next = &node;
  }

  void forget_all() noexcept {
    end_.previous = &end_;
    end_.next = &end_;
  }

  EntryNode end_;
};

}  // namespace tarmac::internal
