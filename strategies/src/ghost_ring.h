// Remembers keys that left, in the order in which they did. Internal to this room.
#pragma once

#include <tarmac/core/internal/hash_index.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tarmac::internal {

/// A ring of ghosts, each with a `Memory` of its own: a small value, whose member `is_kept` the
/// ring sets while the ghost is there. The oldest makes room for a newer one. A ghost that is taken
/// out leaves its place empty until its turn comes.
///
/// Every member is O(1) but for reserve() and for_each(). Only reserve() allocates.
template <class Memory>
class GhostRing {
 public:
  using Slot = HashIndex::Number;
  static constexpr Slot kNone = 0;

  /// Makes room for so many; keeps the newest of what is there. Throws std::bad_alloc.
  void reserve(std::uint64_t places) {
    places = std::clamp<std::uint64_t>(places, 1, std::uint64_t{1} << 31U);
    if (places == places_.size()) return;
    std::vector<Place> fresh(places);
    HashIndex index;
    index.reserve(places);
    std::uint64_t at = 0;
    for (std::uint64_t back = std::min<std::uint64_t>(places, places_.size()); back > 0; --back) {
      const Place& place = places_[(next_ + places_.size() - back) % places_.size()];
      if (!place.memory.is_kept) continue;
      fresh[at] = place;
      index.insert(place.hash, static_cast<Slot>(++at));
    }
    places_.swap(fresh);
    index_ = std::move(index);
    next_ = at % places;
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return index_.size(); }
  [[nodiscard]] Slot find(std::uint64_t hash) const noexcept {
    return index_.find(hash, [this, hash](Slot slot) { return places_[slot - 1].hash == hash; });
  }
  [[nodiscard]] Memory& operator[](Slot slot) noexcept { return places_[slot - 1].memory; }

  /// An older ghost of the same hash goes.
  void push(std::uint64_t hash, const Memory& memory) noexcept {
    if (const Slot same = find(hash); same != kNone) forget(same);
    Place& place = places_[next_];
    next_ = next_ + 1 == places_.size() ? 0 : next_ + 1;
    const auto slot = static_cast<Slot>(&place - places_.data() + 1);
    if (place.memory.is_kept) forget(slot);
    place = {hash, memory};
    place.memory.is_kept = true;
    index_.insert(hash, slot);
  }

  void forget(Slot slot) noexcept {
    Place& place = places_[slot - 1];
    index_.erase(place.hash, slot);
    place.memory.is_kept = false;
  }

  template <class Visit>
  void for_each(Visit visit) noexcept {
    for (Place& place : places_) {
      if (place.memory.is_kept) visit(place.memory);
    }
  }

 private:
  struct Place {
    std::uint64_t hash = 0;
    Memory memory{};
  };

  std::vector<Place> places_;
  HashIndex index_;
  std::uint64_t next_ = 0;
};

}  // namespace tarmac::internal
