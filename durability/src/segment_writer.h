// Writes the log's segments, one after the other, and survives that one of them cannot be written.
#pragma once

#include <tarmac/core/journal.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "file_memory.h"
#include "folder.h"
#include "frame.h"
#include "log_folder.h"

namespace tarmac::internal {

/// Records that are written with one call.
struct Group {
  std::string bytes;
  JournalPosition first = 0;
  JournalPosition last = 0;
  /// The segment that its checksums are for.
  std::uint64_t segment = 0;
  /// Where it stands in that segment.
  std::uint64_t offset = 0;

  [[nodiscard]] bool empty() const noexcept { return bytes.empty(); }
};

/// Keeps in memory what is written and not durable, and what shares a block of the disk with what
/// is not: when a write or a sync fails, the file is never synced again, and all of that goes into
/// a new segment. Short groups share a buffer, so that keeping them asks for no memory each time.
/// Members that return bool say why not in problem().
///
/// - Thread-safety: not synchronised; file() and note_synced() let one sync run beside a write.
/// - Exceptions: std::bad_alloc from write() and keep(), and then `group` is kept or still there.
class SegmentWriter {
 public:
  /// `sync` says how a segment is used: in intervals it is stored to instead of written, where that
  /// can be; if each group is synced, zeros are written ahead of the groups.
  SegmentWriter(LogFolder& log, std::uint64_t segment_bytes, SyncMode sync)
      : log_(log), segment_bytes_(segment_bytes), sync_(sync) {
    shared_.reserve(kSharedMost);
  }

  /// Continues behind the record `written`, all of whose predecessors are durable, with `again` as
  /// the first records. `open_end` is where the segment that is still open is sound, if there is
  /// one.
  [[nodiscard]] bool start(JournalPosition written, Group again, std::uint64_t open_end);
  /// Whether `bytes` are for the next segment.
  [[nodiscard]] bool is_full(std::uint64_t bytes) const noexcept;
  [[nodiscard]] bool has_records() const noexcept;
  /// Whether write() would only store `bytes`, without a call to the system.
  [[nodiscard]] bool is_ready_for(std::uint64_t bytes) const noexcept {
    return memory_.is_ready_for(bytes, offset_) && !is_full(bytes);
  }
  /// store() takes no record that is longer.
  static constexpr std::size_t kStoredMost = 64U << 10U;
  /// Whether store() can take a record of `bytes`: it needs room in what is kept already, too.
  [[nodiscard]] bool can_store(std::uint64_t bytes) const noexcept {
    return is_ready_for(bytes) && joins(number_, bytes);
  }
  /// Writes and keeps one record of this segment, at `position`. Requires: can_store().
  void store(std::string_view frame, JournalPosition position) noexcept;
  /// Keeps the group, too.
  [[nodiscard]] bool write(Group& group);
  /// Only keeps it, for repair().
  void keep(Group& group);
  [[nodiscard]] bool sync();
  /// A sync of file() by somebody else begins; note_synced() or note_sync_failure() ends it.
  void note_sync_begun() noexcept { memory_.pause(); }
  void note_synced(JournalPosition position, std::uint64_t offset);
  /// An empty buffer that no group needs any more, with the room that it had: memory is not asked
  /// for with each group. Without room if there is none.
  [[nodiscard]] std::string take_buffer() noexcept { return std::exchange(spare_, {}); }
  /// Gives back the memory that waits for the next group.
  void forget_spares() noexcept {
    shared_.clear();
    spare_ = {};
  }
  /// A sync of file() by somebody else has failed; errno says why.
  void note_sync_failure() noexcept { failed("sync it"); }
  /// Ends the segment, and begins another. Requires: everything is synced.
  [[nodiscard]] bool rotate();
  /// After something failed: what may be lost is written to a new segment, and synced.
  [[nodiscard]] bool repair();
  /// Ends the segment; nothing can be written after that. Requires: everything is synced.
  void close() noexcept;

  [[nodiscard]] int file() const noexcept { return file_.get(); }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t durable_offset() const noexcept { return durable_offset_; }
  [[nodiscard]] JournalPosition written() const noexcept { return written_; }
  [[nodiscard]] JournalPosition durable() const noexcept { return durable_; }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  /// Where the open segment ends for good.
  struct Seal {
    JournalPosition last = 0;
    std::uint64_t bytes = 0;
  };

  /// So many buffers wait to be used again: as many as are written between two syncs, mostly.
  static constexpr std::size_t kSharedMost = 256;
  static constexpr std::uint64_t kNothingAhead = ~std::uint64_t{0};

  [[nodiscard]] bool begin(const Seal& seal);
  [[nodiscard]] bool begin_next(const Seal& seal);
  /// How a new segment begins.
  struct Start {
    std::uint64_t end = 0;
    bool is_reserved = false;
  };
  [[nodiscard]] bool fill(const File& file, std::uint64_t number, Start& start);
  [[nodiscard]] Manifest sealed(const Seal& seal) const;
  void write_ahead(std::uint64_t bytes) noexcept;
  /// Whether `bytes` for `segment` can be kept in the buffer of those before them.
  [[nodiscard]] bool joins(std::uint64_t segment, std::uint64_t bytes) const noexcept;
  void spare(std::string& bytes) noexcept;
  bool failed(std::string_view what) noexcept;

  LogFolder& log_;
  std::uint64_t segment_bytes_;
  SyncMode sync_;
  File file_;
  FileMemory memory_;  ///< of the file
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t durable_offset_ = 0;
  std::uint64_t ahead_ = kNothingAhead;  ///< up to here zeros were written
  JournalPosition written_ = 0;
  JournalPosition durable_ = 0;
  std::deque<Group> kept_;
  std::string spare_;                ///< of a group
  std::vector<std::string> shared_;  ///< of short ones, together
  std::string problem_;
};

}  // namespace tarmac::internal
