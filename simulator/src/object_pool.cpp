#include "object_pool.h"

#include <sys/mman.h>

#include <new>
#include <utility>

#include <tarmac/core/error.h>

namespace tarmac::internal {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20U;

}  // namespace

BigMemory::BigMemory(std::size_t bytes)
    : data_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
      bytes_(bytes) {
  if (data_ == MAP_FAILED) throw std::bad_alloc();
  // Only an offer: where the kernel declines it, small pages work as well.
  if (bytes >= kHugePageBytes) static_cast<void>(::madvise(data_, bytes, MADV_HUGEPAGE));
}

BigMemory::BigMemory(BigMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

BigMemory& BigMemory::operator=(BigMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

BigMemory::~BigMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

void ObjectPool::add_chunk() {
  constexpr std::uint64_t kChunksMax = std::uint64_t{1} << (32U - kChunkBits);
  constexpr std::size_t kObjects = std::size_t{1} << kChunkBits;
  if (chunks_.size() + 1 >= kChunksMax) {
    throw ConfigError("replay: more than 4 thousand million objects; give a smaller size");
  }
  // Room for all of them to be given back without an allocation.
  free_.reserve((chunks_.size() + 1) * kObjects);
  chunks_.reserve(chunks_.size() + 1);
  memory_.reserve(memory_.size() + 1);
  memory_.emplace_back(kObjects * sizeof(Object));
  chunks_.push_back(static_cast<Object*>(memory_.back().data()));
}

}  // namespace tarmac::internal
