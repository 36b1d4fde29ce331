#include <tarmac/core/assert.h>
#include <tarmac/testing/manual_clock.h>

#include <vector>

namespace tarmac::testing {

void ManualClock::advance(std::chrono::nanoseconds duration) {
  TARMAC_ASSERT(duration.count() >= 0);
  wall_ += duration.count();
  steady_ += duration.count();
  notify_waiters();
}

void ManualClock::notify_waiters() {
  std::vector<std::list<Waiter>::iterator> reached;
  {
    const std::lock_guard guard(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end(); ++waiter) {
      ++waiter->notifiers;
      reached.push_back(waiter);
    }
  }
  for (const auto waiter : reached) {
    // A waiter that has read the old time but does not sleep yet holds its mutex; a notification
    // before it sleeps would be lost.
    { const std::lock_guard until_it_sleeps(*waiter->mutex); }
    waiter->condition->notify_all();
    const std::lock_guard guard(mutex_);
    --waiter->notifiers;
    changed_.notify_all();
  }
}

bool ManualClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                             SteadyNanos deadline, const std::function<bool()>& ready) {
  for (;;) {
    bool done = ready();
    if (done || steady_now() >= deadline) return done;
    std::list<Waiter>::iterator waiter;
    {
      const std::lock_guard guard(mutex_);
      waiter = waiters_.insert(waiters_.end(), {lock.mutex(), &condition});
      changed_.notify_all();
    }
    while (!done && steady_now() < deadline) {
      condition.wait(lock);
      done = ready();
    }
    if (try_leave(waiter)) return done;
    // An advance() is about to lock the mutex held here: let it, so that it never touches a mutex
    // or a condition which the caller has destroyed. What `ready` said may change meanwhile: ask
    // again.
    lock.unlock();
    leave(waiter);
    lock.lock();
  }
}

bool ManualClock::try_leave(std::list<Waiter>::iterator waiter) {
  const std::lock_guard guard(mutex_);
  if (waiter->notifiers != 0) return false;
  waiters_.erase(waiter);
  return true;
}

void ManualClock::leave(std::list<Waiter>::iterator waiter) {
  std::unique_lock guard(mutex_);
  changed_.wait(guard, [waiter] { return waiter->notifiers == 0; });
  waiters_.erase(waiter);
}

void ManualClock::await_waiters(std::size_t count) {
  std::unique_lock guard(mutex_);
  changed_.wait(guard, [this, count] { return waiters_.size() >= count; });
}

}  // namespace tarmac::testing
