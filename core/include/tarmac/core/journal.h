// What makes a cache durable: the contract between the cache and its log, over encoded keys and
// values. The room `durability` implements it; a program without that room pays nothing.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/part_registry.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tarmac {

/// When a write is acknowledged. What each mode may lose stands in docs/durability.md.
enum class SyncMode : std::uint8_t {
  always,    ///< after the disk has it: nothing is lost, whatever crashes
  interval,  ///< after the kernel has it: a power cut may take the youngest writes
  never,     ///< the same, and the kernel decides when the disk gets it
};

/// How a cache is made durable.
struct DurabilityOptions {
  /// Where log and snapshots live; made (0700) if missing. One cache in one process at a time.
  std::filesystem::path directory;
  SyncMode sync = SyncMode::always;
  /// Between two syncs in `interval` mode.
  std::chrono::nanoseconds interval = std::chrono::milliseconds(200);
  /// A segment of the log is closed when it has grown so far.
  std::uint64_t segment_bytes = 64ULL << 20U;
  /// The log is compacted when it is larger than this and than the last image.
  std::uint64_t compact_bytes = 64ULL << 20U;
  /// The largest key and value together that a record may have.
  std::uint64_t max_record_bytes = 64ULL << 20U;
  /// Goes on without the log if it cannot be written, instead of refusing writes.
  bool fail_open = false;
};

/// One change as the log, or one entry as an image, has it. Views are valid during the call that
/// hands them over.
struct JournalRecord {
  enum class Kind : std::uint8_t {
    put = 1,
    erase,
    clear,   ///< everything before it is gone
    stored,  ///< the write of `key` with `stamp` has reached the backing store
    touch,   ///< a new expiry, the value stays
    /// From here on the strategy spelt in `key` is at work, swapped to under options that spell the
    /// one in `value`.
    strategy,
  };
  Kind kind = Kind::put;
  /// Not known to be in the backing store yet.
  bool dirty = false;
  std::string_view key;
  std::string_view value;
  /// The version of the key; larger for a later write of it.
  std::uint64_t stamp = 0;
  std::optional<WallNanos> expires_at;
  /// The TTL it was written with; 0: none. After a restart no more than this may remain.
  std::int64_t ttl = 0;
  /// What it weighs in the cache. kNotCached: only the backing store is to get it.
  std::optional<std::uint64_t> weight;
  static constexpr std::uint64_t kNotCached = ~std::uint64_t{0};
  /// Of an image: how often it was hit. An image lists entries next victim first.
  std::uint64_t visits = 0;
};

/// Where a record stands in the log: 1 for the first, and never used twice in a directory.
using JournalPosition = std::uint64_t;

/// What opening a journal found.
struct RecoveryReport {
  std::uint64_t records = 0;        ///< of the log, replayed
  std::uint64_t image_entries = 0;  ///< of the image that the log builds on
  std::uint64_t expired = 0;        ///< left out: their time was over
  std::uint64_t torn_bytes = 0;     ///< at the log's end, never acknowledged, put aside
  std::uint64_t segments = 0;
  std::chrono::nanoseconds elapsed{0};
};

struct JournalStats {
  std::uint64_t appended_records = 0;
  std::uint64_t appended_bytes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_failures = 0;
  std::uint64_t compactions = 0;
  std::uint64_t compaction_failures = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t segments = 0;
  JournalPosition appended = 0;  ///< the last record's
  JournalPosition durable = 0;   ///< the last one known to be on the disk
  bool degraded = false;         ///< the log cannot be written at the moment
};

/// What an image, or a snapshot file, says of the cache that it is of.
struct ImageHeader {
  std::string cache_name;
  std::string strategy;
  std::string write_policy;
  WallNanos taken_at = 0;
  /// Of a log: as in a record of the kind `strategy`. Empty: not known.
  std::string strategy_spelling = {};
  std::string configured_spelling = {};
};

/// An image under way. Destroyed without publish(): nothing has changed.
class ImageWriter {
 public:
  ImageWriter() = default;
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;
  virtual ~ImageWriter() = default;

  /// Entries come the one used longest ago first; after them `put` and `erase` records that are
  /// dirty, of what the backing store is owed beyond the entries.
  virtual void add(const JournalRecord& entry) = 0;
  /// Makes it the one that counts, at once and for good.
  virtual void publish() = 0;
};

/// An append-only log with images, of one cache.
///
/// - Thread-safety: all members but recover() may be called from any thread.
/// - Exceptions: DurabilityError. A record whose append() threw is not in the log; one whose wait()
///   threw may or may not come back after a restart.
class Journal {
 public:
  using Visit = std::function<void(const JournalRecord&)>;

  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  /// Makes durable what was appended, as far as the disk lets it.
  virtual ~Journal() = default;

  /// Shows the image's entries, then the log's records, in their order. Called once, before
  /// everything else. Throws DurabilityError if what was acknowledged is damaged, and changes
  /// nothing then; what was shown before does not count. `header` gets the image's, if there is
  /// one.
  virtual RecoveryReport recover(const Visit& visit, std::optional<ImageHeader>& header) = 0;
  /// Appends all of `batch` or nothing, as one record. Calls are logged in the order in which they
  /// return; what is appended is seen by nobody yet. Never waits for the disk, but may wait for
  /// room.
  virtual JournalPosition append(std::span<const JournalRecord> batch) = 0;
  /// Until the record at `position` is as safe as the mode promises.
  virtual void wait(JournalPosition position) = 0;
  /// Both, one after the other.
  virtual void commit(std::span<const JournalRecord> batch) { wait(append(batch)); }
  /// The same for one record, if that takes neither a call to the system nor waiting for anybody;
  /// false: nothing was done. To be called under a lock that others are waiting for.
  [[nodiscard]] virtual bool commit_at_once(const JournalRecord& /*record*/) { return false; }

  /// Whether the log has grown enough for a new image.
  [[nodiscard]] virtual bool wants_image() const noexcept = 0;
  /// Begins an image of what all records so far have made. The log goes on meanwhile: a record
  /// appended after this is replayed over the image, whether or not the image shows it already
  /// (per key the larger stamp counts). One image at a time.
  [[nodiscard]] virtual std::unique_ptr<ImageWriter> begin_image(const ImageHeader& header) = 0;
  [[nodiscard]] virtual JournalStats stats() const noexcept = 0;
};

using JournalRegistry = PartRegistry<Journal, const DurabilityOptions&>;

/// The process-wide table of journals. Including <tarmac/durability/catalog.h> fills it; a durable
/// cache asks for "log".
[[nodiscard]] JournalRegistry& journal_registry();

/// Reads and writes snapshot files: an image alone, without a log.
class SnapshotFormat {
 public:
  SnapshotFormat() = default;
  SnapshotFormat(const SnapshotFormat&) = delete;
  SnapshotFormat& operator=(const SnapshotFormat&) = delete;
  virtual ~SnapshotFormat() = default;

  /// The file appears, or changes, whole at publish(); 0600.
  [[nodiscard]] virtual std::unique_ptr<ImageWriter> create(const std::filesystem::path& file,
                                                            const ImageHeader& header) const = 0;
  /// Checks all bytes before the first entry is shown. Throws DurabilityError; what was shown until
  /// then does not count.
  virtual ImageHeader read(const std::filesystem::path& file,
                           const Journal::Visit& visit) const = 0;
};

using SnapshotFormatRegistry = PartRegistry<SnapshotFormat>;

/// The process-wide table of snapshot formats; filled as the journals' is, under the name "tarmac".
[[nodiscard]] SnapshotFormatRegistry& snapshot_format_registry();

}  // namespace tarmac
