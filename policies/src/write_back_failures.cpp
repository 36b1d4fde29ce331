// What write-back makes of a store that refuses.
#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>

#include <exception>
#include <memory>
#include <new>
#include <utility>

#include "write_back_worker.h"

namespace tarmac::internal {

namespace {

// For what may have memory, where there must be something.
std::string text_or(const char* what, const char* otherwise) noexcept {
  try {
    return what;
  } catch (const std::bad_alloc&) {
    return otherwise;
  }
}

}  // namespace

WriteBackWorker::Failure WriteBackWorker::try_store(std::span<const StoreWrite> batch) noexcept {
  const auto failed = [](const char* what, bool is_permanent) {
    const char* said = *what == '\0' ? "it gave no reason" : what;
    return Failure{text_or(said, kNoMemory), is_permanent};
  };
  try {
    store_->write(batch);
    return {};
  } catch (const PermanentStoreError& error) {
    auto failure = failed(error.what(), true);
    try {
      failure.refused = error.keys();
    } catch (const std::bad_alloc&) {
      failure.refused.clear();  // It is tried in parts until it is found out.
    }
    return failure;
  } catch (const std::exception& error) {
    return failed(error.what(), false);
  } catch (...) {
    return failed("it threw something that is no exception", false);
  }
}

WriteBackWorker::Failure WriteBackWorker::try_without_refused(Lock& lock, Batch& batch,
                                                              std::uint64_t round) {
  for (;;) {
    auto failure = try_store(batch.writes());
    if (failure.refused.empty() || batch.is_lone()) return failure;
    const auto size = batch.writes().size();
    part_refused(lock, batch, failure, round);
    // What it names may not be in the batch: then it has said nothing.
    if (batch.empty() || batch.writes().size() == size) return failure;
  }
}

void WriteBackWorker::part_refused(Lock& lock, Batch& batch, const Failure& failure,
                                   std::uint64_t round) {
  WriteBackQueue::Failure settled{.now = 0, .round = round, .each_alone = true};
  std::span<const StoreWrite> refused;
  lock.lock();
  begin_report(lock);
  const bool has_memory = has_memory_for([&] {
    if (!options_.dead_letters.empty()) {
      settled.condemned = std::make_shared<const std::string>(failure.text);
    }
    refused = queue_.set_apart(batch, failure.refused);
  });
  const auto count = has_memory ? refused.size() : 0;
  if (count != 0) {
    store_errors_.fetch_add(1, std::memory_order_relaxed);
    remember(failure);
    failures_in_a_row_ = 0;  // A store that judges a write is there.
    tell_states(lock, refused, EntryState::dirty);
    settled.now = clock_->steady_now();
    settled.successes = flushed_.load(std::memory_order_relaxed);
    queue_.settle_last_failed(batch, count, settled);
    watch_intake();
    work_.notify_one();
  }
  lock.unlock();
  if (count != 0) report(failure, count, 0);
  lock.lock();
  end_report();
  lock.unlock();
}

void WriteBackWorker::write_off(Lock& lock, Batch& batch, std::uint64_t round) {
  lock.unlock();
  Failure failure{text_or(batch.condemned().front()->c_str(), kNoMemory), true};
  failure.is_buried = bury(batch.writes(), batch.condemned(), failure);
  const auto count = batch.writes().size();
  lock.lock();
  begin_report(lock);
  if (failure.is_buried) {
    dead_letters_.fetch_add(count, std::memory_order_relaxed);
    queue_.settle_done(batch);
    room_.notify_all();
  } else {
    remember(failure);
    tell_states(lock, batch.writes(), EntryState::dirty);
    queue_.settle_failed(batch, {.now = clock_->steady_now(),
                                 .round = round,
                                 .successes = flushed_.load(std::memory_order_relaxed),
                                 .each_alone = true});
  }
  count_places();
  watch_intake();
  work_.notify_one();
  if (failure.is_buried) tell_states(lock, batch.writes(), EntryState::clean);
  lock.unlock();
  for (std::size_t i = 0; i < (failure.is_buried ? count : 1); ++i) {
    if (failure.is_buried) failure.text = text_or(batch.condemned()[i]->c_str(), kNoMemory);
    report(failure, count, 0);
  }
  lock.lock();
  end_report();
}

bool WriteBackWorker::is_hopeless(const Batch& batch, const Failure& failure) const {
  if (!failure.happened() || options_.dead_letters.empty()) return false;
  const auto successes = flushed_.load(std::memory_order_relaxed);
  const auto failures = queue_.lone_failures(batch, successes);
  return batch.is_lone() && (failure.is_permanent || failures >= options_.attempts_max);
}

bool WriteBackWorker::bury(std::span<const StoreWrite> writes, const WriteBackQueue::Reasons& why,
                           Failure& failure) noexcept {
  try {
    std::vector<DeadLetter> letters;
    letters.reserve(writes.size());
    for (std::size_t i = 0; i < writes.size(); ++i) {
      letters.push_back({writes[i], why.empty() ? failure.text : *why[i]});
    }
    append_dead_letters(options_.dead_letters, letters);
    return true;
  } catch (const std::exception& error) {
    const bool has_memory = has_memory_for(
        [&] { failure.text = failure.text + "; and it could not be given up: " + error.what(); });
    if (!has_memory) failure.text = kNoMemory;
    return false;
  }
}

std::string WriteBackWorker::put_by(std::vector<StoreWrite> owed) {
  try {
    std::vector<DeadLetter> letters;
    letters.reserve(owed.size());
    for (auto& write : owed) letters.push_back({std::move(write), "the cache was closed"});
    append_dead_letters(options_.dead_letters, letters);
    dead_letters_.fetch_add(letters.size(), std::memory_order_relaxed);
    return "; they are in " + options_.dead_letters.string();
  } catch (const std::exception& error) {
    return std::string("; and they are lost: ") + error.what();
  }
}

}  // namespace tarmac::internal
