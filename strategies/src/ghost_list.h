// What strategies remember of keys that left. Internal to this room.
#pragma once

#include <tarmac/core/assert.h>
#include <tarmac/core/internal/hash_index.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

namespace tarmac::internal {

/// Hashes of keys that left, in the order in which they did, each with the cost its entry had. The
/// oldest are forgotten as soon as the costs are more than the limit.
///
/// They stand in a ring, so that those which come and go in order lie side by side in memory. One
/// that is taken out leaves its place empty; when the ring is full of such, the others move up.
///
/// - Cost: O(1) for every member but set_limit() and clear(); push() amortised. 32 bytes for each
///   hash there is room for. Room grows by doubling and is kept, so that a full list allocates no
///   more.
/// - Exceptions: none. Where there is no memory to grow, it remembers fewer.
class GhostList {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  /// Costs of what it remembers, together.
  [[nodiscard]] std::uint64_t amount() const noexcept { return amount_; }
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void set_limit(std::uint64_t limit) noexcept {
    limit_ = limit;
    trim();
  }

  /// Fetches the memory that the other members will need for `hash`.
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept { index_.prefetch(hash); }

  [[nodiscard]] bool contains(std::uint64_t hash) const noexcept { return find(hash) != kNone; }

  /// Forgets `hash`. False if it was not known.
  bool remove(std::uint64_t hash) noexcept {
    const Slot found = find(hash);
    if (found == kNone) return false;
    forget(found);
    return true;
  }

  /// Remembers `hash` as the newest. A cost of 0 counts 1, since such hashes would have no bound.
  void push(std::uint64_t hash, std::uint64_t cost) noexcept {
    remove(hash);
    const auto counted = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(cost, 1, std::numeric_limits<std::uint32_t>::max()));
    if (counted > limit_) return;
    if (next_ - oldest_ == ring_.size() && !make_room()) return;
    ring_[next_ & mask()] = {hash, counted};
    index_.insert(hash, slot_of(next_));
    fetch_after(next_);
    ++next_;
    amount_ += counted;
    trim();
  }

  /// Requires: not empty.
  void pop_oldest() noexcept {
    TARMAC_ASSERT(!empty());
    forget(slot_of(oldest_));
    // The next to go, as a rule, and those on the line of memory after it.
    if (!empty()) prefetch(ring_[oldest_ & mask()].hash);
    fetch_after(oldest_);
  }

  void clear() noexcept {
    while (!empty()) pop_oldest();
  }

 private:
  using Slot = HashIndex::Number;  // A place in the ring, from 1.
  static constexpr Slot kNone = 0;
  static constexpr std::size_t kFewest = 16;
  static constexpr std::size_t kMost = std::size_t{1} << 30U;

  struct Ghost {
    std::uint64_t hash = 0;
    std::uint32_t cost = 0;  // 0: the place is empty.
  };

  [[nodiscard]] std::uint64_t mask() const noexcept { return ring_.size() - 1; }
  [[nodiscard]] Slot slot_of(std::uint64_t turn) const noexcept {
    return static_cast<Slot>(turn & mask()) + 1;
  }

  [[nodiscard]] Slot find(std::uint64_t hash) const noexcept {
    return index_.find(hash, [this, hash](Slot slot) { return ring_[slot - 1].hash == hash; });
  }

  void forget(Slot slot) noexcept {
    Ghost& ghost = ring_[slot - 1];
    index_.erase(ghost.hash, slot);
    amount_ -= ghost.cost;
    ghost.cost = 0;
    while (oldest_ != next_ && ring_[oldest_ & mask()].cost == 0) ++oldest_;
  }

  [[gnu::always_inline]] void fetch_after(std::uint64_t turn) const noexcept {
    __builtin_prefetch(&ring_[(turn + 64 / sizeof(Ghost)) & mask()], 1);
  }

  void trim() noexcept {
    while (amount_ > limit_) pop_oldest();
  }

  /// Where the ring is full: a place for one more, at the price of the oldest if need be. False if
  /// there is no memory.
  [[nodiscard]] bool make_room() noexcept {
    if (size() <= ring_.size() / 4 * 3 && !ring_.empty()) {
      move_up();
    } else {
      grow();
    }
    if (next_ - oldest_ == ring_.size() && !empty()) pop_oldest();
    return next_ - oldest_ < ring_.size();
  }

  /// Closes the gaps, of which there are so many that it costs little for each place won.
  void move_up() noexcept {
    std::uint64_t to = oldest_;
    for (std::uint64_t from = oldest_; from != next_; ++from) {
      Ghost& ghost = ring_[from & mask()];
      if (ghost.cost == 0) continue;
      if (from != to) {
        index_.renumber(ghost.hash, slot_of(from), slot_of(to));
        ring_[to & mask()] = ghost;
        ghost.cost = 0;
      }
      ++to;
    }
    next_ = to;
  }

  void grow() noexcept {
    const std::size_t places = std::max(kFewest, 2 * ring_.size());
    if (places > kMost) return;
    try {
      HashIndex index;
      index.reserve(places);
      std::vector<Ghost> ring(places);
      std::uint64_t next = 0;
      for (; oldest_ != next_; ++oldest_) {
        const Ghost& ghost = ring_[oldest_ & mask()];
        if (ghost.cost == 0) continue;
        index.insert(ghost.hash, static_cast<Slot>(next + 1));
        ring[next++] = ghost;
      }
      ring_.swap(ring);
      index_ = std::move(index);
      oldest_ = 0;
      next_ = next;
    } catch (const std::bad_alloc&) {
      return;  // The oldest will give way earlier: only hits are lost by it.
    }
  }

  std::vector<Ghost> ring_;  // A power of two of them.
  HashIndex index_;
  std::uint64_t oldest_ = 0;  // Turns: the place is what is left of them by the mask.
  std::uint64_t next_ = 0;
  std::uint64_t limit_ = kUnlimited;
  std::uint64_t amount_ = 0;
};

}  // namespace tarmac::internal
