#include <tarmac/core/assert.h>
#include <tarmac/core/internal/node_table.h>

#include <algorithm>

namespace tarmac::internal {

void NodeTable::make_room() {
  constexpr std::size_t kFirstCapacity = 16;
  if ((size_ + 1) * 4 <= tags_.size() * 3) return;  // At most three slots in four are taken.
  const std::size_t capacity = std::max(kFirstCapacity, tags_.size() * 2);
  NodeTable larger;
  larger.tags_.assign(capacity, 0);
  larger.nodes_.assign(capacity, nullptr);
  larger.mask_ = capacity - 1;
  larger.size_ = size_;
  for_each([&larger](EntryNode& node) { larger.place(node); });
  *this = std::move(larger);
}

void NodeTable::place(EntryNode& node) noexcept {
  std::size_t i = home_of(node.hash);
  while (tags_[i] != 0) i = (i + 1) & mask_;
  tags_[i] = tag_of(node.hash);
  nodes_[i] = &node;
}

void NodeTable::insert(EntryNode& node) noexcept {
  TARMAC_ASSERT((size_ + 1) * 4 <= tags_.size() * 3);
  place(node);
  ++size_;
}

void NodeTable::erase(const EntryNode& node) noexcept {
  TARMAC_ASSERT(size_ > 0);
  std::size_t hole = home_of(node.hash);
  while (nodes_[hole] != &node) hole = (hole + 1) & mask_;
  // Whoever probed across the hole would stop there: close it with the next node that may move up.
  for (std::size_t i = (hole + 1) & mask_; tags_[i] != 0; i = (i + 1) & mask_) {
    const std::size_t home = home_of(nodes_[i]->hash);
    const bool stays = ((i - home) & mask_) < ((i - hole) & mask_);
    if (stays) continue;
    tags_[hole] = tags_[i];
    nodes_[hole] = nodes_[i];
    hole = i;
  }
  tags_[hole] = 0;
  nodes_[hole] = nullptr;
  --size_;
}

void NodeTable::clear() noexcept {
  tags_.clear();
  nodes_.clear();
  mask_ = 0;
  size_ = 0;
}

}  // namespace tarmac::internal
