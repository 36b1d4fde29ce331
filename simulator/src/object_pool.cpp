#include "object_pool.h"

#include <sys/mman.h>

#include <bit>
#include <new>
#include <utility>

#include <tarmac/core/error.h>

namespace tarmac::internal {
namespace {

constexpr std::uint32_t kFirstSlots = 1'024;
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

ObjectIndex::ObjectIndex()
    : memory_(kFirstSlots * sizeof(Slot)),
      slots_(static_cast<Slot*>(memory_.data())),
      mask_(kFirstSlots - 1),
      shift_(32 - static_cast<std::uint32_t>(std::countr_zero(kFirstSlots))) {}

void ObjectIndex::close_gap(std::uint32_t gap) noexcept {
  // Whatever behind the gap may move nearer to its home does, so that no search ends too early.
  for (std::uint32_t at = (gap + 1) & mask_; slots_[at].object != 0; at = (at + 1) & mask_) {
    const std::uint32_t distance_home = (at - home(slots_[at].half)) & mask_;
    const std::uint32_t distance_gap = (at - gap) & mask_;
    if (distance_home < distance_gap) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = {0, 0};
  --size_;
}

void ObjectIndex::grow() {
  const std::uint64_t slots = (static_cast<std::uint64_t>(mask_) + 1) * 2;
  BigMemory memory(slots * sizeof(Slot));
  const Slot* const before = slots_;
  const std::uint32_t last = mask_;
  slots_ = static_cast<Slot*>(memory.data());
  mask_ = static_cast<std::uint32_t>(slots - 1);
  --shift_;
  for (std::uint32_t at = 0; at <= last; ++at) {
    if (before[at].object == 0) continue;
    std::uint32_t to = home(before[at].half);
    while (slots_[to].object != 0) to = (to + 1) & mask_;
    slots_[to] = before[at];
  }
  memory_ = std::move(memory);
}

}  // namespace tarmac::internal
