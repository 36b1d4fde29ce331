// The cached objects of a replay, and the table that finds them by key.
#pragma once

#include <tarmac/core/entry_node.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tarmac::internal {

/// One cache line: what a strategy sees, and the key.
struct alignas(64) Object : EntryNode {
  std::uint64_t key = 0;
};
static_assert(sizeof(Object) == 64, "a hit or a miss should touch one line of its object");

/// Spreads the bits of keys, which in traces are often consecutive (the finaliser of splitmix64).
[[nodiscard]] constexpr std::uint64_t hash_of_key(std::uint64_t key) noexcept {
  key = (key ^ (key >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  key = (key ^ (key >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return key ^ (key >> 31U);
}

/// Zeroed memory that the kernel may back with huge pages, so that random look-ups do not miss the
/// TLB as well. What is never touched takes no physical memory.
class BigMemory {
 public:
  /// Throws std::bad_alloc.
  explicit BigMemory(std::size_t bytes);
  BigMemory(BigMemory&& other) noexcept;
  BigMemory& operator=(BigMemory&& other) noexcept;
  ~BigMemory();
  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Objects at addresses that do not move, numbered, used again after an eviction.
class ObjectPool {
 public:
  /// An object whose fields are as the last user left them, those of a strategy being zero. Throws
  /// std::bad_alloc; nothing has changed then.
  [[nodiscard]] std::uint32_t take() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (made_ == chunks_.size() << kChunkBits) add_chunk();
    std::construct_at(&(*this)[made_]);
    return made_++;
  }
  /// Never throws: add_chunk() has made room.
  void give_back(std::uint32_t index) noexcept { free_.push_back(index); }

  /// Of all objects made so far, whether in use or not.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
    return std::uint64_t{made_} * sizeof(Object);
  }

  [[nodiscard]] Object& operator[](std::uint32_t index) const noexcept {
    return chunks_[index >> kChunkBits][index & kChunkMask];
  }

 private:
  static constexpr std::uint32_t kChunkBits = 16;
  static constexpr std::uint32_t kChunkMask = (1U << kChunkBits) - 1;

  void add_chunk();

  std::vector<Object*> chunks_;
  std::vector<BigMemory> memory_;
  std::vector<std::uint32_t> free_;
  std::uint32_t made_ = 0;
};

/// From hashes to numbers of objects: linear probing in slots of 8 bytes, at most half full. A slot
/// holds half of the hash, so that probing, growing and closing gaps look at no object.
class ObjectIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFFU;

  ObjectIndex();

  /// The half of a hash that decides where its slot is, and what the slot holds.
  [[nodiscard]] static constexpr std::uint32_t half(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32U);
  }

  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&slots_[home(half(hash))], 1);
  }
  /// The first object that may be the one sought, for fetching its memory ahead of time.
  [[nodiscard]] std::uint32_t guess(std::uint64_t hash) const noexcept {
    const Slot& slot = slots_[home(half(hash))];
    return slot.half == half(hash) ? slot.object - 1 : kNone;
  }
  /// The object whose hash has the half of `hash` and for which `is_it(object)`; or kNone.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const noexcept {
    const std::uint32_t wanted = half(hash);
    for (std::uint32_t at = home(wanted);; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.object == 0) return kNone;
      if (slot.half == wanted && is_it(slot.object - 1)) return slot.object - 1;
    }
  }
  /// Requires: no object of this number is there, and room for it was reserved.
  void insert(std::uint64_t hash, std::uint32_t object) noexcept {
    const std::uint32_t stored = half(hash);
    std::uint32_t at = home(stored);
    while (slots_[at].object != 0) at = (at + 1) & mask_;
    slots_[at] = {stored, object + 1};
    ++size_;
  }
  /// Forgets the object with this hash for which `is_it(object)`, and returns its number. Requires:
  /// there is one.
  template <class IsIt>
  std::uint32_t erase(std::uint64_t hash, IsIt&& is_it) noexcept {
    const std::uint32_t wanted = half(hash);
    std::uint32_t at = home(wanted);
    while (slots_[at].half != wanted || !is_it(slots_[at].object - 1)) at = (at + 1) & mask_;
    const std::uint32_t object = slots_[at].object - 1;
    close_gap(at);
    return object;
  }
  /// Room for one object more. Throws std::bad_alloc; nothing has changed then.
  void reserve_one() {
    if (2 * (size_ + 1) > static_cast<std::uint64_t>(mask_) + 1) grow();
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
    return (static_cast<std::uint64_t>(mask_) + 1) * sizeof(Slot);
  }

 private:
  struct Slot {
    std::uint32_t half;
    /// Number plus one; 0: free.
    std::uint32_t object;
  };

  // The high bits, so that growing keeps the order of the slots.
  [[nodiscard]] std::uint32_t home(std::uint32_t stored) const noexcept { return stored >> shift_; }
  void close_gap(std::uint32_t gap) noexcept;
  void grow();

  BigMemory memory_;
  Slot* slots_ = nullptr;
  std::uint32_t mask_ = 0;
  std::uint32_t shift_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace tarmac::internal
