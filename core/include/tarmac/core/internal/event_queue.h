// Brings the events of one shard to the bus in the order in which they happened, after the lock.
#pragma once

#include <tarmac/core/event_bus.h>
#include <tarmac/core/internal/ref.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace tarmac::internal {

/// An event on its way: it owns what its views point to.
struct QueuedEvent {
  Event event;
  AnyRef pinned_key;
};

/// Events are pushed under the shard's lock, which gives their order, and delivered after it by one
/// thread at a time: whoever finds nobody delivering does it, for others too.
///
/// - Thread-safety: all members may be called from any thread.
/// - Back-pressure: with kMost events waiting, deliver() returns only when there are fewer, unless
///   it is called from a slot (which could otherwise wait for itself). So a slot must not wait for
///   another thread that writes to the cache.
class EventQueue {
 public:
  static constexpr std::size_t kMost = 1024;

  void push(QueuedEvent event) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(event));
    pending_.store(true, std::memory_order_release);
  }
  /// Call after the shard's lock is released.
  void deliver(EventBus& bus) {
    if (pending_.load(std::memory_order_acquire)) deliver_pending(bus);
  }

 private:
  void deliver_pending(EventBus& bus);

  std::mutex mutex_;
  std::condition_variable shorter_;
  std::deque<QueuedEvent> waiting_;
  bool delivering_ = false;
  std::atomic<bool> pending_{false};
};

}  // namespace tarmac::internal
