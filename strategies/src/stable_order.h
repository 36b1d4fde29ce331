// Sorting the nodes of a swap by what they remember. Internal to this room.
#pragma once

#include <tarmac/core/entry_node.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tarmac::internal {

/// Sorts `order` by ascending `key(node)`; equal keys keep their order, so that a swap is
/// deterministic. O(n log n). Requires: the nodes are not tracked.
///
/// std::stable_sort would allocate. The place a node came from waits in its `scratch` instead,
/// which is zero before and after.
template <class Key>
void sort_stably(std::span<EntryNode*> order, Key key) noexcept {
  // What a restart brings back is in order already.
  const auto key_of = [&key](const EntryNode* node) { return key(*node); };
  if (std::ranges::is_sorted(order, {}, key_of)) return;
  for (std::size_t place = 0; place < order.size(); ++place) order[place]->scratch = place;
  std::sort(order.begin(), order.end(), [&key](const EntryNode* a, const EntryNode* b) {
    const auto key_a = key(*a);
    const auto key_b = key(*b);
    return key_a != key_b ? key_a < key_b : a->scratch < b->scratch;
  });
  for (EntryNode* node : order) node->scratch = 0;
}

/// Sorts by a tick of the nodes (`&EntryNode::inserted_at` or `accessed_at`), oldest first.
///
/// is_older() alone is no order for std::sort once ticks are more than 2^31 apart (a before b
/// before c before a), and std::sort may then run off the end. Distances from one tick are always
/// an order, and the same one as is_older() whenever that is one.
inline void sort_by_tick(std::span<EntryNode*> order, std::uint32_t EntryNode::*tick) noexcept {
  if (order.empty()) return;
  std::uint32_t oldest = order.front()->*tick;
  for (const EntryNode* node : order) {
    if (is_older(node->*tick, oldest)) oldest = node->*tick;
  }
  sort_stably(order, [oldest, tick](const EntryNode& node) { return node.*tick - oldest; });
}

}  // namespace tarmac::internal
