// The hash table of a shard, which readers search without a lock: groups of a few slots, each group
// with a byte of the hash for each slot and a count of the nodes that had to go further.
#pragma once

#include <tarmac/core/entry_node.h>
#include <tarmac/core/internal/table_group.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

namespace tarmac::internal {

/// Finds nodes by hash; does not own them. A node never moves while it stays, nothing marks where
/// one was, and a search ends at the first group that nobody had to pass: so a reader needs no
/// version to check, and a table full of comings and goings stays as fast as a fresh one.
///
/// - Thread-safety: find*() and prefetch*() from any thread with the epoch pinned; all else
///   under the shard's lock. A search that began before a change may answer as of before it.
/// - Exceptions: only make_room() throws (std::bad_alloc), and changes nothing then.
/// - Source: the overflow count is that of Facebook's F14 tables (N. Bronson and X. Shi, 2019).
template <bool Paired>
class NodeTable {
 public:
  using Group = std::conditional_t<Paired, PairedTableGroup, TableGroup>;
  /// The groups of one size; replaced as a whole by growth.
  struct Groups {
    explicit Groups(std::size_t n);
    ~Groups();
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;

    [[nodiscard]] const Group& home_of(std::uint64_t hash) const noexcept {
      return first[NodeTable::home_of(hash, count)];
    }

    const std::size_t count;
    Group* const first;
    /// Until then the codes of deadlines hold.
    std::atomic<SteadyNanos> trusted_until{std::numeric_limits<SteadyNanos>::min()};
  };
  using Replaced = std::unique_ptr<Groups>;

  using Found = FoundPair;

  NodeTable() = default;
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;
  ~NodeTable() { delete groups_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The node with this hash for which `same(node)` holds; nullptr if there is none.
  template <class Same>
  [[nodiscard]] EntryNode* find(std::uint64_t hash, Same&& same) const {
    const Groups* groups = groups_.load(std::memory_order_acquire);
    return search(groups, hash, [&same, hash](const Group& group, std::size_t i, auto word) {
      // Between two loads the slot may have been emptied, or been taken by another node.
      EntryNode* node = ((word ^ upper_of(hash)) & kHashMask) == 0 ? node_of(word) : nullptr;
      if constexpr (!Paired) group.fetch_block(i);
      return node != nullptr && same(*node) ? node : nullptr;
    });
  }
  /// The same by the word of the key, `same(word)`, and with what the table knows of the node.
  template <class Same>
  [[nodiscard, gnu::always_inline]] Found find_pair(std::uint64_t hash, Same&& same) const;

  /// What readers search; nullptr before the first insertion.
  [[nodiscard]] const Groups* groups() const noexcept {
    return groups_.load(std::memory_order_acquire);
  }
  /// That a slot holds.
  static EntryNode* node_of(std::uint64_t word) noexcept {
    // More than the address is kept in one word, so it has to be cut out of it.
    const auto address = word & SlotWord::kAddressMask;
    return reinterpret_cast<EntryNode*>(address);  // NOLINT(*-no-int-to-ptr): was one
  }

  /// Has the memory fetched that this look-up, insert() or erase() needs first.
  void prefetch_to_read(std::uint64_t hash) const noexcept {
    if (const Group* home = home_group(hash)) __builtin_prefetch(home);
  }
  void prefetch_to_insert(std::uint64_t hash) const noexcept {
    const Group* home = home_group(hash);
    if (home == nullptr) return;
    __builtin_prefetch(home, 1);
    __builtin_prefetch(home->second_line(), 1);
  }
  void prefetch_to_erase(std::uint64_t hash) const noexcept {
    if (const Group* home = home_group(hash)) __builtin_prefetch(home, 1);
  }

  [[nodiscard]] bool has_room() const noexcept { return size_ < most_; }
  /// Makes sure that the next insert() allocates nothing. `expected` is how many nodes there will
  /// be at most, if that is known. Returns the groups that readers may still search.
  [[nodiscard]] Replaced make_room(std::uint64_t expected);
  /// Requires: room was made, and no equal node is in the table. `now` is of interest if the node
  /// may expire.
  void insert(EntryNode& node, const WordPair& pair, bool may_expire, SteadyNanos now) noexcept;
  /// `value`: see WordPair. Requires, as what follows: the node is in the table.
  void set_value(const EntryNode& node, std::uint64_t value) noexcept;
  /// To be called when the node's deadline has changed, and before its value changes to one whose
  /// deadline is earlier.
  void note_deadline(const EntryNode& node, SteadyNanos now) noexcept;
  /// Whether hits have nothing to tell of the node: what find_pair() says of it. May be called for
  /// a node that is not in the table; then nothing happens.
  void set_settled(const EntryNode& node, bool settled) noexcept;
  void unsettle_all() noexcept;
  void erase(const EntryNode& node) noexcept;
  /// Exchanges the content with `other`, which no reader knows. Readers may still search what this
  /// table held before.
  void swap(NodeTable& other) noexcept;

  template <class Visit>
  void for_each(Visit&& visit) const;

 private:
  static constexpr std::size_t kSlots = Group::kSlots;
  static constexpr std::uint64_t kHashMask = Paired ? 0 : SlotWord::kUpperMask;
  static constexpr std::size_t kFewGroups = 37;
  static_assert(sizeof(void*) == 8, "slots keep 16 bits above an address");

  /// Bits 34 to 47; the lower ones choose the group, those above the shard.
  static std::uint64_t upper_of(std::uint64_t hash) noexcept { return hash << 16U & kHashMask; }
  static std::size_t home_of(std::uint64_t hash, std::size_t count) noexcept {
    return static_cast<std::size_t>((hash & 0xFFFF'FFFFU) * count >> 32U);
  }
  /// Where a search goes on when a group is full: not always next door, or full groups would
  /// cluster and make their neighbours full. Every stride visits all groups: from kFewGroups on,
  /// their number has no divisor that a stride could have.
  static std::size_t stride_of(std::uint64_t hash, std::size_t count) noexcept {
    return count < kFewGroups ? 1 : 1 + static_cast<std::size_t>(hash >> 32U & 31U);
  }
  static void advance(std::size_t& at, std::size_t stride, std::size_t count) noexcept {
    at += stride;
    if (at >= count) at -= count;
  }
  [[nodiscard]] const Group* home_group(std::uint64_t hash) const noexcept {
    const Groups* searched = groups();
    return searched != nullptr ? &searched->home_of(hash) : nullptr;
  }
  struct Place {
    Group* group;
    std::size_t slot;
  };

  /// The first result of `look(group, slot, word)` that is not null, for the slots that may hold
  /// the node.
  template <class Look>
  [[nodiscard, gnu::always_inline]] static EntryNode* search(const Groups* groups,
                                                             std::uint64_t hash, Look&& look);
  static void place(Groups& groups, std::uint64_t word, std::uint64_t hash,
                    const WordPair& pair) noexcept;
  static bool find_in(Group& group, const EntryNode& node, std::size_t& slot) noexcept;
  [[nodiscard]] Place locate(const EntryNode& node) const noexcept;
  static std::uint64_t expiry_of(const EntryNode& node, SteadyNanos now) noexcept {
    return SlotWord::kMayExpire |
           (Paired ? DeadlineCode::of(node.expires_at, now) << SlotWord::kUpperShift : 0);
  }
  void keep_trust(SteadyNanos now) noexcept;

  // On a line that only growth writes to, for the readers' sake.
  alignas(64) std::atomic<Groups*> groups_{nullptr};
  alignas(64) std::size_t size_ = 0;
  /// More nodes than this want more groups.
  std::size_t most_ = 0;
};

template <bool Paired>
template <class Look>
inline EntryNode* NodeTable<Paired>::search(const Groups* groups, std::uint64_t hash, Look&& look) {
  if (groups == nullptr) return nullptr;
  const auto count = groups->count;
  std::size_t at = home_of(hash, count);
  const Group* group = &groups->first[at];
  // So that all of the group comes at once.
  __builtin_prefetch(group->second_line());
  const auto tag = TagWord::of(hash);
  for (std::size_t searched = 0;;) {
    const auto tags = group->tags.load(std::memory_order_acquire);
    for (auto found = TagWord::matches<kSlots>(tags, tag); found != 0; found &= found - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(found)) / 8;
      const auto word = group->slots[slot].load(std::memory_order_acquire);
      if (EntryNode* node = look(*group, slot, word)) [[likely]]
        return node;
    }
    if (TagWord::passed(tags) == 0 || ++searched == count) return nullptr;
    advance(at, stride_of(hash, count), count);
    group = &groups->first[at];
  }
}

template <bool Paired>
template <class Same>
inline auto NodeTable<Paired>::find_pair(std::uint64_t hash, Same&& same) const -> Found {
  static_assert(Paired);
  Found found;
  const Groups* groups = groups_.load(std::memory_order_acquire);
  if (groups == nullptr) return found;
  // Before the slot, so that its code is at least as new.
  found.trusted_until = groups->trusted_until.load(std::memory_order_acquire);
  const auto look = [&](const Group& group, std::size_t slot, std::uint64_t word) {
    const auto& pair = group.pairs[slot];
    if (!same(pair.key.load(std::memory_order_acquire))) return static_cast<EntryNode*>(nullptr);
    found.value = pair.value.load(std::memory_order_acquire);
    found.before = word;
    // If it is still that node's slot, it has been all the time: no address comes back as long as
    // the epoch is pinned. Then key and value are its own. (Of an empty slot the address is null.)
    found.after = group.slots[slot].load(std::memory_order_relaxed);
    return ((word ^ found.after) & SlotWord::kAddressMask) == 0 ? node_of(word) : nullptr;
  };
  found.node = search(groups, hash, look);
  return found;
}

template <bool Paired>
template <class Visit>
void NodeTable<Paired>::for_each(Visit&& visit) const {
  const Groups* groups = groups_.load(std::memory_order_relaxed);
  if (groups == nullptr) return;
  for (std::size_t i = 0; i < groups->count; ++i) {
    for (const auto& slot : groups->first[i].slots) {
      if (EntryNode* node = node_of(slot.load(std::memory_order_relaxed))) visit(*node);
    }
  }
}

extern template class NodeTable<false>;
extern template class NodeTable<true>;

}  // namespace tarmac::internal
