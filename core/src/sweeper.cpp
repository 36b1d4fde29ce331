#include <tarmac/core/internal/sweeper.h>

#include <algorithm>
#include <utility>

namespace tarmac::internal {

Sweeper::Sweeper(std::shared_ptr<Clock> clock, std::int64_t interval_nanoseconds,
                 std::function<SteadyNanos()> sweep)
    : clock_(std::move(clock)), interval_(interval_nanoseconds), sweep_(std::move(sweep)) {}

void Sweeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Sweeper::schedule(SteadyNanos deadline) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || deadline >= next_look_.load(std::memory_order_relaxed)) return;
  next_look_.store(deadline, std::memory_order_release);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

void Sweeper::run() {
  std::unique_lock lock(mutex_);
  SteadyNanos not_before = clock_->steady_now();
  while (!stopping_) {
    // A deadline that comes while this waits may be nearer than the one waited for.
    const SteadyNanos planned = next_look_.load(std::memory_order_relaxed);
    const SteadyNanos until = planned == kNever ? kNever : std::max(planned, not_before);
    const bool changed = clock_->wait_until(lock, changed_, until, [this, planned] {
      return stopping_ || next_look_.load(std::memory_order_relaxed) < planned;
    });
    if (changed) continue;
    next_look_.store(kNever, std::memory_order_release);
    lock.unlock();
    const SteadyNanos next = sweep_();
    lock.lock();
    not_before = deadline_after(clock_->steady_now(), interval_);
    if (next < next_look_.load(std::memory_order_relaxed)) {
      next_look_.store(next, std::memory_order_release);
    }
  }
}

}  // namespace tarmac::internal
