// Locking for critical sections that are shorter than going to sleep.
#pragma once

#include <mutex>
#include <thread>

namespace tarmac::internal {

/// A few dozen nanoseconds, in which the processor is left to its other thread.
inline void spin_a_little() noexcept {
  for (int pause = 0; pause < 8; ++pause) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
  }
}

/// Locks `mutex`, trying for about a microsecond before the thread is put to sleep: a shard is held
/// for less, and being put to sleep and woken costs several.
[[nodiscard]] inline std::unique_lock<std::mutex> spin_then_wait(std::mutex& mutex) {
  constexpr int kTries = 40;
  std::unique_lock lock(mutex, std::try_to_lock);
  for (int i = 0; i < kTries && !lock; ++i) {
    spin_a_little();
    static_cast<void>(lock.try_lock());
  }
  if (!lock) lock.lock();
  return lock;
}

}  // namespace tarmac::internal
