// The memory of entries that have left, for those that come: in a full cache nearly each insertion
// evicts, and the victim's memory is at hand.
#pragma once

#include <tarmac/core/internal/entry_arena.h>
#include <tarmac/core/internal/ref.h>

#include <array>
#include <cstddef>
#include <utility>

namespace tarmac::internal {

/// A few pieces of memory, each for one entry. Only for entries whose key and value no destructor
/// belongs to: those of others run without the shard's lock.
/// Thread-safety: guarded by the shard's lock.
template <class EntryType>
class EntrySpares {
 public:
  EntrySpares() = default;
  EntrySpares(const EntrySpares&) = delete;
  EntrySpares& operator=(const EntrySpares&) = delete;
  ~EntrySpares() { clear(); }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  void clear() noexcept {
    while (count_ > 0) EntryType::give_back(places_[--count_]);
  }

  /// Takes over the reference to an entry that nobody can find, unless there is enough already.
  [[nodiscard]] bool take(EntryType& entry) noexcept {
    if (count_ == places_.size()) return false;
    if (!entry.release()) return true;  // Somebody has it pinned, and will delete it.
    places_[count_++] = EntryType::vacate(entry);
    return true;
  }
  template <class... Parts>
  [[nodiscard]] Ref<EntryType> make(EntryArena& arena, Parts&&... parts) {
    if (count_ == 0) return EntryType::make(arena, std::forward<Parts>(parts)...);
    auto made = EntryType::make_at(places_[count_ - 1], std::forward<Parts>(parts)...);
    --count_;
    return made;
  }

 private:
  std::size_t count_ = 0;
  std::array<EntryArena::Place, 8> places_{};
};

}  // namespace tarmac::internal
