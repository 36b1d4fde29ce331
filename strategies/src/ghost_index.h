// Finds the ghost of a key that left by the key's hash. Internal to this room.
#pragma once

#include <tarmac/core/assert.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace tarmac::internal {

/// A table from hashes to slot numbers (not 0). It keeps 32 bits of a hash, from which alone a cell
/// can be moved; whether a hash is the right one its user tells, who has it whole.
///
/// Open addressing at most half full, with removals that close the gap: unlike a table with
/// tombstones it never has to be rebuilt while what comes and what goes balance, so that the steady
/// state allocates nothing.
class GhostIndex {
 public:
  using Slot = std::uint32_t;

  /// Makes room for so many, without touching memory that is not used yet. Throws std::bad_alloc.
  void reserve(std::uint64_t slots) {
    const std::uint64_t cells = std::bit_ceil(2 * slots + 2);
    if (cells <= cells_count()) return;
    if (cells > kMostCells) throw std::bad_alloc();
    Table larger(static_cast<Cell*>(std::calloc(cells, sizeof(Cell))));
    if (larger == nullptr) throw std::bad_alloc();
    const Table before = std::exchange(table_, std::move(larger));
    const std::uint64_t cells_before = cells_count();
    mask_ = cells - 1;
    shift_ = static_cast<unsigned>(32 - std::countr_zero(cells));
    for (std::uint64_t cell = 0; before != nullptr && cell < cells_before; ++cell) {
      if (before[cell].slot != 0) place(before[cell]);
    }
  }

  /// Whether one more fits without reserve().
  [[nodiscard]] bool has_room() const noexcept { return 2 * (size_ + 1) <= cells_count(); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Requires: has_room(), and no slot is kept for this hash.
  void insert(std::uint64_t hash, Slot slot) noexcept {
    TARMAC_ASSERT(has_room());
    place({slot, tag_of(hash)});
    ++size_;
  }

  /// The slot for which `is_right(slot)`, among those whose hash may be `hash`; 0 if there is none.
  template <class IsRight>
  [[nodiscard]] Slot find(std::uint64_t hash, IsRight is_right) const noexcept {
    if (size_ == 0) return 0;
    const std::uint32_t tag = tag_of(hash);
    for (std::uint64_t cell = home_of(tag);; cell = (cell + 1) & mask_) {
      if (table_[cell].slot == 0) return 0;
      if (table_[cell].tag == tag && is_right(table_[cell].slot)) return table_[cell].slot;
    }
  }

  /// Requires: `slot` was inserted for `hash`.
  void erase(std::uint64_t hash, Slot slot) noexcept {
    std::uint64_t gap = home_of(tag_of(hash));
    while (table_[gap].slot != slot) gap = (gap + 1) & mask_;
    // What stands behind the gap, but belongs at or before it, moves into it.
    for (std::uint64_t cell = (gap + 1) & mask_; table_[cell].slot != 0;
         cell = (cell + 1) & mask_) {
      const std::uint64_t from_home = (cell - home_of(table_[cell].tag)) & mask_;
      if (from_home >= ((cell - gap) & mask_)) {
        table_[gap] = table_[cell];
        gap = cell;
      }
    }
    table_[gap] = {};
    --size_;
  }

 private:
  /// As many as 32 bits of a hash can tell apart.
  static constexpr std::uint64_t kMostCells = std::uint64_t{1} << 32U;

  struct Cell {
    Slot slot;  // 0: free.
    std::uint32_t tag;
  };
  struct Free {
    void operator()(Cell* cells) const noexcept { std::free(cells); }
  };
  using Table = std::unique_ptr<Cell[], Free>;

  // Hashes may be weak in their low bits, or in all but these: the product depends on all of them.
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(((hash ^ (hash >> 32U)) * 0x9E37'79B9'7F4A'7C15U) >> 32U);
  }
  [[nodiscard]] std::uint64_t home_of(std::uint32_t tag) const noexcept { return tag >> shift_; }
  [[nodiscard]] std::uint64_t cells_count() const noexcept {
    return table_ == nullptr ? 0 : mask_ + 1;
  }

  void place(Cell what) noexcept {
    std::uint64_t cell = home_of(what.tag);
    while (table_[cell].slot != 0) cell = (cell + 1) & mask_;
    table_[cell] = what;
  }

  Table table_;
  std::uint64_t mask_ = 0;
  unsigned shift_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace tarmac::internal
