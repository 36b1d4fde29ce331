// What the log does by itself: the sync of an interval, the mark after a pause, another try.
#include <algorithm>
#include <exception>
#include <utility>

#include "log.h"

namespace tarmac::internal {
namespace {

/// After so long without a record, a mark says that the last one is durable.
constexpr std::int64_t kIdle = 100'000'000;

}  // namespace

void Log::start_chores() {
  thread_ = std::make_unique<std::thread>([this] { run_chores(); });
}

void Log::stop_chores() noexcept {
  if (!thread_) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    chores_->notify_all();
  }
  thread_->join();
  thread_.reset();
}

void Log::wake_chores() {
  woken_ = true;
  chores_->notify_all();
}

bool Log::wants_mark() const noexcept {
  return !is_broken() && marked_ < changes_ && durable_ >= changes_;
}

SteadyNanos Log::next_chore(SteadyNanos now) const noexcept {
  auto next = kNever;
  if (degraded_) next = std::min(next, retry_at_);
  if (is_much_unsynced_ && !degraded_) next = now;
  if (options_.sync == SyncMode::interval && unsynced_since_ != kNever && !degraded_) {
    next = std::min(next, deadline_after(unsynced_since_, options_.interval.count()));
  }
  if (wants_mark()) next = std::min(next, deadline_after(now, kIdle));
  return next;
}

void Log::do_chores(Lock& lock, SteadyNanos now) {
  if (degraded_ && now >= retry_at_) {
    const Pen pen(*this, lock);
    if (degraded_) mend(lock, pen);
  }
  const bool is_time = unsynced_since_ != kNever &&
                       now >= deadline_after(unsynced_since_, options_.interval.count());
  if (options_.sync == SyncMode::interval && (is_time || is_much_unsynced_)) {
    is_much_unsynced_ = false;
    if (send_beside(lock)) sync_beside(lock);
  }
  if (!wants_mark()) return;
  if (std::exchange(seen_, appended_) != appended_) return;
  const Pen pen(*this, lock);
  if (!wants_mark()) return;  // It may have become broken, and nothing is written then.
  writer_.forget_spares();
  take_record(header_for({}, FrameType::mark, 0), {});
  write_out(lock, pen, /*synced=*/false);
}

void Log::run_chores() {
  Lock lock(mutex_);
  while (!stop_) {
    const auto deadline = next_chore(environment_.clock->steady_now());
    asleep_ = deadline == kNever;
    environment_.clock->wait_until(lock, *chores_, deadline, [this] { return stop_ || woken_; });
    asleep_ = false;
    woken_ = false;
    if (stop_) return;
    try {
      do_chores(lock, environment_.clock->steady_now());
    } catch (const std::exception& error) {
      // Out of memory: the next round tries again, and until then the mode's promise is not kept.
      if (!lock.owns_lock()) lock.lock();
      degraded_ = true;
      gap_covered_ = false;
      failure_ = error.what();
      retry_at_ = deadline_after(environment_.clock->steady_now(), kIdle);
      notify_all_waiters();
    }
  }
}

}  // namespace tarmac::internal
