// The background thread that removes what has expired when nobody touches it.
#pragma once

#include <tarmac/core/clock.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace tarmac::internal {

/// Sleeps until the first entry is due, at least `interval` from one look to the next, and for ever
/// while no entry has a TTL. The thread starts with the first wake().
class Sweeper {
 public:
  /// `sweep` removes what is due and returns when it is to be called again; kNever if not at all.
  Sweeper(std::shared_ptr<Clock> clock, std::int64_t interval_nanoseconds,
          std::function<SteadyNanos()> sweep);
  ~Sweeper() { stop(); }
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  /// Waits for a sweep under way; wake() does nothing afterwards.
  void stop();
  /// Something is due at `deadline`: makes sure that the thread looks by then. Cheap if it will.
  void wake(SteadyNanos deadline) {
    if (deadline < next_look_.load(std::memory_order_acquire)) schedule(deadline);
  }

 private:
  void schedule(SteadyNanos deadline);
  void run();

  const std::shared_ptr<Clock> clock_;
  const std::int64_t interval_;
  const std::function<SteadyNanos()> sweep_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  /// When the thread looks next; written under the mutex.
  std::atomic<SteadyNanos> next_look_{kNever};
  std::thread thread_;
};

}  // namespace tarmac::internal
