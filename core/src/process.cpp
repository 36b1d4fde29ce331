#include <tarmac/core/internal/process.h>

#include <pthread.h>
#include <unistd.h>

#include <atomic>

namespace tarmac::internal {
namespace {

std::atomic<pid_t> known{0};

void ask() { known.store(::getpid(), std::memory_order_relaxed); }

}  // namespace

pid_t process_number() noexcept {
  // Without the handler a child would take itself for its parent, so then each call asks.
  static const bool renewed = (ask(), ::pthread_atfork(nullptr, nullptr, ask) == 0);
  return renewed ? known.load(std::memory_order_relaxed) : ::getpid();
}

}  // namespace tarmac::internal
