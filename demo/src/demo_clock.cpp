#include <tarmac/core/assert.h>
#include <tarmac/demo/demo_clock.h>

#include <algorithm>

namespace tarmac::demo {

void DemoClock::advance(std::chrono::nanoseconds duration) {
  TARMAC_ASSERT(duration.count() >= 0);
  passed_ = std::min(deadline_after(passed_, duration.count()), kPassedMax);
  const std::lock_guard guard(mutex_);
  for (const auto& waiter : waiters_) {
    // Between its look at the clock and its sleep a waiter holds its mutex: after this, it sleeps
    // and hears the notification, or has seen the new time.
    { const std::lock_guard until_it_sleeps(*waiter.mutex); }
    waiter.condition->notify_all();
  }
}

bool DemoClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                           SteadyNanos deadline, const std::function<bool()>& ready) {
  for (;;) {
    if (ready()) return true;
    if (steady_now() >= deadline) return false;
    // mutex_ comes before the caller's mutex, which is therefore let go for a moment, as any wait
    // on a condition does. What `ready` said may then have changed: it is asked again.
    lock.unlock();
    std::list<Waiter>::iterator self;
    {
      const std::lock_guard guard(mutex_);
      self = waiters_.insert(waiters_.end(), {lock.mutex(), &condition});
    }
    lock.lock();
    while (!ready() && steady_now() < deadline) condition.wait(lock);
    lock.unlock();
    {
      const std::lock_guard guard(mutex_);
      waiters_.erase(self);
    }
    lock.lock();
  }
}

}  // namespace tarmac::demo
