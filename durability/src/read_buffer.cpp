#include "read_buffer.h"

#include <sys/mman.h>

#include <new>

namespace tarmac::internal {

void ReadBuffer::resize(std::size_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  if (bytes > room_) {
    memory_.reset();
    size_ = 0;
    room_ = 0;
    const auto room = bytes < kHugePage ? bytes : (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* memory = room < kHugePage ? std::malloc(room) : std::aligned_alloc(kHugePage, room);
    if (memory == nullptr) throw std::bad_alloc();
    memory_.reset(static_cast<char*>(memory));
    room_ = room;
    // If it cannot: small pages do as well.
    if (room >= kHugePage) static_cast<void>(madvise(memory, room, MADV_HUGEPAGE));
  }
  size_ = bytes;
}

}  // namespace tarmac::internal
