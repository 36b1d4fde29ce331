#include <tarmac/core/error.h>
#include <tarmac/core/internal/durable_log.h>
#include <tarmac/core/internal/process.h>

#include <utility>

namespace tarmac::internal {

std::optional<StoreWrite> Debts::add(StoreWrite write) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(write.key);
  if (found != by_key_.end()) return std::exchange(found->second, std::move(write));
  auto key = write.key;
  by_key_.emplace(std::move(key), std::move(write));
  count_.store(by_key_.size(), std::memory_order_relaxed);
  return std::nullopt;
}

bool Debts::pay(const std::string& key, std::uint64_t stamp) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || found->second.stamp != stamp) return false;
  by_key_.erase(found);
  count_.store(by_key_.size(), std::memory_order_relaxed);
  return true;
}

void Debts::drop(const std::string& key) {
  const std::lock_guard lock(mutex_);
  by_key_.erase(key);
  count_.store(by_key_.size(), std::memory_order_relaxed);
}

std::optional<StoreWrite> Debts::of(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

std::vector<StoreWrite> Debts::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<StoreWrite> debts;
  debts.reserve(by_key_.size());
  for (const auto& [key, write] : by_key_) debts.push_back(write);
  return debts;
}

void Debts::replace(std::vector<StoreWrite> debts) {
  const std::lock_guard lock(mutex_);
  by_key_.clear();
  for (auto& write : debts) {
    auto key = write.key;
    by_key_.insert_or_assign(std::move(key), std::move(write));
  }
  count_.store(by_key_.size(), std::memory_order_relaxed);
}

DurableLog::DurableLog(const std::string& cache_name, const DurabilityOptions& options)
    : place_("cache \"" + cache_name + "\": log in " + options.directory.string()),
      fail_open_(options.fail_open),
      owner_(process_number()),
      journal_(journal_registry().make("log", options)) {}

DurableLog::~DurableLog() {
  // Not even its destructor may write what the parent goes on writing.
  if (process_number() != owner_) static_cast<void>(journal_.release());
}

void DurableLog::refuse_in_child() const {
  if (process_number() == owner_) return;
  throw DurabilityError(place_ +
                        ": this process was forked from the one that opened it, and must not write "
                        "to it; open the cache after fork(), in one process");
}

void DurableLog::commit(std::span<const JournalRecord> batch) {
  refuse_in_child();
  try {
    journal_->commit(batch);
  } catch (const DurabilityError& error) {
    if (!forgives(error)) throw;
  }
}

bool DurableLog::note(const JournalRecord& record) noexcept {
  try {
    refuse_in_child();
    static_cast<void>(journal_->append({&record, 1}));
    return true;
  } catch (const std::exception& error) {
    report(error.what());
    return forgives(error);
  }
}

bool DurableLog::forgives(const std::exception& error) noexcept {
  count_error();
  if (!fail_open_) return false;
  gaps_.fetch_add(1, std::memory_order_relaxed);
  report(error.what());
  return true;
}

std::unique_ptr<ImageWriter> DurableLog::begin_image(const ImageHeader& header) {
  refuse_in_child();
  return journal_->begin_image(header);
}

std::optional<std::string> DurableLog::take_failure() {
  if (!has_failure_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!has_failure_.exchange(false, std::memory_order_relaxed)) return std::nullopt;
  return std::exchange(failure_, {});
}

void DurableLog::report(std::string message) noexcept {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(message);
  has_failure_.store(true, std::memory_order_relaxed);
}

}  // namespace tarmac::internal
