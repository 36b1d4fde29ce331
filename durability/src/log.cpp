#include "log.h"

#include <tarmac/core/error.h>
#include <tarmac/core/internal/process.h>
#include <tarmac/core/internal/spin_then_wait.h>
#include <tarmac/durability/log.h>

#include <algorithm>
#include <utility>

#include "segment.h"

namespace tarmac {
namespace internal {
namespace {

/// So much may be appended before somebody has to write.
constexpr std::size_t kOpenBytesMost = 8U << 20U;
constexpr std::uint64_t kSegmentBytesLeast = 4096;
/// In intervals: as long as this something may wait for its sync while more is acknowledged.
constexpr std::int64_t kIntervalsMost = 2;

DurabilityOptions checked(DurabilityOptions options) {
  if (options.directory.empty()) {
    throw ConfigError("durability: no directory; name the folder for the log");
  }
  if (options.interval.count() <= 0) throw ConfigError("durability: interval must be positive");
  if (options.segment_bytes < kSegmentBytesLeast) {
    throw ConfigError("durability: segment_bytes must be at least " +
                      std::to_string(kSegmentBytesLeast));
  }
  if (options.max_record_bytes == 0 || options.max_record_bytes > kRecordBytesMost) {
    throw ConfigError("durability: max_record_bytes must be between 1 and " +
                      std::to_string(kRecordBytesMost));
  }
  return options;
}

/// A record whose header is still to come.
struct Encoded {
  std::string& frame;
  FrameHeader header;

  [[nodiscard]] std::string_view payload() const noexcept { return payload_of(frame, header); }
};

/// The encoded batch, until the thread appends its next one: no record asks for memory of its own.
Encoded encode_batch(std::span<const JournalRecord> batch, std::uint64_t bytes_most) {
  std::uint64_t bytes = 0;
  for (const auto& change : batch) {
    const auto size = change.key.size() + change.value.size();
    bytes += size;
    if (size <= bytes_most && bytes <= kRecordBytesMost) continue;
    throw DurabilityError("a record of " + std::to_string(size) +
                          " bytes is too large for the log; raise max_record_bytes (now " +
                          std::to_string(bytes_most) + "), or write less at once");
  }
  constexpr std::size_t kKeptMost = 1U << 20U;
  thread_local std::string frame;
  if (frame.capacity() > kKeptMost) frame = {};
  frame.clear();
  frame.reserve(2 * kFrameHeaderBytes + bytes + batch.size() * kChangeHeaderMost);
  frame.resize(kFrameHeaderBytes);
  for (const auto& change : batch) append_change(frame, change);
  const auto header = header_for(std::string_view(frame).substr(kFrameHeaderBytes),
                                 FrameType::changes, static_cast<std::uint32_t>(batch.size()));
  frame.resize(header.frame_bytes());
  return {frame, header};
}

}  // namespace

Log::Log(const DurabilityOptions& options, LogEnvironment environment)
    : options_(checked(options)),
      environment_(std::move(environment)),
      process_(process_number()),
      folder_(*environment_.files, options_.directory),
      writer_(folder_, options_.segment_bytes, options_.sync),
      changed_(std::make_unique<std::condition_variable>()),
      chores_(std::make_unique<std::condition_variable>()) {}

Log::~Log() {
  if (process_ != process_number()) {
    // A child process has a copy of this object, and neither its thread nor those that wait.
    static_cast<void>(thread_.release());
    static_cast<void>(changed_.release());
    static_cast<void>(chores_.release());
    return;
  }
  stop_chores();
  Lock lock(mutex_);
  if (!recovered_ || is_broken()) return;
  const Pen pen(*this, lock);
  if (!write_out(lock, pen, /*synced=*/true)) return;
  lock.unlock();
  writer_.close();
}

void Log::refuse_other_process() const {
  if (process_ == process_number()) return;
  throw UsageError("the log " + options_.directory.string() +
                   " was opened before fork(); use it in the process that opened it");
}

void Log::refuse() const {
  throw DurabilityError("the log " + options_.directory.string() + " cannot be written (" +
                        failure_ +
                        "); it is tried again all the time, for example after room was "
                        "made on the disk");
}

JournalPosition Log::append(std::span<const JournalRecord> batch) {
  refuse_other_process();
  const auto record = encode_batch(batch, options_.max_record_bytes);
  Lock lock(mutex_);
  return append_held(lock, record.header, record.payload());
}

void Log::commit(std::span<const JournalRecord> batch) {
  refuse_other_process();
  const auto record = encode_batch(batch, options_.max_record_bytes);
  auto lock = spin_then_wait(mutex_);
  wait_held(lock, store_at_once(record.header, record.frame)
                      ? written_
                      : append_held(lock, record.header, record.payload()));
}

bool Log::commit_at_once(const JournalRecord& record) {
  constexpr int kTries = 8;
  if (options_.sync != SyncMode::interval || process_ != process_number()) return false;
  // What is not taken anyway is not made first, with others waiting for the caller's lock.
  const auto size = record.key.size() + record.value.size();
  if (size > std::min<std::uint64_t>(options_.max_record_bytes, SegmentWriter::kStoredMost)) {
    return false;
  }
  const auto encoded = encode_batch({&record, 1}, options_.max_record_bytes);
  Lock lock(mutex_, std::try_to_lock);
  for (int i = 0; i < kTries && !lock; ++i) {
    spin_a_little();
    static_cast<void>(lock.try_lock());
  }
  return lock && !is_late() && store_at_once(encoded.header, encoded.frame);
}

// What takes no call to the system need not be gathered first, nor be written by one for all.
bool Log::store_at_once(const FrameHeader& header, std::string& frame) {
  const bool is_next = !pen_taken_ && open_.empty() && stuck_.empty();
  if (!is_next || is_broken() || !recovered_ || !writer_.can_store(frame.size())) {
    return false;
  }
  store_frame_header(frame.data(), next_record(header), seed_);
  writer_.store(frame, appended_);
  changes_ = written_ = appended_;
  open_bytes_ = writer_.offset();
  note_unsynced();
  note_growth();
  call_for_sync();
  return true;
}

JournalPosition Log::append_held(Lock& lock, const FrameHeader& header, std::string_view payload) {
  if (!recovered_) throw UsageError("a journal is recovered before anything is appended");
  wait_for_room(lock);
  if (is_broken() && !gap_covered_) {
    if (!options_.fail_open) refuse();
    gap_ = true;
    grown_ = true;
    return appended_;
  }
  const auto position = take_record(header, payload);
  changes_ = position;
  return position;
}

void Log::wait_for_room(Lock& lock) {
  while (open_.bytes.size() >= kOpenBytesMost && !degraded_) {
    const Pen pen(*this, lock);
    if (open_.bytes.size() < kOpenBytesMost || degraded_) continue;
    gathered_for_ = 0;
    // Writers that wait for a sync have nobody else to make it: of a written group none leads.
    write_out(lock, pen, options_.sync == SyncMode::always);
  }
}

FrameHeader Log::next_record(FrameHeader header) noexcept {
  header.position = ++appended_;
  header.durable = durable_;
  marked_ = std::max(marked_, header.durable);
  ++stats_.appended_records;
  stats_.appended_bytes += header.frame_bytes();
  return header;
}

JournalPosition Log::take_record(const FrameHeader& header, std::string_view payload) {
  // Before it counts, since memory may run out.
  open_.bytes.reserve(open_.bytes.size() + header.frame_bytes());
  if (open_.empty()) {
    open_.first = appended_ + 1;
    open_.segment = segment_;
    open_seed_ = seed_;
  }
  append_frame(open_.bytes, next_record(header), payload, open_seed_);
  return open_.last = appended_;
}

bool Log::is_safe(JournalPosition position) const noexcept {
  return (options_.sync == SyncMode::always ? durable_ : written_) >= position;
}

void Log::wait(JournalPosition position) {
  refuse_other_process();
  Lock lock(mutex_);
  wait_held(lock, position);
}

void Log::rest(Lock& lock) {
  ++resting_;
  changed_->wait(lock);
  --resting_;
}

void Log::look_again(const Bell& bell, std::uint32_t since, JournalPosition position) {
  constexpr int kLooks = 300;
  auto before = environment_.clock->steady_now();
  for (int look = 0; look < kLooks; ++look) {
    if (safe_.load(std::memory_order_acquire) >= position || bell.rung() != since) return;
    std::this_thread::yield();
    const auto now = environment_.clock->steady_now();
    if (now - before > Looks::kLate) {
      looks_.note_late();
      return;
    }
    before = now;
  }
}

// What the bell has rung so far is asked with the lock held, under which everything changes that
// could be waited for: nothing is missed. Where the disk is quick, being put to sleep and woken,
// one after the other, takes the writers of a large group longer than the disk takes.
bool Log::await_group(Lock& lock, JournalPosition position) {
  constexpr std::uint64_t kSmallGroup = 4;
  const auto group = position > taken_ ? turn_ : 1 - turn_;
  const auto& bell = groups_[group];
  const auto since = bell.rung();
  waited_for_[group] = true;
  const bool looks = options_.sync == SyncMode::always && last_group_ > kSmallGroup &&
                     pace_.is_quick() && looks_.are_wise();
  lock.unlock();
  if (looks) look_again(bell, since, position);
  const auto is_done = [&] { return safe_.load(std::memory_order_acquire) >= position; };
  if (is_done()) return true;
  bell.wait(since);
  if (is_done()) return true;
  lock.lock();
  return false;
}

bool Log::pause_for_pen(Lock& lock, int& pauses) const {
  constexpr int kLooks = 40;
  if (options_.sync == SyncMode::always || pauses == 0) return false;
  --pauses;
  lock.unlock();
  for (int look = 0; look < kLooks && pen_taken_.load(std::memory_order_relaxed); ++look) {
    spin_a_little();
  }
  lock.lock();
  return true;
}

void Log::wait_held(Lock& lock, JournalPosition position) {
  constexpr int kPauses = 3;
  int pauses = kPauses;
  if (position > appended_) throw UsageError("waits for a record that was not appended");
  while (!is_safe(position)) {
    if (is_broken() && !gap_covered_) {
      if (options_.fail_open) return;
      refuse();
    }
    if (pen_taken_) {
      if (pause_for_pen(lock, pauses)) continue;
      if (!await_group(lock, position)) continue;
      if (options_.sync != SyncMode::interval) return;
      lock.lock();
      break;
    }
    const Pen pen(*this, lock);
    if (options_.sync == SyncMode::always) let_others_join(lock, pen);
    write_out(lock, pen, options_.sync == SyncMode::always);
  }
  if (options_.sync == SyncMode::interval) hold_interval(lock);
}

// Who wrote in the group before was woken just now, and is mostly about to write again: in this
// group instead of the next one, a sync later. Alone, nobody waits for anybody.
void Log::let_others_join(Lock& lock, const Pen&) {
  constexpr int kYieldsMost = 4;
  gathered_for_ = 0;
  if (last_group_ <= 1 || !pace_.gathers()) return;
  const auto begun = environment_.clock->steady_now();
  for (int yields = 0; yields < kYieldsMost; ++yields) {
    const auto before = appended_;
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
    if (appended_ == before) break;
  }
  gathered_for_ = environment_.clock->steady_now() - begun;
}

bool Log::is_late() const {
  return unsynced_since_ != kNever && !is_broken() &&
         environment_.clock->coarse_now() >
             deadline_after(unsynced_since_, kIntervalsMost * options_.interval.count());
}

void Log::hold_interval(Lock& lock) {
  while (is_late()) {
    wake_chores();
    rest(lock);
  }
}

JournalStats Log::stats() const noexcept {
  const std::lock_guard lock(mutex_);
  auto stats = stats_;
  stats.appended = appended_;
  stats.durable = durable_;
  stats.degraded = is_broken();
  stats.log_bytes = log_bytes();
  return stats;
}

}  // namespace internal

std::unique_ptr<Journal> open_log(const DurabilityOptions& options, FileOps& files,
                                  std::shared_ptr<Clock> clock) {
  return std::make_unique<internal::Log>(
      options, internal::LogEnvironment{&files, std::move(clock), internal::Weakness{}});
}

}  // namespace tarmac
