// A journal in memory that crashes, fails and waits as a test tells it to.
#pragma once

#include <tarmac/core/journal.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tarmac::testing {

/// A JournalRecord that keeps its bytes.
struct OwnedRecord {
  OwnedRecord() = default;
  explicit OwnedRecord(const JournalRecord& record);
  /// Valid as long as this.
  [[nodiscard]] JournalRecord view() const;

  JournalRecord record;
  std::string key;
  std::string value;
};

/// What survives a crash, and what a test does to it. The journals made over it come and go.
///
/// - Thread-safety: every member may be called from any thread.
/// - Exceptions: its journal throws DurabilityError where a test asked for it.
class FakeDisk {
 public:
  FakeDisk() = default;
  FakeDisk(const FakeDisk&) = delete;
  FakeDisk& operator=(const FakeDisk&) = delete;

  // Faults.

  /// What was not waited for is gone, and so is the journal that is open: whatever it does from now
  /// on changes nothing any more.
  void crash();
  /// The next `count` calls of append() fail; the record is not in the log.
  void fail_appends(std::uint64_t count);
  /// The next `count` calls of wait() fail; the record stays in the log.
  void fail_waits(std::uint64_t count);
  /// The next `count` calls of begin_image() or publish() fail.
  void fail_images(std::uint64_t count);
  /// From now on wait() hangs until release_waits().
  void hold_waits();
  void release_waits();
  /// Until `count` calls of wait() hang.
  void await_held(std::size_t count = 1);
  /// Whether the journal asks for an image.
  void want_image(bool wants);
  /// Of the records that commit_at_once() is offered it takes every `one_in`th; 0, as at first:
  /// none.
  void take_at_once(std::uint64_t one_in);
  [[nodiscard]] std::uint64_t taken_at_once() const;
  /// For negative controls: wait() returns before the record is safe.
  void acknowledge_early(bool early);

  // What has happened.

  /// All batches since the last image, whether waited for or not.
  [[nodiscard]] std::vector<std::vector<OwnedRecord>> batches() const;
  [[nodiscard]] std::vector<OwnedRecord> image() const;
  [[nodiscard]] std::optional<ImageHeader> header() const;
  [[nodiscard]] JournalStats stats() const;
  /// The newest value of `key` that was waited for: a reader may see nothing newer.
  [[nodiscard]] std::optional<std::string> safe_value(std::string_view key) const;
  /// Waits until `count` images have been published.
  void await_images(std::uint64_t count);

  [[nodiscard]] std::unique_ptr<Journal> open();

 private:
  friend class FakeImageWriter;
  friend class FakeJournal;

  /// Requires: mutex_ is held.
  static bool take(std::uint64_t& failures);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  std::uint64_t session_ = 0;
  std::vector<std::vector<OwnedRecord>> batches_;
  JournalPosition before_first_ = 0;
  JournalPosition durable_ = 0;
  std::vector<OwnedRecord> image_;
  std::optional<ImageHeader> header_;
  std::uint64_t failing_appends_ = 0;
  std::uint64_t failing_waits_ = 0;
  std::uint64_t failing_images_ = 0;
  bool holding_ = false;
  std::size_t held_ = 0;
  bool wants_image_ = false;
  bool early_ = false;
  std::uint64_t one_in_ = 0;
  std::uint64_t offered_ = 0;
  std::uint64_t taken_at_once_ = 0;
  JournalStats stats_;
  std::map<std::string, std::string, std::less<>> safe_;
};

/// Makes `disk` what a durable cache finds under DurabilityOptions::directory = `directory`, under
/// the journal's name "log".
void mount(const std::string& directory, std::shared_ptr<FakeDisk> disk);

/// Registers a snapshot format "tarmac" that keeps its files in memory; for programs that do not
/// link tarmac::durability. Files are shared by the whole process.
void register_fake_snapshot_format();
/// Makes the file of that name unreadable.
void damage_fake_snapshot(const std::filesystem::path& file);

}  // namespace tarmac::testing
