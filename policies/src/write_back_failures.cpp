// What write-back makes of a store that refuses.
#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>

#include <exception>
#include <utility>

#include "write_back_worker.h"

namespace tarmac::internal {

WriteBackWorker::Failure WriteBackWorker::try_store(std::span<const StoreWrite> batch) noexcept {
  const auto failed = [](const char* what, bool is_permanent) {
    const std::string_view text = what;
    return Failure{std::string(text.empty() ? "it gave no reason" : text), is_permanent, false};
  };
  try {
    store_->write(batch);
    return {};
  } catch (const PermanentStoreError& error) {
    return failed(error.what(), true);
  } catch (const std::exception& error) {
    return failed(error.what(), false);
  } catch (...) {
    return failed("it threw something that is no exception", false);
  }
}

bool WriteBackWorker::is_hopeless(const Failure& failure) const {
  if (!failure.happened() || options_.dead_letters.empty()) return false;
  const auto successes = flushed_.load(std::memory_order_relaxed);
  const auto failures = queue_.lone_failures(successes);
  return queue_.is_lone() && (failure.is_permanent || failures >= options_.attempts_max);
}

bool WriteBackWorker::bury(const StoreWrite& write, Failure& failure) noexcept {
  try {
    const DeadLetter letter{write, failure.text};
    append_dead_letters(options_.dead_letters, {&letter, 1});
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
