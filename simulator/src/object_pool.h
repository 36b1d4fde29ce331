// The cached objects of a replay.
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

/// Objects at addresses that do not move, numbered from 1, used again after an eviction.
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
    if (made_ >> kChunkBits == chunks_.size()) add_chunk();
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
  std::uint32_t made_ = 1;  // Number 0 is nobody's.
};

}  // namespace tarmac::internal
