#include "file_memory.h"

#include <algorithm>
#include <cstring>

namespace tarmac::internal {
namespace {

constexpr std::size_t kPage = 4096;
/// So much is made ready at a time: one call for many pages, and not long.
constexpr std::size_t kAhead = 16U << 10U;

}  // namespace

bool FileMemory::store(std::string_view bytes, std::uint64_t offset) noexcept {
  if (is_paused_ || offset > bytes_ || bytes.size() > bytes_ - offset) return false;
  const auto end = static_cast<std::size_t>(offset) + bytes.size();
  if (end > ready_) {
    const auto from = std::max(ready_, static_cast<std::size_t>(offset) / kPage * kPage);
    const auto to = std::min(bytes_, (end + kAhead) / kPage * kPage);
    if (to < end || ops_->make_ready(memory_ + from, to - from) != 0) {
      *this = FileMemory();  // What cannot be stored here will not be stored behind it either.
      return false;
    }
    ready_ = to;
  }
  std::memcpy(memory_ + offset, bytes.data(), bytes.size());
  return true;
}

}  // namespace tarmac::internal
