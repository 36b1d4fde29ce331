#include "write_back_worker.h"

#include <tarmac/core/assert.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace tarmac::internal {
namespace {

WriteBackQueue::Settings queue_settings(const WriteBackOptions& options) {
  return {.loss_window = saturated_nanoseconds(options.loss_window_max),
          .batch_max = options.batch_max,
          .retry_initial = saturated_nanoseconds(options.retry_initial),
          .retry_max = saturated_nanoseconds(options.retry_max),
          .seed = options.seed ? *options.seed : std::random_device{}()};
}

}  // namespace

std::vector<StoreWrite> WriteBackWorker::versions_of(std::span<const StoreWrite> batch) {
  std::vector<StoreWrite> versions;
  versions.reserve(batch.size());
  for (const auto& write : batch) {
    versions.push_back({.key = write.key,
                        .value = std::nullopt,
                        .stamp = write.stamp,
                        .expires_at = std::nullopt,
                        .hash = write.hash});
  }
  return versions;
}

WriteBackWorker::WriteBackWorker(std::shared_ptr<BackingStore> store,
                                 const WriteBackOptions& options)
    : store_(std::move(store)), options_(options), queue_(queue_settings(options)) {}

void WriteBackWorker::attach(WritePolicyHost& host) {
  const std::lock_guard lock(mutex_);
  TARMAC_ASSERT(host_ == nullptr);
  host_ = &host;
  cache_name_ = host.cache_name();
  clock_ = host.clock();
}

// What callers do.

void WriteBackWorker::add(StoreWrite write) {
  Lock lock(mutex_);
  TARMAC_ASSERT(host_ != nullptr);
  start_thread();
  if (queue_.size() >= options_.dirty_max) wait_for_room(lock, write.key);
  const auto wake_before = next_wake();
  queue_.put(std::move(write), clock_->steady_now());
  dirty_pending_.store(queue_.size(), std::memory_order_relaxed);
  // Most writes change neither, and need not wake anybody.
  if (has_urgent_work() || next_wake() < wake_before) work_.notify_one();
  call_help();
}

void WriteBackWorker::start_thread() {
  if (thread_.joinable() || stopping_) return;
  thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

bool WriteBackWorker::may_help() const {
  // Fewer are not worth waking a thread for.
  constexpr std::size_t kHelpMin = 64;
  return !is_helping_ && !stopping_ && holds_ == 0 && failures_in_a_row_ == 0 &&
         queue_.in_flight() && queue_.fresh() >= std::max(kHelpMin, options_.batch_max);
}

void WriteBackWorker::call_help() {
  if (!may_help()) return;
  if (helper_.joinable()) {
    help_wanted_.notify_one();
  } else {
    helper_ = std::thread([self = shared_from_this()] { self->help(); });
  }
}

void WriteBackWorker::wait_for_room(Lock& lock, const std::string& key) {
  const auto has_room = [&] { return queue_.size() < options_.dirty_max || queue_.contains(key); };
  if (has_room()) return;
  bool found_room = false;
  if (!is_worker_thread()) {
    ++writers_waiting_;
    work_.notify_one();
    const auto deadline =
        deadline_after(clock_->steady_now(), saturated_nanoseconds(options_.block_max));
    const auto began = clock_->steady_now();
    found_room = clock_->wait_until(lock, room_, deadline, has_room);
    backpressure_.fetch_add(clock_->steady_now() - began, std::memory_order_relaxed);
    --writers_waiting_;
  }
  if (found_room) return;
  throw StoreError("while queueing a write for " + owner_text() + ": " +
                   std::to_string(queue_.size()) + " writes already wait for the store" +
                   (last_error_.empty() ? "" : ", which last said: " + last_error_) +
                   "; retry later, or raise dirty_max");
}

std::optional<StoreWrite> WriteBackWorker::pending(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return queue_.pending(key);
}

FlushReport WriteBackWorker::flush(std::chrono::nanoseconds limit) {
  Lock lock(mutex_);
  FlushReport report;
  // Nothing owed may still be shown as owed, until the report of it has ended.
  if ((queue_.size() == 0 && !reporting_) || !clock_) return report;
  const auto ticket = queue_.last_ticket();
  if (is_worker_thread()) {
    report.still_dirty = queue_.owed_since(ticket);
    report.error = "flush() was called by a slot of the flush itself, which cannot wait for it";
    return report;
  }
  const auto started = clock_->steady_now();
  const auto flushed_before = flushed_.load(std::memory_order_relaxed);
  const auto errors_before = store_errors_.load(std::memory_order_relaxed);
  const auto round = ++round_wanted_;
  work_.notify_one();
  const bool done =
      clock_->wait_until(lock, settled_, deadline_after(started, saturated_nanoseconds(limit)),
                         [&] { return round_done_ >= round || finished_; });
  // Of what is stored, every entry is known to be clean when this returns; that needs no store.
  settled_.wait(lock, [&] { return !reporting_; });
  report.flushed = flushed_.load(std::memory_order_relaxed) - flushed_before;
  report.still_dirty = queue_.owed_since(ticket);
  report.elapsed = std::chrono::nanoseconds(clock_->steady_now() - started);
  if (store_errors_.load(std::memory_order_relaxed) != errors_before) report.error = last_error_;
  if (!done && report.still_dirty != 0 && report.error.empty()) {
    report.error = "the limit was reached before " + owner_text() + " was flushed";
  }
  return report;
}

WritePolicyStats WriteBackWorker::stats() const noexcept {
  SteadyNanos oldest = kNever;
  {
    const std::lock_guard lock(mutex_);
    oldest = queue_.oldest_since();
  }
  const bool owes = oldest != kNever && clock_ != nullptr;
  return {.dirty_pending = dirty_pending_.load(std::memory_order_relaxed),
          .flushed = flushed_.load(std::memory_order_relaxed),
          .store_errors = store_errors_.load(std::memory_order_relaxed),
          .retries = retries_.load(std::memory_order_relaxed),
          .dead_letters = dead_letters_.load(std::memory_order_relaxed),
          .backpressure_nanoseconds = backpressure_.load(std::memory_order_relaxed),
          .oldest_dirty_nanoseconds = owes ? clock_->steady_now() - oldest : 0};
}

std::vector<StoreWrite> WriteBackWorker::copy_queue() const {
  const std::lock_guard lock(mutex_);
  return queue_.copy();
}

void WriteBackWorker::replace_all(const StoreImage& image, std::vector<StoreWrite> writes) {
  Lock lock(mutex_);
  ++holds_;
  const auto deadline =
      deadline_after(clock_->steady_now(), saturated_nanoseconds(options_.block_max));
  const bool idle = clock_->wait_until(lock, settled_, deadline,
                                       [&] { return !queue_.in_flight() && !reporting_; });
  std::exception_ptr failure;
  if (!idle) {
    failure = std::make_exception_ptr(
        StoreError("while putting an image back into " + owner_text() +
                   ": it is still busy with a batch; retry later, or raise block_max"));
  } else {
    lock.unlock();
    try {
      store_->put_back(image);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
  }
  if (!failure) {
    if (!writes.empty()) start_thread();
    queue_.replace_all(std::move(writes), clock_->steady_now());
    dirty_pending_.store(queue_.size(), std::memory_order_relaxed);
    room_.notify_all();
  }
  --holds_;
  work_.notify_one();
  if (failure) std::rethrow_exception(failure);
}

void WriteBackWorker::shut_down() noexcept {
  if (clock_) flush(options_.shutdown_limit);
  std::thread thread;
  std::thread helper;
  std::string farewell;
  std::vector<StoreWrite> owed;
  {
    Lock lock(mutex_);
    stopping_ = true;
    work_.notify_one();
    help_wanted_.notify_one();
    settled_.notify_all();
    thread = std::move(thread_);
    helper = std::move(helper_);
    if (queue_.size() != 0) {
      farewell = owner_text() + " was closed with " + std::to_string(queue_.size()) +
                 " writes not stored" + (last_error_.empty() ? "" : ": " + last_error_);
      // What flies may still arrive. Writing it once more later does no harm.
      if (!options_.dead_letters.empty()) owed = queue_.copy();
    }
  }
  if (!owed.empty()) farewell += put_by(std::move(owed));
  if (!farewell.empty()) tell([&](WritePolicyHost& host) { host.on_store_error(farewell); });
  Lock lock(mutex_);
  host_ = nullptr;
  const bool own_thread = thread.get_id() == std::this_thread::get_id() ||
                          helper.get_id() == std::this_thread::get_id();
  // The host dies after this: a call of it that is under way has to end, however long it takes.
  settled_.wait(lock, [&] { return host_calls_ <= (own_thread ? 1U : 0U); });
  const bool hangs = queue_.in_flight() && !finished_;
  lock.unlock();
  for (auto* one : {&thread, &helper}) {
    if (!one->joinable()) continue;
    own_thread || hangs ? one->detach() : one->join();
  }
}

std::string WriteBackWorker::owner_text() const {
  return "store \"" + std::string(store_->name()) + "\" for cache \"" + cache_name_ + "\"";
}

bool WriteBackWorker::is_worker_thread() const {
  const auto id = std::this_thread::get_id();
  return thread_.get_id() == id || helper_.get_id() == id;
}

// What the threads do.

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
    const auto now = clock_->steady_now();
    if (is_down() && now < paused_until_) continue;
    if (!queue_.take_due(batch, now, has_urgent_work()).empty()) write_batch(lock, batch, 0);
  }
  settled_.wait(lock, [this] { return !is_helping_; });
  finished_ = true;
  settled_.notify_all();
}

void WriteBackWorker::help() {
  Lock lock(mutex_);
  Batch batch;
  for (;;) {
    help_wanted_.wait(lock, [this] { return stopping_ || may_help(); });
    if (stopping_) return;
    is_helping_ = true;
    static_cast<void>(queue_.take_fresh(batch));
    write_batch(lock, batch, round_);
    is_helping_ = false;
    settled_.notify_all();
  }
}

bool WriteBackWorker::has_urgent_work() const {
  if (holds_ != 0) return false;
  if (round_wanted_ > round_done_) return true;
  if (is_down() || queue_.fresh() == 0) return false;
  return writers_waiting_ != 0 ||
         queue_.fresh() >= std::min(options_.batch_max, options_.dirty_max);
}

SteadyNanos WriteBackWorker::next_wake() const {
  if (holds_ != 0) return kNever;
  const auto due = queue_.next_due();
  return is_down() && due != kNever ? std::max(due, paused_until_) : due;
}

void WriteBackWorker::wait_for_work(Lock& lock) {
  const auto wake = next_wake();
  clock_->wait_until(lock, work_, wake,
                     [&] { return stopping_ || has_urgent_work() || next_wake() < wake; });
}

void WriteBackWorker::run_round(Lock& lock) {
  round_ = round_wanted_;
  const auto ticket = queue_.last_ticket();
  Batch batch;
  while (!stopping_ && holds_ == 0) {
    if (queue_.take_for_round(batch, round_, ticket).empty()) {
      if (!is_helping_) break;
      // What it cannot get stored is this round's as well.
      settled_.wait(lock, [this] { return !is_helping_ || stopping_; });
      continue;
    }
    write_batch(lock, batch, round_);
    if (is_down()) break;
  }
  const auto round = std::exchange(round_, 0);
  if (holds_ != 0) return;  // Goes on after the hold.
  round_done_ = std::max(round_done_, round);
  settled_.notify_all();
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
  lock.unlock();
  tell([&batch](WritePolicyHost& host) {
    for (const auto& write : batch.writes()) host.on_flush_state(write, EntryState::flushing);
  });
  const auto started = clock_->steady_now();
  auto failure = try_without_refused(lock, batch, round);
  const auto elapsed = clock_->steady_now() - started;
  lock.lock();
  if (batch.empty()) return;
  if (is_hopeless(batch, failure)) {
    lock.unlock();
    const DeadLetter letter{batch.writes().front(), failure.text};
    failure.is_buried = bury({&letter, 1}, failure);
    lock.lock();
  }
  // One that failed is gone once it is settled.
  const bool stays_dirty = failure.happened() && !failure.is_buried;
  const auto versions = stays_dirty ? versions_of(batch.writes()) : std::vector<StoreWrite>();
  const auto told = stays_dirty ? std::span<const StoreWrite>(versions) : batch.writes();
  begin_report(lock);
  settle(lock, batch, failure, round);
  tell_settled(lock, told, stays_dirty ? EntryState::dirty : EntryState::clean);
  lock.unlock();
  report(failure, told.size(), elapsed);
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

// After the batch is settled: a cache that asks meanwhile what is owed, as a restore does, and
// calls an entry dirty for it, must hear the end of it afterwards.
void WriteBackWorker::tell_settled(Lock& lock, std::span<const StoreWrite> versions,
                                   EntryState state) {
  reporting_ = true;
  lock.unlock();
  tell([versions, state](WritePolicyHost& host) {
    for (const auto& version : versions) host.on_flush_state(version, state);
  });
  lock.lock();
  reporting_ = false;
  settled_.notify_all();
}

void WriteBackWorker::report(const Failure& failure, std::size_t count,
                             std::int64_t elapsed) noexcept {
  tell([&](WritePolicyHost& host) {
    if (!failure.happened()) {
      host.on_flushed(count, elapsed);
    } else if (failure.is_buried) {
      host.on_dead_letter("a write that " + owner_text() + " does not take was put into " +
                          options_.dead_letters.string() + ": " + failure.text);
    } else {
      host.on_store_error("while writing " + std::to_string(count) + " values to " + owner_text() +
                          ": " + failure.text);
    }
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
    last_error_ = failure.text;
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
  dirty_pending_.store(queue_.size(), std::memory_order_relaxed);
  settled_.notify_all();
}

void WriteBackWorker::tell(const std::function<void(WritePolicyHost&)>& speak) noexcept {
  WritePolicyHost* host = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (host_ == nullptr) return;
    host = host_;
    ++host_calls_;
  }
  speak(*host);
  const std::lock_guard lock(mutex_);
  --host_calls_;
  settled_.notify_all();
}

}  // namespace tarmac::internal
