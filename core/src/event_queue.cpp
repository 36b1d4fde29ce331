#include <tarmac/core/internal/event_queue.h>

#include <utility>

namespace tarmac::internal {
namespace {

/// Whether this thread is inside a slot, of any cache.
thread_local int delivery_depth = 0;

}  // namespace

void EventQueue::deliver_pending(EventBus& bus) {
  std::unique_lock lock(mutex_);
  if (delivering_) {
    if (delivery_depth == 0) {
      shorter_.wait(lock, [this] { return !delivering_ || waiting_.size() < kMost; });
    }
    if (delivering_) return;
  }
  delivering_ = true;
  ++delivery_depth;
  while (!waiting_.empty()) {
    QueuedEvent next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    bus.emit(next.event);
    next = {};  // The last owner of an entry may be this event: destroy it outside the lock.
    lock.lock();
    if (waiting_.size() + 1 == kMost) shorter_.notify_all();
  }
  pending_.store(false, std::memory_order_release);
  delivering_ = false;
  --delivery_depth;
  shorter_.notify_all();
}

}  // namespace tarmac::internal
