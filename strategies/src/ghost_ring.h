// Remembers keys that left, in the order in which they did. Internal to this room.
#pragma once

#include <tarmac/core/internal/hash_index.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace tarmac::internal {

/// A ring of ghosts, each with a `Memory` of its own: a small value, whose member `is_kept` the
/// ring sets while the ghost is there. The oldest makes room for a newer one. A ghost that is taken
/// out leaves its place empty until its turn comes.
///
/// Every member is O(1) but for reserve(), which alone allocates, and touches no memory ahead of
/// its use.
template <class Memory>
class GhostRing {
 public:
  using Slot = HashIndex::Number;
  static constexpr Slot kNone = 0;

  /// Makes room for so many; keeps the newest of what is there. Throws std::bad_alloc.
  void reserve(std::uint64_t places) {
    places = std::clamp<std::uint64_t>(places, 1, std::uint64_t{1} << 30U);
    if (places == size_) return;
    std::unique_ptr<Place[], Free> fresh(static_cast<Place*>(std::calloc(places, sizeof(Place))));
    if (fresh == nullptr) throw std::bad_alloc();
    HashIndex index;
    index.reserve(places);
    std::uint64_t at = 0;
    for (std::uint64_t back = std::min(places, size_); back > 0; --back) {
      const Place& place = places_[(next_ + size_ - back) % size_];
      if (!place.memory.is_kept) continue;
      fresh[at] = place;
      index.insert(place.hash, static_cast<Slot>(++at));
    }
    places_.swap(fresh);
    size_ = places;
    index_ = std::move(index);
    next_ = at % places;
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return index_.size(); }
  [[nodiscard]] Slot find(std::uint64_t hash) const noexcept {
    return index_.find(hash, [this, hash](Slot slot) { return places_[slot - 1].hash == hash; });
  }
  [[nodiscard]] Memory& operator[](Slot slot) noexcept { return places_[slot - 1].memory; }

  /// Fetches the memory in which `hash` is sought.
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept { index_.prefetch(hash); }

  /// An older ghost of the same hash goes. Returns what was in the place that is taken: the memory
  /// of the oldest ghost, if it `is_kept`.
  Memory push(std::uint64_t hash, const Memory& memory) noexcept {
    if (const Slot same = find(hash); same != kNone) forget(same);
    Place& place = places_[next_];
    const auto slot = static_cast<Slot>(next_ + 1);
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
    const Memory before = place.memory;
    if (before.is_kept) forget(slot);
    place = {hash, memory};
    place.memory.is_kept = true;
    index_.insert(hash, slot);
    // The next to go, as a rule.
    if (places_[next_].memory.is_kept) prefetch(places_[next_].hash);
    return before;
  }

  void forget(Slot slot) noexcept {
    Place& place = places_[slot - 1];
    index_.erase(place.hash, slot);
    place.memory.is_kept = false;
  }

 private:
  struct Place {
    std::uint64_t hash;
    Memory memory;
  };
  struct Free {
    void operator()(Place* places) const noexcept { std::free(places); }
  };

  std::unique_ptr<Place[], Free> places_;
  std::uint64_t size_ = 0;
  HashIndex index_;
  std::uint64_t next_ = 0;
};

}  // namespace tarmac::internal
