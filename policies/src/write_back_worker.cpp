#include "write_back_worker.h"

#include <tarmac/core/assert.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <new>
#include <system_error>
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

WriteBackWorker::WriteBackWorker(std::shared_ptr<BackingStore> store,
                                 const WriteBackOptions& options)
    : WriteIntake(options.dirty_max),
      store_(std::move(store)),
      options_(options),
      queue_(queue_settings(options)) {}

void WriteBackWorker::attach(WritePolicyHost& host) {
  const std::lock_guard lock(mutex_);
  TARMAC_ASSERT(host_ == nullptr);
  host_ = &host;
  cache_name_ = host.cache_name();
  clock_ = host.clock();
}

// What callers do.

void WriteBackWorker::add(StoreWrite&& write) {
  Lock lock(mutex_);
  TARMAC_ASSERT(host_ != nullptr);
  start_thread();
  const bool has_place = reserve() || wait_for_room(lock, write.key);
  const auto fresh_before = queue_.fresh();
  try {
    queue_.put(std::move(write), clock_->steady_now());
  } catch (...) {
    if (has_place) give_back(1);
    if (writers_waiting_ != 0) room_.notify_all();
    throw;
  }
  count_places();
  if (has_place) give_back(1);  // If the queue has grown, it has counted its own.
  if (writers_waiting_ != 0) room_.notify_all();
  // Most writes change neither, and need not wake anybody.
  const bool is_first = fresh_before == 0 && queue_.fresh() == 1;
  if (has_urgent_work() || is_first) work_.notify_one();
  call_help();
}

void WriteBackWorker::call(const std::optional<SteadyNanos>& since) noexcept {
  const std::lock_guard lock(mutex_);
  const auto wake = next_wake();
  if (since) aside_since_ = std::min(aside_since_, *since);
  if (writers_waiting_ != 0) room_.notify_all();  // It may be about a place that was given back.
  if (!try_start_thread()) return call_at(0);
  if (has_urgent_work() || next_wake() < wake) work_.notify_one();
  call_help();
  // Once is enough: it will watch again.
  if (is_waiting_ && has_urgent_work()) call_at(kAll);
}

void WriteBackWorker::take(std::span<StoreWrite> writes, SteadyNanos since) {
  const std::lock_guard lock(mutex_);
  const auto wake = next_wake();
  try {
    queue_.put_all(writes, since);
  } catch (...) {
    count_places();
    throw;
  }
  // Nothing is thrown from here on, or they would be given back again with the same writes.
  count_places();
  give_back(writes.size());
  if (writers_waiting_ != 0) room_.notify_all();
  if (!try_start_thread()) return call_at(0);
  if (has_urgent_work() || next_wake() < wake) work_.notify_one();
  call_help();
}

void WriteBackWorker::fetch(Lock& lock, std::size_t most) {
  if (host_ == nullptr) return;
  auto* host = host_;
  ++host_calls_;
  const auto since = std::exchange(aside_since_, kNever);
  lock.unlock();
  auto rest = kNever;
  std::exception_ptr failure;
  try {
    rest = host->hand_over(most);
  } catch (...) {
    failure = std::current_exception();
    rest = std::min(since, clock_->steady_now());
  }
  lock.lock();
  if (!failure && std::exchange(fetch_failures_, 0) != 0) watch_intake();
  aside_since_ = std::min(aside_since_, rest);
  end_host_call();
  // The first thread may have gone to sleep while nothing seemed to wait.
  if (rest != kNever) work_.notify_one();
  if (failure) std::rethrow_exception(failure);
}

bool WriteBackWorker::try_fetch(Lock& lock, std::size_t most) noexcept {
  try {
    fetch(lock, most);
    return true;
  } catch (...) {
    ++fetch_failures_;
    fetch_again_at_ = deadline_after(clock_->steady_now(), queue_.pause_after(fetch_failures_));
    return false;
  }
}

SteadyNanos WriteBackWorker::aside_due() const {
  if (aside_since_ == kNever) return kNever;
  if (fetch_failures_ != 0) return fetch_again_at_;
  return deadline_after(aside_since_, saturated_nanoseconds(options_.loss_window_max));
}

void WriteBackWorker::fetch_some(Lock& lock, std::uint64_t enough) {
  if (aside() == 0) {
    aside_since_ = kNever;  // Somebody else has fetched it.
    fetch_failures_ = 0;
    return;
  }
  if (fetch_failures_ != 0 && clock_->steady_now() < fetch_again_at_) return;
  // What waits longer goes first. If it were too few for the caller, which is awake because of what
  // is set aside as well, it would come back at once, and never release the lock.
  if (queue_.fresh() >= enough && queue_.fresh_due() <= aside_due()) return;
  // Enough for some batches, and not so much that the store is kept waiting.
  constexpr std::size_t kMost = 1'024;
  try_fetch(lock, std::max<std::size_t>(kMost, options_.batch_max));
}

void WriteBackWorker::count_places() {
  const auto size = queue_.size();
  size > counted_ ? take_unasked(size - counted_) : give_back(counted_ - size);
  counted_ = size;
}

void WriteBackWorker::start_thread() {
  if (thread_.joinable() || stopping_) return;
  thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

bool WriteBackWorker::try_start_thread() noexcept {
  try {
    start_thread();
    return true;
  } catch (const std::system_error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool WriteBackWorker::wait_for_room(Lock& lock, const std::string& key) {
  fetch(lock, kAll);  // Many writes that are set aside may be of few keys.
  bool has_place = false;
  // As the clock wants it: that may need memory, which must not run out once others count on it
  // that somebody waits.
  const std::function<bool()> has_room = [&] {
    if (!has_place && !queue_.contains(key)) has_place = reserve();
    return has_place || queue_.contains(key);
  };
  if (has_room()) return has_place;
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
    if (!found_room) {  // Meanwhile others may have set aside many of few keys.
      fetch(lock, kAll);
      found_room = has_room();
    }
  }
  if (found_room) return has_place;
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
  fetch(lock, kAll);
  return flush_queue(lock, limit);
}

FlushReport WriteBackWorker::flush_queue(Lock& lock, std::chrono::nanoseconds limit) {
  FlushReport report;
  // Nothing owed may still be shown as owed, until the report of it has ended.
  if ((queue_.size() == 0 && !reporting_) || !clock_) return report;
  const auto ticket = queue_.last_ticket();
  if (is_worker_thread()) {
    report.still_dirty = queue_.owed_since(ticket);
    report.error = "flush() was called by a slot of the flush itself, which cannot wait for it";
    return report;
  }
  if (!try_start_thread()) {
    report.still_dirty = queue_.owed_since(ticket);
    report.error = "no thread could be started for " + owner_text();
    return report;
  }
  const auto started = clock_->steady_now();
  const auto flushed_before = flushed_.load(std::memory_order_relaxed);
  const auto errors_before = store_errors_.load(std::memory_order_relaxed);
  const auto round = ++round_wanted_;
  work_.notify_one();
  const bool done =
      clock_->wait_until(lock, round_ended_, deadline_after(started, saturated_nanoseconds(limit)),
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
    if (aside() != 0) oldest = std::min(oldest, aside_since_);
  }
  const bool owes = oldest != kNever && clock_ != nullptr;
  return {.dirty_pending = taken(),
          .flushed = flushed_.load(std::memory_order_relaxed),
          .store_errors = store_errors_.load(std::memory_order_relaxed),
          .retries = retries_.load(std::memory_order_relaxed),
          .dead_letters = dead_letters_.load(std::memory_order_relaxed),
          .backpressure_nanoseconds = backpressure_.load(std::memory_order_relaxed),
          .oldest_dirty_nanoseconds = owes ? clock_->steady_now() - oldest : 0};
}

std::vector<StoreWrite> WriteBackWorker::copy_queue() {
  Lock lock(mutex_);
  fetch(lock, kAll);
  return queue_.copy();
}

void WriteBackWorker::replace_all(const StoreImage& image, std::vector<StoreWrite> writes) {
  std::unique_ptr<WriteBackQueue> next;  // Before the lock: destroyed when it is released.
  Lock lock(mutex_);
  fetch(lock, kAll);  // Or it would come into the queue after what is put back.
  if (is_worker_thread() && (queue_.in_flight() || reporting_)) {
    throw StoreError("while putting an image back into " + owner_text() +
                     ": a slot of the flush itself cannot wait for the batch under way");
  }
  // What may fail comes before the store has changed.
  next = queue_.with(std::move(writes), clock_->steady_now());
  if (next->size() != 0) start_thread();
  const auto busy = std::make_exception_ptr(
      StoreError("while putting an image back into " + owner_text() +
                 ": it is still busy with a batch; retry later, or raise block_max"));
  ++holds_;
  const auto deadline =
      deadline_after(clock_->steady_now(), saturated_nanoseconds(options_.block_max));
  const bool idle = clock_->wait_until(lock, settled_, deadline,
                                       [&] { return !queue_.in_flight() && !reporting_; });
  std::exception_ptr failure;
  if (!idle) {
    failure = busy;
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
    queue_.adopt(*next);
    count_places();
    room_.notify_all();
  }
  --holds_;
  watch_intake();
  work_.notify_one();
  if (failure) std::rethrow_exception(failure);
}

void WriteBackWorker::shut_down() noexcept {
  if (clock_) {
    Lock lock(mutex_);
    const bool has_all = try_fetch(lock, kAll);
    // It may have none for what it says at the end.
    const auto flush_all = [&] { flush_queue(lock, options_.shutdown_limit); };
    static_cast<void>(has_memory_for(flush_all));
    // There may be memory again by now.
    if (!has_all && try_fetch(lock, kAll)) static_cast<void>(has_memory_for(flush_all));
  }
  std::thread thread;
  std::thread helper;
  std::thread gatherer;
  std::string text;
  std::string_view farewell;
  std::vector<StoreWrite> owed;
  {
    Lock lock(mutex_);
    stopping_ = true;
    work_.notify_one();
    help_wanted_.notify_one();
    gathering_wanted_.notify_one();
    settled_.notify_all();
    thread = std::move(thread_);
    helper = std::move(helper_);
    gatherer = std::move(gatherer_);
    if (taken() != 0) {
      farewell = "write-back was closed with writes not stored, and without memory to say more";
      const auto copy = [&] {
        // What flies may still arrive. Writing it once more later does no harm.
        if (!options_.dead_letters.empty()) owed = queue_.copy();
        text = owner_text() + " was closed with " + std::to_string(taken()) + " writes not stored" +
               (last_error_.empty() ? "" : ": " + last_error_);
      };
      if (has_memory_for(copy)) farewell = text;
    }
  }
  const auto put_aside = [&] { text += put_by(std::move(owed)); };
  if (!owed.empty() && has_memory_for(put_aside)) farewell = text;
  if (!farewell.empty()) tell([&](WritePolicyHost& host) { host.on_store_error(farewell); });
  Lock lock(mutex_);
  host_ = nullptr;
  const bool own_thread = thread.get_id() == std::this_thread::get_id() ||
                          helper.get_id() == std::this_thread::get_id();
  // The host dies after this: a call of it that is under way has to end, however long it takes.
  settled_.wait(lock, [&] { return host_calls_ <= (own_thread ? 1U : 0U); });
  const bool hangs = queue_.in_flight() && !finished_;
  lock.unlock();
  for (auto* one : {&thread, &helper, &gatherer}) {
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

}  // namespace tarmac::internal
