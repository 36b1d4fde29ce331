// What write-back makes of a store that refuses.
#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>

#include <exception>
#include <memory>
#include <utility>

#include "write_back_worker.h"

namespace tarmac::internal {

WriteBackWorker::Failure WriteBackWorker::try_store(std::span<const StoreWrite> batch) noexcept {
  const auto failed = [](const char* what, bool is_permanent) {
    const std::string_view text = what;
    return Failure{std::string(text.empty() ? "it gave no reason" : text), is_permanent};
  };
  try {
    store_->write(batch);
    return {};
  } catch (const PermanentStoreError& error) {
    auto failure = failed(error.what(), true);
    failure.refused = error.keys();
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
  const auto reason =
      options_.dead_letters.empty() ? nullptr : std::make_shared<const std::string>(failure.text);
  lock.lock();
  begin_report(lock);
  const auto refused = queue_.part_flying(batch, failure.refused, reason,
                                          {.now = clock_->steady_now(),
                                           .round = round,
                                           .successes = flushed_.load(std::memory_order_relaxed)});
  if (!refused.empty()) {
    store_errors_.fetch_add(1, std::memory_order_relaxed);
    last_error_ = failure.text;
    failures_in_a_row_ = 0;  // A store that judges a write is there.
    work_.notify_one();
    tell_settled(lock, refused, EntryState::dirty);
  }
  lock.unlock();
  if (!refused.empty()) report(failure, refused.size(), 0);
  lock.lock();
  end_report();
  lock.unlock();
}

void WriteBackWorker::write_off(Lock& lock, Batch& batch, std::uint64_t round) {
  const auto reasons = batch.condemned();
  lock.unlock();
  const auto versions = versions_of(batch.writes());
  Failure failure{*reasons.front(), true};
  std::vector<DeadLetter> letters;
  letters.reserve(reasons.size());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    letters.push_back({batch.writes()[i], *reasons[i]});
  }
  failure.is_buried = bury(letters, failure);
  lock.lock();
  begin_report(lock);
  if (failure.is_buried) {
    dead_letters_.fetch_add(versions.size(), std::memory_order_relaxed);
    queue_.settle_done(batch);
    room_.notify_all();
  } else {
    last_error_ = failure.text;
    queue_.settle_failed(batch, {.now = clock_->steady_now(),
                                 .round = round,
                                 .successes = flushed_.load(std::memory_order_relaxed),
                                 .each_alone = true});
  }
  count_places();
  watch_intake();
  work_.notify_one();
  tell_settled(lock, versions, failure.is_buried ? EntryState::clean : EntryState::dirty);
  lock.unlock();
  for (std::size_t i = 0; i < (failure.is_buried ? reasons.size() : 1); ++i) {
    failure.text = failure.is_buried ? *reasons[i] : failure.text;
    report(failure, versions.size(), 0);
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

bool WriteBackWorker::bury(std::span<const DeadLetter> letters, Failure& failure) noexcept {
  try {
    append_dead_letters(options_.dead_letters, letters);
    return true;
  } catch (const std::exception& error) {
    failure.text += std::string("; and it could not be given up: ") + error.what();
    return false;
  }
}

std::string WriteBackWorker::put_by(std::vector<StoreWrite> owed) noexcept {
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
