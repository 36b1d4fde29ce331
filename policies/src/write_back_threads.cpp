// What the threads of write-back do.
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "write_back_worker.h"

namespace tarmac::internal {

namespace {

// Fewer are not worth waking a thread for.
constexpr std::uint64_t kHelpMin = 64;
// So many more set aside while both threads are in the store show that it keeps them for long.
constexpr std::uint64_t kBacklog = 4'096;
constexpr std::size_t kGatherMin = 1'024;

}  // namespace

bool WriteBackWorker::may_help() const {
  return !stopping_ && holds_ == 0 && failures_in_a_row_ == 0 && queue_.in_flight();
}

std::uint64_t WriteBackWorker::help_min() const { return std::max(kHelpMin, options_.batch_max); }

bool WriteBackWorker::has_help_work(std::uint64_t waiting) const {
  return may_help() && waiting >= help_min();
}

void WriteBackWorker::watch_intake() {
  if (fetch_failures_ != 0) return call_at(kAll);  // The first thread knows when to try again.
  std::uint64_t wanted = kAll;
  if (is_waiting_) {
    if (holds_ == 0 && !is_down()) wanted = std::min(options_.batch_max, options_.dirty_max);
  } else if (!is_helping_ && may_help()) {
    wanted = help_min();
  } else if (in_store_ == 2 && !is_gathering_ && !stopping_ && holds_ == 0) {
    return call_at(counted_ + gather_from_);
  }
  if (wanted == kAll) return call_at(kAll);
  const std::uint64_t queued = queue_.fresh();
  call_at(counted_ + (wanted > queued ? wanted - queued : 1));
}

void WriteBackWorker::call_help() noexcept {
  watch_intake();
  const bool helps = !is_helping_ && has_help_work(fresh());
  if (helps && helper_.joinable()) help_wanted_.notify_one();
  const bool gathers = has_gathering();
  if (gathers && gatherer_.joinable()) gathering_wanted_.notify_one();
  if (helps || gathers) call_at(kAll);  // Once is enough: they will watch again.
  try {
    if (helps && !helper_.joinable()) {
      helper_ = std::thread([self = shared_from_this()] { self->help(); });
    }
    if (gathers && !gatherer_.joinable()) {
      gatherer_ = std::thread([self = shared_from_this()] { self->gather(); });
    }
  } catch (const std::system_error&) {
    // There are too many threads. One of ours does it as well, if not as fast.
    return;
  } catch (const std::bad_alloc&) {
    return;
  }
}

bool WriteBackWorker::has_gathering() const {
  return in_store_ == 2 && !is_gathering_ && !stopping_ && holds_ == 0 && fetch_failures_ == 0 &&
         aside() >= gather_from_;
}

void WriteBackWorker::enter_store() {
  if (++in_store_ == 2) gather_from_ = aside() + kBacklog;
  watch_intake();
}

void WriteBackWorker::gather() {
  Lock lock(mutex_);
  for (;;) {
    watch_intake();
    gathering_wanted_.wait(lock, [this] { return stopping_ || has_gathering(); });
    is_gathering_ = true;
    while (!stopping_ && in_store_ == 2 && holds_ == 0 && aside() >= kGatherMin) {
      if (!try_fetch(lock, kGatherMin)) break;
    }
    is_gathering_ = false;
    if (stopping_) return;
    gather_from_ = aside() + kBacklog;
  }
}

void WriteBackWorker::run() {
  Lock lock(mutex_);
  Batch batch;
  while (!stopping_) {
    wait_for_work(lock);
    if (stopping_) break;
    if (holds_ != 0) continue;
    if (round_wanted_ > round_done_) {
      run_round(lock);
      continue;
    }
    fetch_some(lock, options_.batch_max);
    if (stopping_ || holds_ != 0) continue;
    const auto now = clock_->steady_now();
    if (is_down() && now < paused_until_) continue;
    const bool urgent = has_urgent_work();
    if (!has_memory_for([&] { static_cast<void>(queue_.take_due(batch, now, urgent)); })) {
      await_memory(lock, work_, [this] { return stopping_ || round_wanted_ > round_done_; });
    } else if (!batch.empty()) {
      write_batch(lock, batch, 0);
    }
  }
  settled_.wait(lock, [this] { return !is_helping_; });
  finished_ = true;
  round_ended_.notify_all();
}

void WriteBackWorker::help() {
  Lock lock(mutex_);
  Batch batch;
  for (;;) {
    watch_intake();
    help_wanted_.wait(lock, [this] { return stopping_ || has_help_work(fresh()); });
    if (stopping_) return;
    is_helping_ = true;
    fetch_some(lock, help_min());
    if (has_help_work(queue_.fresh())) {  // Not only of a few keys.
      if (!has_memory_for([&] { static_cast<void>(queue_.take_fresh(batch)); })) {
        await_memory(lock, help_wanted_, [this] { return stopping_; });
      } else {
        write_batch(lock, batch, round_);
      }
    }
    is_helping_ = false;
    settled_.notify_all();
  }
}

bool WriteBackWorker::has_memory_for(FunctionRef<void()> work) noexcept {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void WriteBackWorker::await_memory(Lock& lock, std::condition_variable& condition,
                                   const std::function<bool()>& is_wanted) {
  clock_->wait_until(lock, condition, deadline_after(clock_->steady_now(), queue_.pause_after(1)),
                     is_wanted);
}

bool WriteBackWorker::has_urgent_work() const {
  if (holds_ != 0) return false;
  if (round_wanted_ > round_done_) return true;
  if (is_down() || fresh() == 0) return false;
  return writers_waiting_ != 0 || fresh() >= std::min(options_.batch_max, options_.dirty_max);
}

SteadyNanos WriteBackWorker::next_wake() const {
  if (holds_ != 0) return kNever;
  const auto due = std::min(queue_.next_due(), aside_due());
  return is_down() && due != kNever ? std::max(due, paused_until_) : due;
}

void WriteBackWorker::wait_for_work(Lock& lock) {
  const auto wake = next_wake();
  is_waiting_ = true;
  watch_intake();
  clock_->wait_until(lock, work_, wake,
                     [&] { return stopping_ || has_urgent_work() || next_wake() < wake; });
  is_waiting_ = false;
  watch_intake();
}

void WriteBackWorker::run_round(Lock& lock) {
  round_ = round_wanted_;
  const auto ticket = queue_.last_ticket();
  Batch batch;
  while (!stopping_ && holds_ == 0) {
    const auto take = [&] { static_cast<void>(queue_.take_for_round(batch, round_, ticket)); };
    if (!has_memory_for(take)) {
      await_memory(lock, work_, [this] { return stopping_ || holds_ != 0; });
      continue;
    }
    if (batch.empty()) {
      if (!is_helping_) break;
      // What it cannot get stored is this round's as well.
      settled_.wait(lock, [this] { return !is_helping_ || stopping_; });
      continue;
    }
    write_batch(lock, batch, round_);
    // What the other thread has is this round's as well, and may show that the store is there.
    if (is_down()) settled_.wait(lock, [this] { return !is_helping_ || stopping_; });
    if (is_down()) break;
  }
  const auto round = std::exchange(round_, 0);
  if (holds_ != 0) return;  // Goes on after the hold.
  round_done_ = std::max(round_done_, round);
  round_ended_.notify_all();
}

void WriteBackWorker::write_batch(Lock& lock, Batch& batch, std::uint64_t round) {
  call_help();
  if (!batch.condemned().empty()) {
    write_off(lock, batch, round);
    return;
  }
  if (batch.is_retry()) {
    retries_.fetch_add(1, std::memory_order_relaxed);
    // The other thread may still have to tell that they are dirty.
    settled_.wait(lock, [this] { return !has_report_; });
  }
  enter_store();
  lock.unlock();
  tell([&batch](WritePolicyHost& host) {
    host.on_flush_states(batch.writes(), EntryState::flushing);
  });
  const auto started = clock_->steady_now();
  auto failure = try_without_refused(lock, batch, round);
  const auto elapsed = clock_->steady_now() - started;
  lock.lock();
  leave_store();
  if (batch.empty()) return;
  if (is_hopeless(batch, failure)) {
    lock.unlock();
    failure.is_buried = bury(batch.writes(), {}, failure);
    lock.lock();
  }
  const bool stays_dirty = failure.happened() && !failure.is_buried;
  const auto count = batch.writes().size();
  begin_report(lock);
  // Before they go back into the queue: later somebody else may have them, and tell something else.
  if (stays_dirty) tell_states(lock, batch.writes(), EntryState::dirty);
  settle(lock, batch, failure, round);
  // After they are settled: a cache that asks meanwhile what is owed, as a restore does, and calls
  // an entry dirty for it, must hear the end of it afterwards.
  if (!stays_dirty) tell_states(lock, batch.writes(), EntryState::clean);
  lock.unlock();
  batch.forget();
  report(failure, count, elapsed);
  lock.lock();
  end_report();
}

void WriteBackWorker::begin_report(Lock& lock) {
  settled_.wait(lock, [this] { return !has_report_; });
  has_report_ = true;
}

void WriteBackWorker::end_report() {
  has_report_ = false;
  settled_.notify_all();
}

void WriteBackWorker::tell_states(Lock& lock, std::span<const StoreWrite> writes,
                                  EntryState state) {
  reporting_ = true;
  lock.unlock();
  tell([writes, state](WritePolicyHost& host) { host.on_flush_states(writes, state); });
  lock.lock();
  reporting_ = false;
  settled_.notify_all();
}

void WriteBackWorker::report(const Failure& failure, std::size_t count,
                             std::int64_t elapsed) noexcept {
  tell([&](WritePolicyHost& host) {
    if (!failure.happened()) return host.on_flushed(count, elapsed);
    std::string text;
    try {
      text = failure.is_buried ? "a write that " + owner_text() + " does not take was put into " +
                                     options_.dead_letters.string() + ": " + failure.text
                               : "while writing " + std::to_string(count) + " values to " +
                                     owner_text() + ": " + failure.text;
    } catch (const std::bad_alloc&) {
      text = kNoMemory;
    }
    failure.is_buried ? host.on_dead_letter(text) : host.on_store_error(text);
  });
}

void WriteBackWorker::settle(Lock& lock, Batch& batch, const Failure& failure,
                             std::uint64_t round) {
  if (!failure.happened()) {
    // What the store has may go on being owed for a moment: then it would get it twice, at worst.
    constexpr std::size_t kAtOnce = 32;
    while (!queue_.settle_some(batch, kAtOnce)) {
      lock.unlock();
      lock.lock();
    }
    flushed_.fetch_add(batch.writes().size(), std::memory_order_relaxed);
    failures_in_a_row_ = 0;
    room_.notify_all();
  } else {
    store_errors_.fetch_add(1, std::memory_order_relaxed);
    remember(failure);
    const auto now = clock_->steady_now();
    // A store that judges a write is there.
    failures_in_a_row_ = failure.is_permanent ? 0 : failures_in_a_row_ + 1;
    if (is_down()) {
      paused_until_ = deadline_after(now, queue_.pause_after(failures_in_a_row_ - kDownAfter + 1));
    }
    if (failure.is_buried) {
      dead_letters_.fetch_add(1, std::memory_order_relaxed);
      queue_.settle_done(batch);
      room_.notify_all();
    } else {
      queue_.settle_failed(batch, {.now = now,
                                   .round = round,
                                   .successes = flushed_.load(std::memory_order_relaxed),
                                   .split_at_once = failure.is_permanent});
    }
  }
  count_places();
  watch_intake();
  settled_.notify_all();
  // If this is the second thread: what waits now may be due before that for which the first sleeps.
  work_.notify_one();
}

void WriteBackWorker::remember(const Failure& failure) noexcept {
  try {
    last_error_ = failure.text;
  } catch (const std::bad_alloc&) {
    last_error_ = kNoMemory;
  }
}

void WriteBackWorker::tell(FunctionRef<void(WritePolicyHost&)> speak) noexcept {
  WritePolicyHost* host = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (host_ == nullptr) return;
    host = host_;
    ++host_calls_;
  }
  speak(*host);
  const std::lock_guard lock(mutex_);
  end_host_call();
}

void WriteBackWorker::end_host_call() noexcept {
  --host_calls_;
  if (host_ == nullptr) settled_.notify_all();  // Else nobody waits for it.
}

}  // namespace tarmac::internal
