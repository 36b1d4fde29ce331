// Names for Clang's thread-safety analysis; nothing at all for other compilers.
#pragma once

#include <mutex>

#if defined(__clang__)
#define TARMAC_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TARMAC_THREAD_ATTRIBUTE(x)
#endif

#define TARMAC_CAPABILITY(x) TARMAC_THREAD_ATTRIBUTE(capability(x))
#define TARMAC_SCOPED_CAPABILITY TARMAC_THREAD_ATTRIBUTE(scoped_lockable)
#define TARMAC_GUARDED_BY(x) TARMAC_THREAD_ATTRIBUTE(guarded_by(x))
#define TARMAC_REQUIRES(...) TARMAC_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define TARMAC_EXCLUDES(...) TARMAC_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define TARMAC_ACQUIRE(...) TARMAC_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TARMAC_RELEASE(...) TARMAC_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TARMAC_NO_THREAD_SAFETY_ANALYSIS TARMAC_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace tarmac {

/// A std::mutex that the analysis understands. Lockable by std's own guards too, through native().
class TARMAC_CAPABILITY("mutex") Mutex {
 public:
  void lock() TARMAC_ACQUIRE() { mutex_.lock(); }
  void unlock() TARMAC_RELEASE() { mutex_.unlock(); }
  /// For condition variables only.
  [[nodiscard]] std::mutex& native() noexcept { return mutex_; }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class TARMAC_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TARMAC_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() TARMAC_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace tarmac
