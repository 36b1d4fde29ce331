// Hits on their way to a strategy that wants each one in order: noted without a lock, applied in
// batches by whoever has the shard's.
#pragma once

#include <tarmac/core/entry_node.h>
#include <tarmac/core/internal/epoch.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

namespace tarmac::internal {

/// Has the links fetched that change when `node` is taken out of its list: the very links, which
/// may lie on another cache line than what stands before them.
inline void fetch_neighbours(const EntryNode& node) noexcept {
  if (node.previous != nullptr) __builtin_prefetch(&node.previous->next, 1);
  if (node.next != nullptr) __builtin_prefetch(&node.next->previous, 1);
}

/// A ring that one thread fills and whoever has the shard's lock empties. Hits of one node in a row
/// take one record with a count.
class AccessRing {
 public:
  static constexpr std::uint32_t kSize = 32;

  /// False, with nothing noted, if the ring is full. Only the owner calls it.
  bool push(EntryNode& node) noexcept {
    const auto written = written_.load(std::memory_order_relaxed);
    const auto drained = drained_.load(std::memory_order_acquire);
    const auto address = reinterpret_cast<std::uintptr_t>(&node);
    if (written != drained) {
      auto& last = records_[(written - 1) % kSize];
      const auto record = last.load(std::memory_order_relaxed);
      if ((record & kAddressMask) == address && (record >> kAddressBits) != kMostRepeats) {
        // A drain at this very moment may miss the repeat: that is a hit lost to contention, of an
        // entry that is being promoted anyway.
        last.store(record + kOneRepeat, std::memory_order_relaxed);
        return true;
      }
      if (written - drained == kSize) return false;
    }
    // Needed when the ring is drained. The node may begin at the end of a cache line.
    __builtin_prefetch(&node, 1);
    __builtin_prefetch(&node.next, 1);
    records_[written % kSize].store(address, std::memory_order_relaxed);
    written_.store(written + 1, std::memory_order_release);
    return true;
  }

  /// Requires: the shard's lock.
  [[nodiscard]] bool is_drained() const noexcept {
    return written_.load(std::memory_order_acquire) == drained_.load(std::memory_order_relaxed);
  }
  /// Calls `apply(node, hits)` for each record, in the order of the hits; `moves_nodes`: it will
  /// touch their neighbours. Requires: the shard's lock.
  template <class Apply>
  void drain(Apply&& apply, bool moves_nodes) noexcept {
    const auto written = written_.load(std::memory_order_acquire);
    auto drained = drained_.load(std::memory_order_relaxed);
    // The strategy will touch a node's neighbours: let their memory come for all records at once.
    for (auto ahead = moves_nodes ? drained : written; ahead != written; ++ahead) {
      fetch_neighbours(*node_of(records_[ahead % kSize].load(std::memory_order_relaxed)));
    }
    for (; drained != written; ++drained) {
      const auto record = records_[drained % kSize].load(std::memory_order_relaxed);
      apply(*node_of(record), static_cast<std::uint32_t>(record >> kAddressBits) + 1);
    }
    drained_.store(drained, std::memory_order_release);
  }

 private:
  static constexpr unsigned kAddressBits = 48;
  static constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
  static constexpr std::uint64_t kOneRepeat = std::uint64_t{1} << kAddressBits;
  /// Of one record, so that a drain is never long.
  static constexpr std::uint64_t kMostRepeats = 0xFF;

  static EntryNode* node_of(std::uint64_t record) noexcept {
    // More than the address is kept in one word, so it has to be cut out of it.
    const auto address = record & kAddressMask;
    return reinterpret_cast<EntryNode*>(address);  // NOLINT(performance-no-int-to-ptr): was one
  }

  alignas(64) std::atomic<std::uint32_t> written_{0};
  std::array<std::atomic<std::uint64_t>, kSize> records_{};
  alignas(64) std::atomic<std::uint32_t> drained_{0};
};

/// The rings of one shard, one for each thread that has hit it.
///
/// A record may outlive its entry's stay in the cache, but not its memory: what was removed is
/// destroyed only after a drain that came after its last reader.
/// Thread-safety: ring_of() from any thread, drain() under the shard's lock.
class AccessLog {
 public:
  /// Threads beyond these have no ring.
  static constexpr std::uint32_t kRings = 64;

  AccessLog() = default;
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog() {
    for (auto& ring : rings_) delete ring.load(std::memory_order_relaxed);
  }

  /// Made at a thread's first hit; nullptr if there is none for it (or no memory).
  [[nodiscard]] AccessRing* ring_of(const ThreadSlot& thread) noexcept {
    AccessRing* ring = made_ring_of(thread);
    return ring != nullptr || thread.index >= kRings ? ring : make_ring(thread.index);
  }
  /// The same, nullptr if it has not been made.
  [[nodiscard]] AccessRing* made_ring_of(const ThreadSlot& thread) const noexcept {
    if (thread.index >= kRings) return nullptr;
    return rings_[thread.index].load(std::memory_order_relaxed);
  }

  /// False if no hit waits to be drained; with many rings they are not all looked at. Requires: the
  /// shard's lock.
  [[nodiscard]] bool may_hold_hits() const noexcept {
    const auto used = used_.load(std::memory_order_acquire);
    if (used > kFew) return true;
    for (std::uint32_t i = 0; i < used; ++i) {
      const auto* ring = rings_[i].load(std::memory_order_acquire);
      if (ring != nullptr && !ring->is_drained()) return true;
    }
    return false;
  }
  /// All rings.
  template <class Apply>
  void drain(Apply&& apply, bool moves_nodes) noexcept {
    const auto used = used_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < used; ++i) drain_ring(i, apply, moves_nodes);
  }
  /// All rings if they are few; else the one of `thread`, and the others in turn: with many threads
  /// a hit counts a little later, so that a write need not look at what they all write to.
  template <class Apply>
  void drain_for(const ThreadSlot& thread, Apply&& apply, bool moves_nodes) noexcept {
    const auto used = used_.load(std::memory_order_acquire);
    if (used <= kFew) return drain(apply, moves_nodes);
    drain_own(thread, apply, moves_nodes);
    drain_ring(turn_++ % used, apply, moves_nodes);
  }
  /// The ring of `thread`.
  template <class Apply>
  void drain_own(const ThreadSlot& thread, Apply&& apply, bool moves_nodes) noexcept {
    if (thread.index < kRings) drain_ring(thread.index, apply, moves_nodes);
  }

 private:
  static constexpr std::uint32_t kFew = 8;

  template <class Apply>
  void drain_ring(std::uint32_t index, Apply&& apply, bool moves_nodes) noexcept {
    auto* ring = rings_[index].load(std::memory_order_acquire);
    if (ring != nullptr && !ring->is_drained()) ring->drain(apply, moves_nodes);
  }
  AccessRing* make_ring(std::uint32_t index) noexcept;

  /// Rings above this one have not been made.
  std::atomic<std::uint32_t> used_{0};
  std::array<std::atomic<AccessRing*>, kRings> rings_{};
  std::uint32_t turn_ = 0;
};

}  // namespace tarmac::internal
