#include <tarmac/core/internal/access_log.h>

#include <new>

namespace tarmac::internal {

// Two threads never have one index at once, so nobody else makes this ring.
AccessRing* AccessLog::make_ring(std::uint32_t index) noexcept {
  auto* ring = new (std::nothrow) AccessRing;
  rings_[index].store(ring, std::memory_order_release);
  auto used = used_.load(std::memory_order_relaxed);
  while (used <= index &&
         !used_.compare_exchange_weak(used, index + 1, std::memory_order_acq_rel)) {
  }
  return ring;
}

}  // namespace tarmac::internal
