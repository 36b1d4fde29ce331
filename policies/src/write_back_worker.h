// The threads of write-back and what they share with the callers.
#pragma once

#include <tarmac/core/write_policy.h>
#include <tarmac/policies/dead_letters.h>
#include <tarmac/policies/write_back.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "write_back_queue.h"

namespace tarmac::internal {

/// Owned by the policy, and by its threads as well: a store that hangs in the destructor must not
/// leave a thread with a dead object.
///
/// One thread takes what is due and what failed. While it is in the store and full batches wait, a
/// second one takes those: then the store need not wait while the writes of the last batch are
/// settled and those of the next one gathered.
///
/// - Thread-safety: all members may be called from any thread.
/// - Locking: `mutex_` is a leaf; neither the store nor the host is called under it.
class WriteBackWorker : public std::enable_shared_from_this<WriteBackWorker> {
 public:
  WriteBackWorker(std::shared_ptr<BackingStore> store, const WriteBackOptions& options);
  WriteBackWorker(const WriteBackWorker&) = delete;
  WriteBackWorker& operator=(const WriteBackWorker&) = delete;

  void attach(WritePolicyHost& host);
  /// Queues `write`, starting the thread if this is the first. Throws StoreError if there is no
  /// room.
  void add(StoreWrite&& write);
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view key) const;
  FlushReport flush(std::chrono::nanoseconds limit);
  [[nodiscard]] WritePolicyStats stats() const noexcept;
  [[nodiscard]] const std::shared_ptr<BackingStore>& store() const noexcept { return store_; }

  [[nodiscard]] std::vector<StoreWrite> copy_queue() const;
  /// Puts `image` and `writes` in the place of what is there. Throws StoreError.
  void replace_all(const StoreImage& image, std::vector<StoreWrite> writes);

  /// Flushes once more, ends the threads (or leaves them to a store that hangs) and tells the host
  /// what is still owed. The host is not called afterwards.
  void shut_down() noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Batch = WriteBackQueue::Batch;
  /// What the store had against a batch.
  struct Failure {
    /// Its exception as text; empty if it took the batch.
    std::string text;
    bool is_permanent = false;
    /// The write was given up, and is in the dead-letter file.
    bool is_buried = false;
    /// Of the batch those that the store will never take, if it has named them.
    std::vector<std::string> refused = {};
    [[nodiscard]] bool happened() const noexcept { return !text.empty(); }
  };

  void run();
  /// What the second thread does.
  void help();
  void start_thread();
  /// Whether the second thread is to take a batch.
  [[nodiscard]] bool may_help() const;
  /// Wakes it for that, or starts it.
  void call_help();
  void wait_for_work(Lock& lock);
  void wait_for_room(Lock& lock, const std::string& key);
  /// Whether to write before anything is due.
  [[nodiscard]] bool has_urgent_work() const;
  [[nodiscard]] SteadyNanos next_wake() const;
  [[nodiscard]] bool is_down() const noexcept { return failures_in_a_row_ >= kDownAfter; }
  [[nodiscard]] bool is_worker_thread() const;

  void run_round(Lock& lock);
  /// Writes a batch that is in flight with `lock` released meanwhile. `round` is 0 outside a flush.
  void write_batch(Lock& lock, Batch& batch, std::uint64_t round);
  [[nodiscard]] Failure try_store(std::span<const StoreWrite> batch) noexcept;
  /// The same, and again without what the store names as bad, as long as it does: `batch` has then
  /// what is left of it, which may be nothing. Requires: mutex_ is not held.
  [[nodiscard]] Failure try_without_refused(Lock& lock, Batch& batch, std::uint64_t round);
  /// Parts what `failure` names from the batch.
  void part_refused(Lock& lock, Batch& batch, const Failure& failure, std::uint64_t round);
  /// Puts a batch of condemned writes, which is in flight, into the dead-letter file.
  void write_off(Lock& lock, Batch& batch, std::uint64_t round);
  /// Whether the batch in flight, which failed so, is one write that nothing will get stored.
  [[nodiscard]] bool is_hopeless(const Batch& batch, const Failure& failure) const;
  /// Puts them into the dead-letter file. Says in `failure` why if that cannot be done.
  [[nodiscard]] bool bury(std::span<const DeadLetter> letters, Failure& failure) noexcept;
  /// Takes the batch in flight out of the queue, or puts it back into it.
  void settle(Lock& lock, Batch& batch, const Failure& failure, std::uint64_t round);
  /// Waits until no other thread reports. What is told of one batch is so never mixed with what is
  /// told of another, and no two slots are called at once.
  void begin_report(Lock& lock);
  void end_report();
  /// Tells the host what state entries now have, so that a flush waits for it. Requires: mutex_ is
  /// held, a report has begun, and what they were written with is settled.
  void tell_settled(Lock& lock, std::span<const StoreWrite> versions, EntryState state);
  void report(const Failure& failure, std::size_t count, std::int64_t elapsed) noexcept;
  /// Puts what is still owed into the dead-letter file; says what became of it.
  [[nodiscard]] std::string put_by(std::vector<StoreWrite> owed) noexcept;
  /// Calls `speak` with the host, if it may still be called. Requires: mutex_ is not held.
  void tell(const std::function<void(WritePolicyHost&)>& speak) noexcept;
  [[nodiscard]] std::string owner_text() const;

  /// So many failures in a row make the store count as down. Enough to isolate a bad key of a full
  /// batch (1 + 1 + 16 at most) before that.
  static constexpr std::uint32_t kDownAfter = 24;
  /// What the host knows the writes of a batch by.
  [[nodiscard]] static std::vector<StoreWrite> versions_of(std::span<const StoreWrite> batch);

  /// The other owner is the user, who may give one store to several caches.
  const std::shared_ptr<BackingStore> store_;
  const WriteBackOptions options_;
  std::string cache_name_;
  /// The other owner is the cache, which a thread left behind may outlive.
  std::shared_ptr<Clock> clock_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable help_wanted_;
  std::condition_variable room_;
  /// A round, a batch or a call of the host has ended.
  std::condition_variable settled_;

  // Guarded by mutex_.
  WriteBackQueue queue_;
  std::thread thread_;
  std::thread helper_;
  /// It has a batch, or tells what became of it.
  bool is_helping_ = false;
  /// The flush under way; 0 if none is.
  std::uint64_t round_ = 0;
  WritePolicyHost* host_ = nullptr;
  std::uint32_t host_calls_ = 0;
  bool stopping_ = false;
  bool finished_ = false;
  /// A thread has begun a report.
  bool has_report_ = false;
  /// The host is being told what became of a batch that is settled.
  bool reporting_ = false;
  /// While above zero no batch is taken.
  std::uint32_t holds_ = 0;
  std::uint32_t writers_waiting_ = 0;
  std::uint64_t round_wanted_ = 0;
  std::uint64_t round_done_ = 0;
  std::uint32_t failures_in_a_row_ = 0;
  SteadyNanos paused_until_ = 0;
  std::string last_error_;

  std::atomic<std::uint64_t> dirty_pending_{0};
  std::atomic<std::uint64_t> flushed_{0};
  std::atomic<std::uint64_t> store_errors_{0};
  std::atomic<std::uint64_t> retries_{0};
  std::atomic<std::uint64_t> dead_letters_{0};
  std::atomic<std::int64_t> backpressure_{0};
};

}  // namespace tarmac::internal
