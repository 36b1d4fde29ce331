// How what was appended reaches the disk, and what happens when it does not.
#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "log.h"

namespace tarmac::internal {
namespace {

/// Between two tries to write again.
constexpr std::int64_t kRetryAfter = 250'000'000;
/// In intervals: so much is synced before its time, lest all wait for it when the segment ends.
constexpr std::uint64_t kUnsyncedLeast = 1U << 20U;
constexpr std::uint64_t kSyncsOfSegment = 8;
/// What is sent to the disk ends on such a border: no piece of the system's memory for files is
/// larger, so none of those is touched that records are stored to.
constexpr std::uint64_t kPieceMost = 2U << 20U;

}  // namespace

bool Log::settle(Lock& lock, const Pen&) {
  while (syncing_ || sending_) rest(lock);
  const auto ended = std::exchange(beside_, std::nullopt);
  if (!ended) return true;
  if (!ended->worked) {
    writer_.note_sync_failure();
    return false;
  }
  writer_.note_synced(ended->position, ended->offset);
  unsynced_since_ = std::exchange(newer_since_, kNever);
  publish_state();
  return true;
}

void Log::note_unsynced() {
  auto& since = syncing_ || beside_ ? newer_since_ : unsynced_since_;
  if (since != kNever) return;
  since = environment_.clock->steady_now();
  if (options_.sync == SyncMode::interval) wake_chores();
}

template <class Work>
bool Log::try_to(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// What was taken from open_ is either kept by the writer or in stuck_: mend() writes both. Were it
// dropped, the positions behind it would be acknowledged, and unreadable.
bool Log::write_out(Lock& lock, const Pen& pen, bool synced) {
  stuck_ = Group{};
  if (!open_.empty()) {
    stuck_ = std::exchange(open_, Group{});
    open_.bytes = std::exchange(idle_, {});
    taken_ = stuck_.last;
    last_group_ = stuck_.last - stuck_.first + 1;
    turn_ = 1 - turn_;
  }
  // What only says that others are durable may wait for ever.
  if (!stuck_.empty() && changes_ >= stuck_.first) note_unsynced();
  // Only the holder of the pen changes the writer, so it may be looked at here.
  if ((synced || writer_.is_full(stuck_.bytes.size())) && !settle(lock, pen)) {
    return mend(lock, pen);
  }
  // A store is over sooner than somebody else could have the lock.
  const bool is_store = !synced && writer_.is_ready_for(stuck_.bytes.size());
  if (!is_store) lock.unlock();
  const auto begun = synced ? environment_.clock->steady_now() : 0;
  const bool worked = try_to([&] { return put(stuck_, synced); });
  const auto ended = synced ? environment_.clock->steady_now() : 0;
  if (!is_store) lock.lock();
  if (synced) pace_.note(gathered_for_, ended - begun);
  if (open_.bytes.capacity() == std::string().capacity()) {
    open_.bytes = writer_.take_buffer();
  } else if (idle_.capacity() == std::string().capacity()) {
    idle_ = writer_.take_buffer();
  }
  publish_state();
  if (worked) return true;
  ++stats_.sync_failures;
  return mend(lock, pen);
}

bool Log::put(Group& group, bool synced) {
  if (!group.empty()) {
    if (writer_.is_full(group.bytes.size()) && !(writer_.sync() && writer_.rotate())) return false;
    if (!writer_.write(group)) return false;
  }
  return !synced || writer_.sync();
}

bool Log::mend(Lock& lock, const Pen&) {
  while (syncing_ || sending_) rest(lock);
  beside_.reset();  // All that it was about is written again.
  lock.unlock();
  const bool worked = try_to([&] {
    if (!stuck_.empty()) writer_.keep(stuck_);
    return writer_.repair();
  });
  lock.lock();
  degraded_ = !worked;
  if (worked) {
    unsynced_since_ = kNever;
    newer_since_ = kNever;
  } else {
    gap_covered_ = false;
    if (!try_to([&] {
          failure_ = stuck_.empty() ? writer_.problem() : "out of memory";
          return true;
        })) {
      failure_ = "out of memory";
    }
    retry_at_ = deadline_after(environment_.clock->steady_now(), kRetryAfter);
    wake_chores();
  }
  publish_state();
  notify_all_waiters();
  return worked;
}

void Log::notify_all_waiters() noexcept {
  changed_->notify_all();
  for (auto& group : groups_) {
    group.ring();
    group.wake_all();
  }
}

void Log::publish_state() noexcept {
  if (writer_.durable() != durable_) ++stats_.syncs;
  if (writer_.durable() != durable_ || segment_ != writer_.number()) {
    const auto most = std::max(kUnsyncedLeast, options_.segment_bytes / kSyncsOfSegment);
    sync_at_ = options_.sync == SyncMode::interval ? writer_.durable_offset() + most : kNowhere;
    is_much_unsynced_ = false;
  }
  written_ = writer_.written();
  durable_ = writer_.durable();
  safe_.store(options_.sync == SyncMode::always ? durable_ : written_, std::memory_order_release);
  if (durable_ >= changes_) unsynced_since_ = kNever;
  if (segment_ != writer_.number()) {
    segment_ = writer_.number();
    seed_ = checksum_seed(folder_.manifest().id, segment_);
  }
  sealed_bytes_ = 0;
  for (const auto& one : folder_.manifest().segments) sealed_bytes_ += one.bytes;
  stats_.segments = folder_.manifest().segments.size();
  open_bytes_ = writer_.offset();
  note_growth();
  call_for_sync();
  if (asleep_ && wants_mark()) wake_chores();
}

// Asked after every write, so it says no, too, while there is nothing to be done about it.
void Log::note_growth() noexcept {
  const bool grown = !image_under_way_ && !degraded_ &&
                     (gap_ || log_bytes() >= std::max(options_.compact_bytes, image_bytes_));
  if (grown_.load(std::memory_order_relaxed) != grown) grown_ = grown;
}

void Log::call_for_sync() noexcept {
  if (open_bytes_ < sync_at_) return;
  sync_at_ = kNowhere;
  is_much_unsynced_ = true;
  wake_chores();
}

bool Log::send_beside(Lock& lock) {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  int file = -1;
  {
    const Pen pen(*this, lock);
    from = writer_.durable_offset();
    to = writer_.offset() / kPieceMost * kPieceMost;
    if (degraded_ || syncing_ || beside_ || from >= to) return true;
    // As for a sync, but records are stored meanwhile: behind `to`.
    sending_ = true;
    file = writer_.file();
  }
  lock.unlock();
  const bool worked = environment_.files->write_back(file, static_cast<std::int64_t>(from),
                                                     static_cast<std::int64_t>(to - from)) == 0;
  const int reason = errno;
  lock.lock();
  sending_ = false;
  changed_->notify_all();
  if (worked) return true;
  beside_ = Synced{};
  mend_beside(lock, reason);
  return false;
}

void Log::sync_beside(Lock& lock) {
  Synced synced;
  int file = -1;
  {
    const Pen pen(*this, lock);
    if (degraded_ || syncing_ || beside_) return;
    // Also what nobody waits for.
    if (!open_.empty() && !write_out(lock, pen, /*synced=*/false)) return;
    if (writer_.durable() == writer_.written()) {
      unsynced_since_ = kNever;
      return;
    }
    // From here on until it is done, nobody closes the file, or syncs it.
    syncing_ = true;
    writer_.note_sync_begun();
    file = writer_.file();
    synced.position = writer_.written();
    synced.offset = writer_.offset();
  }
  lock.unlock();
  synced.worked = environment_.files->sync(file) == 0;
  const int reason = errno;
  lock.lock();
  syncing_ = false;
  beside_ = synced;
  changed_->notify_all();
  mend_beside(lock, reason);
}

void Log::mend_beside(Lock& lock, int reason) {
  const Pen pen(*this, lock);
  errno = reason;
  if (settle(lock, pen)) return;
  ++stats_.sync_failures;
  mend(lock, pen);
}

}  // namespace tarmac::internal
