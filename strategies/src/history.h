// A stack in which resident entries and ghosts of keys that left are mixed. Internal to this room.
#pragma once

#include "shares.h"

#include <tarmac/core/assert.h>
#include <tarmac/core/eviction_strategy.h>
#include <tarmac/core/internal/hash_index.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>

namespace tarmac::internal {

/// Entries in a line from the oldest place to the newest, some of them only remembered by hash.
/// `scratch` of a resident entry in the line is its slot; one that is not in it has kNone there.
///
/// - Memory: 24 bytes for each place, and 16 to 32 for each ghost. Grows amortised beyond what was
///   made at once; where there is no memory, places are refused and ghosts forgotten.
/// - Every member is O(1), amortised for oldest_ghost(), but for reserve_for() and weigh_by().
class History {
 public:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = 0;
  /// The state of a ghost. Strategies number those of residents from 1.
  static constexpr std::uint8_t kGhost = 0;

  History() { grow(kSmallest); }

  /// Makes room for the ghosts of `multiple` capacities, where that is worth doing at once.
  void reserve_for(const StrategyCapacity& capacity, double multiple) {
    if (capacity.in_weight || capacity.amount > kReservedEntries) return;
    const auto ghosts = share_of(capacity.amount, std::min(multiple, 8.0)) + 2;
    index_.reserve(ghosts);
    grow(ghosts + 2 * capacity.amount + 1);  // Twice: a shard may hold more than its share.
  }

  /// Each is kNone where the line has no such place.
  [[nodiscard]] Slot oldest() const noexcept { return records_[kNone].newer; }
  [[nodiscard]] Slot newest() const noexcept { return records_[kNone].older; }
  [[nodiscard]] Slot newer_than(Slot slot) const noexcept { return records_[slot].newer; }

  [[nodiscard]] std::uint8_t state(Slot slot) const noexcept { return records_[slot].state; }
  /// Each requires that a resident stands there.
  void set_state(Slot slot, std::uint8_t state) noexcept { records_[slot].state = state; }
  [[nodiscard]] EntryNode& node(Slot slot) const noexcept { return *records_[slot].node; }

  [[nodiscard]] std::uint64_t ghosts() const noexcept { return index_.size(); }
  /// What the ghosts would take of the capacity, and what everything in the line does. An entry
  /// without weight counts 1, so that a bound on either bounds the memory.
  [[nodiscard]] std::uint64_t ghost_cost() const noexcept { return ghost_cost_; }
  [[nodiscard]] std::uint64_t cost() const noexcept { return cost_; }

  /// Counts costs in weight or in entries from now on.
  void weigh_by(bool in_weight) noexcept {
    if (in_weight_ == in_weight) return;
    in_weight_ = in_weight;
    cost_ = ghost_cost_ = 0;
    for (Slot slot = oldest(); slot != kNone; slot = newer_than(slot)) {
      cost_ += cost_of(slot);
      if (state(slot) == kGhost) ghost_cost_ += cost_of(slot);
    }
  }

  /// Puts `node` into the newest place. False, and nothing has changed, if there is no memory.
  bool push_newest(EntryNode& node, std::uint8_t state) noexcept {
    const Slot slot = take();
    if (slot == kNone) return false;
    Record& record = records_[slot];
    record.node = &node;
    record.weight = node.weight;
    record.state = state;
    link_newest(slot);
    cost_ += cost_of(slot);
    node.scratch = slot;
    return true;
  }

  void move_to_newest(Slot slot) noexcept {
    if (slot == newest()) return;
    unlink(slot);
    link_newest(slot);
  }

  /// The resident at `slot` has another weight now.
  void reweigh(Slot slot) noexcept {
    cost_ -= cost_of(slot);
    records_[slot].weight = records_[slot].node->weight;
    cost_ += cost_of(slot);
  }

  /// Takes out what stands there, a resident or a ghost.
  void drop(Slot slot) noexcept {
    cost_ -= cost_of(slot);
    if (state(slot) == kGhost) {
      index_.erase(records_[slot].hash, slot);
      ghost_cost_ -= cost_of(slot);
    } else {
      records_[slot].node->scratch = kNone;
    }
    unlink(slot);
    records_[slot].newer = std::exchange(free_, slot);
  }

  /// The resident leaves, and is remembered in its place. An older ghost of the same hash goes.
  /// False if there is no memory for the ghost: as if the resident had been dropped.
  bool leave_ghost(Slot slot) noexcept {
    const std::uint64_t hash = records_[slot].node->hash;
    if (const Slot same = find_ghost(hash); same != kNone) drop(same);
    if (!make_room_in_index()) {
      drop(slot);
      return false;
    }
    records_[slot].node->scratch = kNone;
    records_[slot].hash = hash;
    records_[slot].state = kGhost;
    index_.insert(hash, slot);
    ghost_cost_ += cost_of(slot);
    return true;
  }

  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept { index_.prefetch(hash); }
  /// Fetches the place after `slot`, and what drop() needs if a ghost stands there.
  [[gnu::always_inline]] void fetch_beyond(Slot slot) const noexcept {
    if (state(slot) == kGhost) prefetch(records_[slot].hash);
    __builtin_prefetch(&records_[newer_than(slot)], 1);
  }
  [[gnu::always_inline]] void fetch_place(Slot slot) const noexcept {
    __builtin_prefetch(&records_[slot], 1);
  }
  [[nodiscard]] Slot find_ghost(std::uint64_t hash) const noexcept {
    return index_.find(hash, [this, hash](Slot slot) { return records_[slot].hash == hash; });
  }

  /// The key of `hash` is about to come in: what its ghost says is kept safe from the evictions.
  void announce(std::uint64_t hash) noexcept {
    const Slot ghost = find_ghost(hash);
    announced_ = true;
    announced_hash_ = hash;
    announced_ghost_ = ghost != kNone;
    if (announced_ghost_) drop(ghost);
  }

  /// Whether the key that was announced was remembered.
  [[nodiscard]] bool awaits_return() const noexcept { return announced_ && announced_ghost_; }

  /// The key of `hash` is inserted, announced or not. Whether it was remembered; it no longer is.
  [[nodiscard]] bool comes_back(std::uint64_t hash) noexcept {
    if (!announced_ || announced_hash_ != hash) announce(hash);
    announced_ = false;
    return announced_ghost_;
  }

  /// The ghost in the oldest place, kNone if there is none. Amortised O(1) where entries become
  /// ghosts in the order of their places: the search goes on where the last one ended.
  [[nodiscard]] Slot oldest_ghost() noexcept {
    if (ghosts() == 0) return kNone;
    while (state(search_) != kGhost) search_ = newer_than(search_);  // Passes over kNone, too.
    return search_;
  }

 private:
  /// Left uninitialised until it is taken, so that room which is never used costs no memory.
  struct Record {
    union {
      EntryNode* node;     // Of a resident.
      std::uint64_t hash;  // Of a ghost.
    };
    Slot older;
    Slot newer;  // Of a free slot: the next free one.
    std::uint32_t weight;
    std::uint8_t state;
  };
  static_assert(sizeof(Record) <= 24, "every resident and every ghost pays for this");

  static constexpr std::uint64_t kSmallest = 64;
  static constexpr std::uint64_t kMostSlots = std::numeric_limits<Slot>::max() / 2 - 1;

  [[nodiscard]] std::uint64_t cost_of(Slot slot) const noexcept {
    return in_weight_ ? std::max(records_[slot].weight, 1U) : 1U;
  }

  /// Never shrinks: slots in use may be anywhere.
  void grow(std::uint64_t size) {
    if (size <= size_) return;
    if (size > 2 * kMostSlots) throw std::bad_alloc();
    auto larger = std::make_unique_for_overwrite<Record[]>(size);
    if (records_ == nullptr) {
      larger[kNone] = {.node = nullptr, .older = kNone, .newer = kNone, .weight = 0, .state = 1};
    } else {
      std::copy_n(records_.get(), fresh_, larger.get());
    }
    records_ = std::move(larger);
    size_ = size;
  }

  [[nodiscard]] Slot take() noexcept {
    if (free_ != kNone) {
      return std::exchange(free_, records_[free_].newer);
    }
    try {
      if (fresh_ == size_) grow(2 * size_);
    } catch (const std::bad_alloc&) {
      return kNone;  // The caller does without a place.
    }
    return fresh_++;
  }

  [[nodiscard]] bool make_room_in_index() noexcept {
    try {
      if (!index_.has_room()) index_.reserve(2 * index_.size() + 1);
    } catch (const std::bad_alloc&) {
      return false;  // The caller remembers less.
    }
    return true;
  }

  void unlink(Slot slot) noexcept {
    const Record& record = records_[slot];
    if (search_ == slot) search_ = record.newer;
    records_[record.older].newer = record.newer;
    records_[record.newer].older = record.older;
  }

  void link_newest(Slot slot) noexcept {
    const Slot below = newest();
    records_[slot].older = below;
    records_[slot].newer = kNone;
    records_[below].newer = slot;
    records_[kNone].older = slot;
  }

  // Record kNone joins the ends of the line.
  std::unique_ptr<Record[]> records_;
  HashIndex index_;
  std::uint64_t size_ = 0;
  Slot fresh_ = 1;       // From here on, never taken.
  Slot free_ = kNone;    // Given back, linked by `newer`.
  Slot search_ = kNone;  // Where the search for the oldest ghost goes on.
  bool announced_ = false, announced_ghost_ = false, in_weight_ = false;
  std::uint64_t announced_hash_ = 0;
  std::uint64_t cost_ = 0, ghost_cost_ = 0;
};

}  // namespace tarmac::internal
