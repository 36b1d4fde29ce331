// The journal: records are appended under a lock, and written by whoever waits first, for
// everybody.
#pragma once

#include <sys/types.h>
#include <tarmac/core/clock.h>
#include <tarmac/core/journal.h>
#include <tarmac/durability/file_ops.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "frame.h"
#include "group_pace.h"
#include "image_file.h"
#include "log_folder.h"
#include "segment_writer.h"

namespace tarmac::internal {

struct LogEnvironment {
  FileOps* files = nullptr;
  std::shared_ptr<Clock> clock;
  Weakness weakness;
};

/// One thread at a time holds the *pen*: it alone touches files, without the lock. `folder_`,
/// `writer_` and `stuck_` belong to it. Everything else is guarded by `mutex_`.
class Log final : public Journal {
 public:
  Log(const DurabilityOptions& options, LogEnvironment environment);
  ~Log() override;

  RecoveryReport recover(const Visit& visit, std::optional<ImageHeader>& header) override;
  JournalPosition append(std::span<const JournalRecord> batch) override;
  void wait(JournalPosition position) override;
  void commit(std::span<const JournalRecord> batch) override;
  [[nodiscard]] bool commit_at_once(const JournalRecord& record) override;
  [[nodiscard]] bool wants_image() const noexcept override;
  [[nodiscard]] std::unique_ptr<ImageWriter> begin_image(const ImageHeader& header) override;
  [[nodiscard]] JournalStats stats() const noexcept override;

 private:
  class Image;
  class Pen;
  using Lock = std::unique_lock<std::mutex>;
  /// No offset of a segment.
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  struct Synced {
    bool worked = false;
    JournalPosition position = 0;
    std::uint64_t offset = 0;
  };

  // log.cpp
  void refuse_other_process() const;
  [[nodiscard]] bool is_safe(JournalPosition position) const noexcept;
  [[nodiscard]] bool is_broken() const noexcept { return degraded_ || gap_; }
  [[noreturn]] void refuse() const;
  JournalPosition append_held(Lock& lock, const FrameHeader& header, std::string_view payload);
  void wait_held(Lock& lock, JournalPosition position);
  void let_others_join(Lock& lock, const Pen& pen);
  /// Lets a writer finish that is quicker than going to sleep. Whether it is worth looking again.
  [[nodiscard]] bool pause_for_pen(Lock& lock, int& pauses) const;
  /// Waits once until the pen may be free, or something failed. True: `position` is safe by now,
  /// and the lock is not held.
  [[nodiscard]] bool await_group(Lock& lock, JournalPosition position);
  /// Looks whether `bell` has been rung since `since`, or `position` is safe, until it is late.
  void look_again(const Bell& bell, std::uint32_t since, JournalPosition position);
  /// Waits for `changed_` once, and is counted meanwhile.
  void rest(Lock& lock);
  void wait_for_room(Lock& lock);
  JournalPosition take_record(const FrameHeader& header, std::string_view payload);
  /// Counts it, and gives it its place.
  FrameHeader next_record(FrameHeader header) noexcept;
  /// Writes the record where that is a store to memory and nothing else. `frame` is whole but for
  /// the header. Requires: the lock is held.
  bool store_at_once(const FrameHeader& header, std::string& frame);
  void hold_interval(Lock& lock);
  /// In intervals: something has waited too long for its sync, and nothing more is acknowledged.
  [[nodiscard]] bool is_late() const;

  // log_commit.cpp; the lock is held, and released meanwhile.
  /// Writes what was appended; `synced` makes it, and all before it, durable. False: degraded.
  bool write_out(Lock& lock, const Pen& pen, bool synced);
  bool put(Group& group, bool synced);
  bool mend(Lock& lock, const Pen& pen);
  /// `work()`; false, too, if memory runs out.
  template <class Work>
  static bool try_to(const Work& work);
  void publish_state() noexcept;
  void note_growth() noexcept;
  void note_unsynced();
  /// Has most of what is not synced written beside the writes of others. False: that failed.
  bool send_beside(Lock& lock);
  /// A sync beside the writes of others.
  void sync_beside(Lock& lock);
  /// Takes note of a sync beside that has failed.
  void mend_beside(Lock& lock, int reason);
  /// If there is much to sync.
  void call_for_sync() noexcept;
  /// Waits until no sync runs beside, and takes note of how it ended. False: it failed.
  [[nodiscard]] bool settle(Lock& lock, const Pen& pen);
  void notify_all_waiters() noexcept;

  // log_chores.cpp
  void start_chores();
  void stop_chores() noexcept;
  void run_chores();
  [[nodiscard]] bool wants_mark() const noexcept;
  [[nodiscard]] SteadyNanos next_chore(SteadyNanos now) const noexcept;
  void do_chores(Lock& lock, SteadyNanos now);
  void wake_chores();

  // log_image.cpp
  void publish_image(ImageFileWriter& file, std::uint64_t number);
  void name_image(const ImageFooter& footer, std::uint64_t number);
  /// `old` gets what no longer counts.
  void replace_image(const ImageFooter& footer, std::uint64_t number,
                     std::vector<std::string>& old);
  void end_image(bool worked) noexcept;
  [[nodiscard]] std::uint64_t log_bytes() const noexcept;

  const DurabilityOptions options_;
  const LogEnvironment environment_;
  const pid_t process_;
  LogFolder folder_;
  SegmentWriter writer_;

  mutable std::mutex mutex_;
  // Apart, because a forked child must not destroy what threads of its parent wait on.
  std::unique_ptr<std::condition_variable> changed_;  ///< pen, syncs beside
  std::unique_ptr<std::condition_variable> chores_;
  /// Those who wait for a group: one for the group that is open (turn_), one for that before it.
  /// When a group is written, all of its own are woken, and one of the next, to write that.
  std::array<Bell, 2> groups_;
  std::array<bool, 2> waited_for_{};  ///< and not all woken since
  GroupPace pace_;
  Looks looks_;
  std::int64_t gathered_for_ = 0;  ///< nanoseconds, the group that is being written
  std::size_t turn_ = 0;
  JournalPosition taken_ = 0;     ///< the last of the groups before the open one
  std::uint64_t last_group_ = 0;  ///< so many records were in the last group
  /// What is_safe() says is, without the lock.
  std::atomic<JournalPosition> safe_{0};
  bool recovered_ = false;
  std::atomic<bool> pen_taken_{false};  ///< written under the lock
  std::uint32_t resting_ = 0;           ///< of changed_: nobody else need be woken
  bool syncing_ = false;
  bool sending_ = false;           ///< a part is written beside: the file stays open, as for a sync
  bool is_much_unsynced_ = false;  ///< it is not left to the clock when the next sync is
  std::uint64_t sync_at_ = kNowhere;  ///< from here on there is much to sync
  std::optional<Synced> beside_;      ///< how the sync beside ended, until the writer knows
  Group stuck_;  ///< taken to be written, and not even kept: memory ran out. The pen's.
  Group open_;
  std::string idle_;             ///< the buffer for the next group
  std::uint32_t open_seed_ = 0;  ///< for its records
  std::uint32_t seed_ = 0;       ///< for records of segment_
  std::uint64_t segment_ = 0;    ///< the writer's
  JournalPosition appended_ = 0;
  JournalPosition written_ = 0;
  JournalPosition durable_ = 0;
  JournalPosition changes_ = 0;  ///< the last record that is no mark
  JournalPosition marked_ = 0;   ///< what the last mark, or record, says is durable
  std::uint64_t sealed_bytes_ = 0;
  std::uint64_t open_bytes_ = 0;
  std::uint64_t image_bytes_ = 0;
  bool image_under_way_ = false;
  bool gap_ = false;          ///< records were left out: only an image makes the log whole again
  bool gap_covered_ = false;  ///< an image of what was left out is under way
  SteadyNanos image_not_before_ = 0;
  std::int64_t image_pause_ = 0;
  bool degraded_ = false;
  std::string failure_;
  SteadyNanos retry_at_ = kNever;
  SteadyNanos unsynced_since_ = kNever;
  SteadyNanos newer_since_ = kNever;  ///< the same for what a sync that runs does not cover
  JournalStats stats_;

  /// It may be time for an image. Read after every write: not beside what every write changes.
  alignas(64) std::atomic<bool> grown_{false};

  alignas(64) bool stop_ = false;
  bool woken_ = false;
  bool asleep_ = false;  ///< without a deadline
  JournalPosition seen_ = 0;
  std::unique_ptr<std::thread> thread_;
};

/// The pen, for a scope.
class Log::Pen {
 public:
  /// Waits for it. Requires: `lock` is held.
  Pen(Log& log, Lock& lock) : log_(log), lock_(lock) {
    while (log_.pen_taken_) log_.rest(lock_);
    log_.pen_taken_.store(true, std::memory_order_relaxed);
  }
  ~Pen() {
    if (!lock_.owns_lock()) lock_.lock();
    log_.pen_taken_.store(false, std::memory_order_relaxed);
    const auto turn = log_.turn_;
    const bool calls_written = std::exchange(log_.waited_for_[1 - turn], false);
    const bool calls_next = log_.waited_for_[turn];
    if (calls_written) log_.groups_[1 - turn].ring();
    if (calls_next) log_.groups_[turn].ring();
    if (log_.resting_ > 0) log_.changed_->notify_all();
    if (!calls_written && !calls_next) return;
    // Whoever is woken may want the lock at once. The next writer first: the disk waits for it.
    lock_.unlock();
    if (calls_next) log_.groups_[turn].wake_one();
    if (calls_written) log_.groups_[1 - turn].wake_all();
    lock_.lock();
  }
  Pen(const Pen&) = delete;
  Pen& operator=(const Pen&) = delete;

 private:
  Log& log_;
  Lock& lock_;
};

}  // namespace tarmac::internal
