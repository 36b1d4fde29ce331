#include <tarmac/core/assert.h>
#include <tarmac/core/internal/node_table.h>

#include <algorithm>

namespace tarmac::internal {
namespace {

constexpr auto kSlots = NodeTable::Group::kSlots;
/// At most four slots in five are taken: then one node in some twenty has to pass a full group.
constexpr std::size_t kFullOf = 4;
constexpr std::size_t kFullIn = 5;

constexpr std::size_t groups_for(std::size_t nodes) {
  return (nodes * kFullIn + kSlots * kFullOf - 1) / (kSlots * kFullOf);
}
constexpr std::size_t most_in(std::size_t groups) { return groups * kSlots * kFullOf / kFullIn; }

}  // namespace

NodeTable::Groups::Groups(std::size_t n) : count(n), first(new Group[n]) {}
NodeTable::Groups::~Groups() { delete[] first; }

auto NodeTable::make_room(std::uint64_t expected) -> Replaced {
  if (size_ < most_) return nullptr;
  Groups* old = groups_.load(std::memory_order_relaxed);
  const std::size_t before = old != nullptr ? old->count : 0;
  std::size_t count = std::max(groups_for(size_ + 1), 2 * before);
  // The last growth before the expected end goes just there.
  const std::size_t end = expected < (std::uint64_t{1} << 32U)
                              ? groups_for(static_cast<std::size_t>(expected))
                              : count;
  if (end > before && end < count && most_in(end) > size_) count = end;
  auto larger = std::make_unique<Groups>(count);
  for_each([&larger](EntryNode& node) { place(*larger, node); });
  most_ = std::max(most_in(count), size_ + 1);
  groups_.store(larger.release(), std::memory_order_release);
  return Replaced(old);
}

void NodeTable::place(Groups& groups, EntryNode& node) noexcept {
  std::size_t at = home_of(node.hash, groups.count);
  for (;;) {
    Group& group = groups.first[at];
    for (auto& slot : group.slots) {
      if (slot.load(std::memory_order_relaxed) != 0) continue;
      slot.store(tag_of(node.hash) | std::bit_cast<std::uint64_t>(&node),
                 std::memory_order_release);
      return;
    }
    // Before the node is there to be found: who finds the group full must know to go on.
    group.overflow.fetch_add(1, std::memory_order_release);
    if (++at == groups.count) at = 0;
  }
}

void NodeTable::insert(EntryNode& node) noexcept {
  TARMAC_ASSERT(size_ < most_);
  place(*groups_.load(std::memory_order_relaxed), node);
  ++size_;
}

void NodeTable::erase(const EntryNode& node) noexcept {
  TARMAC_ASSERT(size_ > 0);
  Groups& groups = *groups_.load(std::memory_order_relaxed);
  const auto word = tag_of(node.hash) | std::bit_cast<std::uint64_t>(&node);
  const std::size_t home = home_of(node.hash, groups.count);
  std::size_t at = home;
  std::atomic<std::uint64_t>* found = nullptr;
  for (;; at = at + 1 == groups.count ? 0 : at + 1) {
    for (auto& slot : groups.first[at].slots) {
      if (slot.load(std::memory_order_relaxed) == word) found = &slot;
    }
    if (found != nullptr) break;
  }
  found->store(0, std::memory_order_release);
  // It no longer makes anybody pass the groups that it had passed.
  for (std::size_t passed = home; passed != at; passed = passed + 1 == groups.count ? 0 : passed + 1) {
    groups.first[passed].overflow.fetch_sub(1, std::memory_order_release);
  }
  --size_;
}

void NodeTable::swap(NodeTable& other) noexcept {
  Groups* mine = groups_.load(std::memory_order_relaxed);
  groups_.store(other.groups_.load(std::memory_order_relaxed), std::memory_order_release);
  other.groups_.store(mine, std::memory_order_relaxed);
  std::swap(size_, other.size_);
  std::swap(most_, other.most_);
}

}  // namespace tarmac::internal
