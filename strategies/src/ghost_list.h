// What strategies remember of keys that left. Internal to this room.
#pragma once

#include <tarmac/core/assert.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// Hashes of keys that left, in the order in which they did, each with the cost its entry had. The
/// oldest are forgotten as soon as the costs are more than the limit.
///
/// - Cost: O(1) for every member but set_limit() and clear(); push() amortised. 28 bytes for each
///   hash there is room for. Room grows by doubling and is kept, so that a full list allocates no
///   more.
/// - Exceptions: none. Where there is no memory to grow, it remembers fewer.
class GhostList {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  /// Costs of what it remembers, together.
  [[nodiscard]] std::uint64_t amount() const noexcept { return amount_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  void set_limit(std::uint64_t limit) noexcept {
    limit_ = limit;
    trim();
  }

  [[nodiscard]] bool contains(std::uint64_t hash) const noexcept { return find(hash) != kNone; }

  /// Forgets `hash`. False if it was not known.
  bool remove(std::uint64_t hash) noexcept {
    const Index found = find(hash);
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
    const Index place = take();
    if (place == kNone) return;
    Index& bucket = buckets_[bucket_of(hash)];
    ghosts_[place] = {hash, counted, kNone, newest_, bucket};
    bucket = place;
    (newest_ == kNone ? oldest_ : ghosts_[newest_].newer) = place;
    newest_ = place;
    amount_ += counted;
    ++size_;
    trim();
  }

  /// Requires: not empty.
  void pop_oldest() noexcept {
    TARMAC_ASSERT(size_ > 0);
    forget(oldest_);
  }

  void clear() noexcept {
    while (size_ > 0) pop_oldest();
  }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = std::numeric_limits<Index>::max();
  static constexpr std::size_t kFewest = 16;
  static constexpr std::size_t kMost = std::size_t{1} << 31U;

  struct Ghost {
    std::uint64_t hash;
    std::uint32_t cost;
    Index newer;
    Index older;
    Index chain;  // The next in the same bucket, or the next that is free.
  };

  // Hashes of users may have all their variety in the low bits.
  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>((hash * 0x9E37'79B9'7F4A'7C15U) >> shift_);
  }

  [[nodiscard]] Index find(std::uint64_t hash) const noexcept {
    if (size_ == 0) return kNone;
    Index at = buckets_[bucket_of(hash)];
    while (at != kNone && ghosts_[at].hash != hash) at = ghosts_[at].chain;
    return at;
  }

  void forget(Index place) noexcept {
    Ghost& ghost = ghosts_[place];
    Index* link = &buckets_[bucket_of(ghost.hash)];
    while (*link != place) link = &ghosts_[*link].chain;
    *link = ghost.chain;
    (ghost.older == kNone ? oldest_ : ghosts_[ghost.older].newer) = ghost.newer;
    (ghost.newer == kNone ? newest_ : ghosts_[ghost.newer].older) = ghost.older;
    amount_ -= ghost.cost;
    --size_;
    ghost.chain = free_;
    free_ = place;
  }

  void trim() noexcept {
    while (amount_ > limit_) pop_oldest();
  }

  /// A place for one more, at the price of the oldest if need be; kNone if there is no memory.
  [[nodiscard]] Index take() noexcept {
    if (free_ == kNone && ghosts_.size() == ghosts_.capacity()) grow();
    if (free_ == kNone && ghosts_.size() < ghosts_.capacity()) {
      ghosts_.push_back({});
      return static_cast<Index>(ghosts_.size() - 1);
    }
    if (free_ == kNone && size_ > 0) pop_oldest();
    if (free_ == kNone) return kNone;
    return std::exchange(free_, ghosts_[free_].chain);
  }

  void grow() noexcept {
    const std::size_t capacity = std::max(kFewest, 2 * ghosts_.capacity());
    if (capacity > kMost) return;
    try {
      std::vector<Index> buckets(capacity, kNone);
      std::vector<Ghost> ghosts;
      ghosts.reserve(capacity);
      ghosts.assign(ghosts_.begin(), ghosts_.end());
      buckets_.swap(buckets);
      ghosts_.swap(ghosts);
    } catch (const std::bad_alloc&) {
      return;  // The oldest will give way earlier: only hits are lost by it.
    }
    shift_ = 64;
    for (std::size_t reach = capacity; reach > 1; reach /= 2) --shift_;
    for (Index at = oldest_; at != kNone; at = ghosts_[at].newer) {
      Index& bucket = buckets_[bucket_of(ghosts_[at].hash)];
      ghosts_[at].chain = bucket;
      bucket = at;
    }
  }

  std::vector<Ghost> ghosts_;
  std::vector<Index> buckets_;  // A power of two of them.
  unsigned shift_ = 63;
  Index oldest_ = kNone;
  Index newest_ = kNone;
  Index free_ = kNone;
  std::uint64_t limit_ = kUnlimited;
  std::uint64_t amount_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tarmac::internal
