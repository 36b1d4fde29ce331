// The threads of write-back and what they share with the callers.
#pragma once

#include <tarmac/core/internal/function_ref.h>
#include <tarmac/core/write_intake.h>
#include <tarmac/core/write_policy.h>
#include <tarmac/policies/dead_letters.h>
#include <tarmac/policies/write_back.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <limits>
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
/// What the cache has set aside is fetched by the thread that will write it, some at a time, and by
/// whoever needs all of it in the queue. While the store keeps both threads for long, a third one
/// fetches, so that they find their batches ready.
///
/// - Thread-safety: all members may be called from any thread.
/// - Locking: `mutex_` is a leaf; neither the store nor the host is called under it.
class WriteBackWorker : public WriteIntake, public std::enable_shared_from_this<WriteBackWorker> {
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

  void call(const std::optional<SteadyNanos>& since) noexcept override;
  void take(std::span<StoreWrite> writes, SteadyNanos since) override;

  [[nodiscard]] std::vector<StoreWrite> copy_queue();
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
  /// What the third thread does.
  void gather();
  void start_thread();
  /// For what stands already: false if it cannot be started, and the next write is to try again.
  [[nodiscard]] bool try_start_thread() noexcept;
  /// Whether the second thread is to take a batch, if enough waits; and whether it does.
  [[nodiscard]] bool may_help() const;
  [[nodiscard]] bool has_help_work(std::uint64_t waiting) const;
  /// So many make it worth waking it.
  [[nodiscard]] std::uint64_t help_min() const;
  /// Whether the third one is to fetch.
  [[nodiscard]] bool has_gathering() const;
  /// Wakes them for that, or starts them.
  void call_help() noexcept;
  /// Counts a thread that goes into the store, and comes back.
  void enter_store();
  void leave_store() noexcept { --in_store_; }
  void wait_for_work(Lock& lock);
  /// True: a place was taken. False: the key has one.
  [[nodiscard]] bool wait_for_room(Lock& lock, const std::string& key);
  /// Whether to write before anything is due.
  [[nodiscard]] bool has_urgent_work() const;
  [[nodiscard]] SteadyNanos next_wake() const;
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  /// Queues what the cache has set aside, `most` of it or a little more, with `lock` released
  /// meanwhile.
  void fetch(Lock& lock, std::size_t most);
  /// The same for one of the own threads, which has nobody to throw to: if memory runs out, it is
  /// tried again after a pause.
  bool try_fetch(Lock& lock, std::size_t most) noexcept;
  /// The same for one of the own threads, if there is anything, and unless `enough` that waits
  /// longer is in the queue.
  void fetch_some(Lock& lock, std::uint64_t enough);
  [[nodiscard]] SteadyNanos aside_due() const;
  /// Does `work`; false if memory runs out in it.
  [[nodiscard]] static bool has_memory_for(FunctionRef<void()> work) noexcept;
  /// Pauses a thread of which that is true, with `lock` released meanwhile.
  void await_memory(Lock& lock, std::condition_variable& condition,
                    const std::function<bool()>& is_wanted);
  /// Writes that are set aside.
  [[nodiscard]] std::uint64_t aside() const noexcept { return taken() - counted_; }
  /// Those, and what is fresh in the queue; but what cannot be fetched is no work for now.
  [[nodiscard]] std::uint64_t fresh() const noexcept {
    return queue_.fresh() + (fetch_failures_ == 0 ? aside() : 0);
  }
  /// Counts the places of what is queued, after it became more or less.
  void count_places();
  /// Settles how much has to be set aside until a thread that sleeps is to be called.
  void watch_intake();
  [[nodiscard]] bool is_down() const noexcept { return failures_in_a_row_ >= kDownAfter; }
  [[nodiscard]] bool is_worker_thread() const;

  FlushReport flush_queue(Lock& lock, std::chrono::nanoseconds limit);
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
  /// Puts them into the dead-letter file, with what is said of each in `why`, or else in `failure`.
  /// Says there why if that cannot be done.
  [[nodiscard]] bool bury(std::span<const StoreWrite> writes, const WriteBackQueue::Reasons& why,
                          Failure& failure) noexcept;
  /// Takes the batch in flight out of the queue, or puts it back into it.
  void settle(Lock& lock, Batch& batch, const Failure& failure, std::uint64_t round);
  /// Waits until no other thread reports. What is told of one batch is so never mixed with what is
  /// told of another, and no two slots are called at once.
  void begin_report(Lock& lock);
  void end_report();
  /// Tells the host what state entries now have, so that a flush waits for it, with `lock` released
  /// meanwhile. Requires: a report has begun.
  void tell_states(Lock& lock, std::span<const StoreWrite> writes, EntryState state);
  void report(const Failure& failure, std::size_t count, std::int64_t elapsed) noexcept;
  /// Puts what is still owed into the dead-letter file; says what became of it.
  [[nodiscard]] std::string put_by(std::vector<StoreWrite> owed);
  /// Calls `speak` with the host, if it may still be called. Requires: mutex_ is not held.
  void tell(FunctionRef<void(WritePolicyHost&)> speak) noexcept;
  /// A call of the host has ended.
  void end_host_call() noexcept;
  /// As the last error.
  void remember(const Failure& failure) noexcept;
  [[nodiscard]] std::string owner_text() const;

  /// So many failures in a row make the store count as down. Enough to isolate a bad key of a full
  /// batch (1 + 1 + 16 at most) before that.
  static constexpr std::uint32_t kDownAfter = 24;
  /// Short, so that it needs none.
  static constexpr const char* kNoMemory = "out of memory";

  /// The other owner is the user, who may give one store to several caches.
  const std::shared_ptr<BackingStore> store_;
  const WriteBackOptions options_;
  std::string cache_name_;
  /// The other owner is the cache, which a thread left behind may outlive.
  std::shared_ptr<Clock> clock_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable help_wanted_;
  std::condition_variable gathering_wanted_;
  std::condition_variable room_;
  /// A batch or a report has ended, or the last call of the host.
  std::condition_variable settled_;
  /// A round has, or the thread. Apart from that: with each batch the above ends several times, and
  /// whoever waits for all of them would wake for each, and want the lock.
  std::condition_variable round_ended_;

  // Guarded by mutex_.
  WriteBackQueue queue_;
  std::thread thread_;
  std::thread helper_;
  std::thread gatherer_;
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
  /// Places that the queue has taken.
  std::uint64_t counted_ = 0;
  /// Since when the oldest write that is set aside waits, or longer.
  SteadyNanos aside_since_ = kNever;
  /// How often in a row an own thread could not fetch it, and when one will try again.
  std::uint32_t fetch_failures_ = 0;
  SteadyNanos fetch_again_at_ = 0;
  /// The first thread sleeps.
  bool is_waiting_ = false;
  bool is_gathering_ = false;
  /// Threads that are in the store.
  std::uint32_t in_store_ = 0;
  /// With so many writes set aside the third thread begins.
  std::uint64_t gather_from_ = 0;

  std::atomic<std::uint64_t> flushed_{0};
  std::atomic<std::uint64_t> store_errors_{0};
  std::atomic<std::uint64_t> retries_{0};
  std::atomic<std::uint64_t> dead_letters_{0};
  std::atomic<std::int64_t> backpressure_{0};
};

}  // namespace tarmac::internal
