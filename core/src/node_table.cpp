#include <tarmac/core/assert.h>
#include <tarmac/core/internal/node_table.h>

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

namespace tarmac::internal {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20U;
/// From here on a table gets a whole one.
constexpr std::size_t kLarge = kHugePage / 2;

constexpr std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// Memory for a table. A large one is put on huge pages, where the kernel has them to give: with
/// small ones nearly every look-up would also miss in the processor's table of pages.
void* allocate_groups(std::size_t bytes, std::size_t alignment) {
  const bool large = bytes >= kLarge;
  if (large) alignment = kHugePage;
  bytes = rounded_up(bytes, alignment);
  void* memory = std::aligned_alloc(alignment, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  if (large) madvise(memory, bytes, MADV_HUGEPAGE);  // If it cannot: small pages do as well.
  return memory;
}

/// At most three slots in five are taken: then, however long nodes come and go, the search for a
/// key that is not there looks at one and a half groups on average.
constexpr std::size_t kFullOf = 3;
constexpr std::size_t kFullIn = 5;

/// No fewer than `count` groups, such that every stride visits all of them.
std::size_t without_small_divisors(std::size_t count, std::size_t few) {
  if (count < few) return count;
  for (std::size_t divisor = 2; divisor < 32;) {
    if (count % divisor == 0) {
      ++count;
      divisor = 2;
    } else {
      ++divisor;
    }
  }
  return count;
}

/// As many groups as the pages of `count` have room for anyway, as far as they may be: the emptier
/// a table, the fewer searches go on to a second group.
std::size_t filling_pages(std::size_t count, std::size_t group_bytes, std::size_t few) {
  if (count * group_bytes < kLarge) return count;
  const auto room = rounded_up(count * group_bytes, kHugePage) / group_bytes;
  for (auto most = room; most > count; --most) {
    if (without_small_divisors(most, few) == most) return most;
  }
  return count;
}

template <std::size_t Slots>
constexpr std::size_t groups_for(std::size_t nodes) {
  return (nodes * kFullIn + Slots * kFullOf - 1) / (Slots * kFullOf);
}
template <std::size_t Slots>
constexpr std::size_t most_in(std::size_t groups) {
  return groups * Slots * kFullOf / kFullIn;
}

}  // namespace

template <bool Paired>
NodeTable<Paired>::Groups::Groups(std::size_t n)
    : count(n), first(static_cast<Group*>(allocate_groups(n * sizeof(Group), alignof(Group)))) {
  std::uninitialized_value_construct_n(first, n);
}
template <bool Paired>
NodeTable<Paired>::Groups::~Groups() {
  static_assert(std::is_trivially_destructible_v<Group>);
  std::free(first);
}

template <bool Paired>
auto NodeTable<Paired>::make_room(std::uint64_t expected) -> Replaced {
  if (size_ < most_) return nullptr;
  Groups* old = groups_.load(std::memory_order_relaxed);
  const std::size_t before = old != nullptr ? old->count : 0;
  std::size_t count = std::max(groups_for<kSlots>(size_ + 1), 2 * before);
  // The last growth before the expected end goes just there.
  const std::size_t end = expected < (std::uint64_t{1} << 32U)
                              ? groups_for<kSlots>(static_cast<std::size_t>(expected))
                              : count;
  if (end > before && end < count && most_in<kSlots>(end) > size_) count = end;
  count = filling_pages(without_small_divisors(count, kFewGroups), sizeof(Group), kFewGroups);
  auto larger = std::make_unique<Groups>(count);
  constexpr std::size_t kAhead = 4;
  for (std::size_t i = 0; i < before; ++i) {
    // The nodes' hashes are wanted, and lie anywhere: many at a time come from memory.
    if (i + kAhead < before) {
      for (const auto& slot : old->first[i + kAhead].slots) {
        const EntryNode* node = node_of(slot.load(std::memory_order_relaxed));
        if (node != nullptr) __builtin_prefetch(&node->hash);
      }
    }
    const Group& group = old->first[i];
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      const auto word = group.slots[slot].load(std::memory_order_relaxed);
      if (word == 0) continue;
      WordPair pair;
      if constexpr (Paired) {
        pair = {group.pairs[slot].key.load(std::memory_order_relaxed),
                group.pairs[slot].value.load(std::memory_order_relaxed)};
      } else {
        pair.value = group.blocks[slot].load(std::memory_order_relaxed);
      }
      place(*larger, word, node_of(word)->hash, pair);
    }
  }
  if (old != nullptr) larger->trusted_until = old->trusted_until.load(std::memory_order_relaxed);
  most_ = std::max(most_in<kSlots>(count), size_ + 1);
  groups_.store(larger.release(), std::memory_order_release);
  return Replaced(old);
}

template <bool Paired>
void NodeTable<Paired>::place(Groups& groups, std::uint64_t word, std::uint64_t hash,
                              const WordPair& pair) noexcept {
  std::size_t at = home_of(hash, groups.count);
  for (;;) {
    Group& group = groups.first[at];
    const auto tags = group.tags.load(std::memory_order_relaxed);
    if (const auto empty = TagWord::matches<kSlots>(tags, 0); empty != 0) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(empty)) / 8;
      if constexpr (Paired) {
        group.pairs[slot].key.store(pair.key, std::memory_order_release);
        group.pairs[slot].value.store(pair.value, std::memory_order_release);
      } else {
        group.blocks[slot].store(pair.value, std::memory_order_relaxed);
      }
      group.slots[slot].store(word, std::memory_order_release);
      group.tags.store(tags | TagWord::of(hash) << (8 * slot), std::memory_order_release);
      return;
    }
    // Before the node is there to be found: who finds the group full must know to go on.
    if (TagWord::passed(tags) != TagWord::kMany) {
      group.tags.store(tags + (std::uint64_t{1} << TagWord::kPassedShift),
                       std::memory_order_release);
    }
    advance(at, stride_of(hash, groups.count), groups.count);
  }
}

template <bool Paired>
void NodeTable<Paired>::insert(EntryNode& node, const WordPair& pair, bool may_expire,
                               SteadyNanos now) noexcept {
  TARMAC_ASSERT(size_ < most_);
  auto word = upper_of(node.hash) | reinterpret_cast<std::uintptr_t>(&node);
  if (may_expire) {
    keep_trust(now);
    word |= expiry_of(node, now);
  }
  place(*groups_.load(std::memory_order_relaxed), word, node.hash, pair);
  ++size_;
}

template <bool Paired>
bool NodeTable<Paired>::find_in(Group& group, const EntryNode& node, std::size_t& slot) noexcept {
  const auto tags = group.tags.load(std::memory_order_relaxed);
  for (auto found = TagWord::matches<kSlots>(tags, TagWord::of(node.hash)); found != 0;
       found &= found - 1) {
    slot = static_cast<std::size_t>(std::countr_zero(found)) / 8;
    if (node_of(group.slots[slot].load(std::memory_order_relaxed)) == &node) return true;
  }
  return false;
}

template <bool Paired>
auto NodeTable<Paired>::locate(const EntryNode& node) const noexcept -> Place {
  Groups& groups = *groups_.load(std::memory_order_relaxed);
  std::size_t at = home_of(node.hash, groups.count);
  std::size_t slot = 0;
  while (!find_in(groups.first[at], node, slot)) {
    advance(at, stride_of(node.hash, groups.count), groups.count);
  }
  return {&groups.first[at], slot};
}

template <bool Paired>
void NodeTable<Paired>::set_value(const EntryNode& node, std::uint64_t value) noexcept {
  const Place at = locate(node);
  if constexpr (Paired) {
    at.group->pairs[at.slot].value.store(value, std::memory_order_release);
  } else {
    at.group->blocks[at.slot].store(value, std::memory_order_relaxed);
  }
}

template <bool Paired>
void NodeTable<Paired>::note_deadline(const EntryNode& node, SteadyNanos now) noexcept {
  if constexpr (Paired) {
    keep_trust(now);
    const Place at = locate(node);
    auto& slot = at.group->slots[at.slot];
    const auto word = slot.load(std::memory_order_relaxed);
    slot.store((word & ~SlotWord::kUpperMask) | expiry_of(node, now), std::memory_order_release);
  }
}

// All codes are made anew when half of the time is over for which they may be trusted: of the codes
// themselves, as the entries' memory is far away, but for deadlines beyond the window. As long as
// nobody writes what may expire, they are not, and then hits ask the entries.
template <bool Paired>
void NodeTable<Paired>::keep_trust(SteadyNanos now) noexcept {
  if constexpr (Paired) {
    Groups& groups = *groups_.load(std::memory_order_relaxed);
    const auto until = deadline_after(now, DeadlineCode::kWindow);
    const auto trusted_until = groups.trusted_until.load(std::memory_order_relaxed);
    if (trusted_until > until - DeadlineCode::kWindow / 2) return;
    const auto renewed = [now, trusted_until](std::uint64_t word) {
      const auto made = trusted_until - DeadlineCode::kWindow;
      const auto at = DeadlineCode::unit_of(word >> SlotWord::kUpperShift, made);
      return DeadlineCode::of(at ? *at : node_of(word)->expires_at.load(), now);
    };
    for (std::size_t i = 0; i < groups.count; ++i) {
      for (auto& slot : groups.first[i].slots) {
        const auto word = slot.load(std::memory_order_relaxed);
        if ((word & SlotWord::kMayExpire) == 0) continue;
        slot.store((word & ~SlotWord::kUpperMask) | renewed(word) << SlotWord::kUpperShift,
                   std::memory_order_release);
      }
    }
    groups.trusted_until.store(until, std::memory_order_release);
  }
}

template <bool Paired>
void NodeTable<Paired>::set_settled(const EntryNode& node, bool settled) noexcept {
  Groups* groups = groups_.load(std::memory_order_relaxed);
  if (groups == nullptr) return;
  std::size_t at = home_of(node.hash, groups->count);
  std::size_t slot = 0;
  for (std::size_t searched = 1; !find_in(groups->first[at], node, slot); ++searched) {
    const auto tags = groups->first[at].tags.load(std::memory_order_relaxed);
    if (TagWord::passed(tags) == 0 || searched == groups->count) return;
    advance(at, stride_of(node.hash, groups->count), groups->count);
  }
  auto& word = groups->first[at].slots[slot];
  const auto before = word.load(std::memory_order_relaxed);
  word.store(settled ? before | SlotWord::kSettled : before & ~SlotWord::kSettled,
             std::memory_order_release);
}

template <bool Paired>
void NodeTable<Paired>::unsettle_all() noexcept {
  Groups* groups = groups_.load(std::memory_order_relaxed);
  if (groups == nullptr) return;
  for (std::size_t i = 0; i < groups->count; ++i) {
    for (auto& slot : groups->first[i].slots) {
      const auto word = slot.load(std::memory_order_relaxed);
      if ((word & SlotWord::kSettled) != 0)
        slot.store(word & ~SlotWord::kSettled, std::memory_order_release);
    }
  }
}

template <bool Paired>
void NodeTable<Paired>::erase(const EntryNode& node) noexcept {
  TARMAC_ASSERT(size_ > 0);
  Groups& groups = *groups_.load(std::memory_order_relaxed);
  std::size_t at = home_of(node.hash, groups.count);
  std::size_t slot = 0;
  while (!find_in(groups.first[at], node, slot)) {
    // It no longer makes anybody pass the groups that it had passed.
    auto& tags = groups.first[at].tags;
    const auto word = tags.load(std::memory_order_relaxed);
    if (TagWord::passed(word) != TagWord::kMany) {
      tags.store(word - (std::uint64_t{1} << TagWord::kPassedShift), std::memory_order_release);
    }
    advance(at, stride_of(node.hash, groups.count), groups.count);
  }
  Group& group = groups.first[at];
  const auto tags = group.tags.load(std::memory_order_relaxed);
  group.tags.store(tags & ~(std::uint64_t{0xFF} << (8 * slot)), std::memory_order_release);
  group.slots[slot].store(0, std::memory_order_release);
  --size_;
}

template <bool Paired>
void NodeTable<Paired>::swap(NodeTable& other) noexcept {
  Groups* mine = groups_.load(std::memory_order_relaxed);
  groups_.store(other.groups_.load(std::memory_order_relaxed), std::memory_order_release);
  other.groups_.store(mine, std::memory_order_relaxed);
  std::swap(size_, other.size_);
  std::swap(most_, other.most_);
}

template class NodeTable<false>;
template class NodeTable<true>;

}  // namespace tarmac::internal
