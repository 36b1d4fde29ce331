// The log of one durable cache, as the engine uses it: what a failure means, and what the backing
// store is still owed.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/entry_state.h>
#include <tarmac/core/internal/process.h>
#include <tarmac/core/journal.h>

#include <sys/types.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tarmac::internal {

/// What was promised to the backing store and is not known to be there: the newest write of each
/// key. It outlives the entry, as the write policy's queue does, and also the process.
/// Thread-safety: all members may be called from any thread.
class Debts {
 public:
  /// Returns what the key owed before.
  std::optional<StoreWrite> add(StoreWrite write);
  /// Drops the debt of `key`, if it is still the one with `stamp`. Whether it was.
  bool pay(const std::string& key, std::uint64_t stamp);
  void drop(const std::string& key);
  [[nodiscard]] std::optional<StoreWrite> of(const std::string& key) const;
  [[nodiscard]] std::vector<StoreWrite> all() const;
  [[nodiscard]] std::size_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  /// Whether nothing is owed. Right for the keys that the caller holds.
  [[nodiscard]] bool empty() const noexcept { return count() == 0; }
  void replace(std::vector<StoreWrite> debts);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, StoreWrite> by_key_;
  /// How many; kept beside it, so that a cache without a store needs no lock to know.
  std::atomic<std::size_t> count_{0};
};

/// One write on its way to log and store. Stays where it is: the record has views into the write.
struct LoggedWrite {
  StoreWrite write;
  JournalRecord record;
  /// The backing store is to get it.
  bool owes = false;
  /// What the key owed before.
  std::optional<StoreWrite> former;
  /// What its entry gets.
  EntryState state = EntryState::clean;
};

/// A journal, and what the cache has to know beside it.
///
/// - Thread-safety: all members but recover() may be called from any thread.
/// - Exceptions: DurabilityError, also in a process forked from the one that opened the journal:
///   two writers would damage it.
class DurableLog {
 public:
  DurableLog(const std::string& cache_name, const DurabilityOptions& options);
  /// The journal makes durable what it can; in a forked child it is left alone.
  ~DurableLog();
  DurableLog(const DurableLog&) = delete;
  DurableLog& operator=(const DurableLog&) = delete;

  RecoveryReport recover(const Journal::Visit& visit, std::optional<ImageHeader>& header) {
    return journal_->recover(visit, header);
  }
  /// Appends `batch`, all or nothing, and waits until it is as safe as the mode promises. Throws
  /// DurabilityError; with fail_open it counts instead, and the log catches up by an image.
  void commit(std::span<const JournalRecord> batch);
  /// See Journal::commit_at_once().
  [[nodiscard]] bool commit_at_once(const JournalRecord& record) {
    return process_number() == owner_ && journal_->commit_at_once(record);
  }
  /// Appends without waiting, what may be lost without harm. False, and counted, if that failed.
  bool note(const JournalRecord& record) noexcept;

  /// Whether it is time for an image: the log has grown, or has missed something.
  [[nodiscard]] bool wants_image() const noexcept {
    return gaps() != closed_gaps_.load(std::memory_order_relaxed) || journal_->wants_image();
  }
  [[nodiscard]] std::unique_ptr<ImageWriter> begin_image(const ImageHeader& header);
  /// How often the log has missed something that the cache has. Only with fail_open.
  [[nodiscard]] std::uint64_t gaps() const noexcept {
    return gaps_.load(std::memory_order_relaxed);
  }
  /// An image was published that was begun after gaps() had said `gaps`.
  void close_gaps(std::uint64_t gaps) noexcept {
    closed_gaps_.store(gaps, std::memory_order_relaxed);
  }

  /// What failed since the last call and nobody was told by an exception.
  [[nodiscard]] std::optional<std::string> take_failure();
  /// Keeps a message for take_failure().
  void report(std::string message) noexcept;
  /// Counts a failure. True with fail_open: the cache goes on, and an image is to catch up.
  bool forgives(const std::exception& error) noexcept;
  void count_error() noexcept { errors_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t errors() const noexcept {
    return errors_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] JournalStats stats() const noexcept { return journal_->stats(); }
  [[nodiscard]] Debts& debts() noexcept { return debts_; }
  [[nodiscard]] const Debts& debts() const noexcept { return debts_; }

 private:
  void refuse_in_child() const;

  const std::string place_;
  const bool fail_open_;
  const pid_t owner_;
  std::unique_ptr<Journal> journal_;
  Debts debts_;
  std::atomic<std::uint64_t> gaps_{0};
  std::atomic<std::uint64_t> closed_gaps_{0};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<bool> has_failure_{false};
  std::mutex mutex_;
  std::string failure_;
};

}  // namespace tarmac::internal
