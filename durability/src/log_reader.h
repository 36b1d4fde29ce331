// Reads the files of a log.
#pragma once

#include <tarmac/core/journal.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "folder.h"
#include "manifest.h"
#include "read_buffer.h"
#include "segment.h"
#include "segment_writer.h"

namespace tarmac::internal {

/// - Exceptions: DurabilityError with file, byte and record for what is damaged.
class LogReader {
 public:
  LogReader(const Folder& folder, const Manifest& manifest, Weakness weakness)
      : folder_(folder), manifest_(manifest), weakness_(weakness) {}

  /// Shows what there is while it is checked: what was shown does not count if this throws.
  void read(const Journal::Visit& visit);

  // After read().

  [[nodiscard]] const RecoveryReport& report() const noexcept { return report_; }
  [[nodiscard]] const std::optional<ImageHeader>& header() const noexcept { return header_; }
  [[nodiscard]] std::uint64_t image_bytes() const noexcept;
  /// The last record that there is.
  [[nodiscard]] JournalPosition last() const noexcept { return last_; }
  /// What stood behind the last sound record, without the zeros at its end.
  [[nodiscard]] std::string_view torn() const noexcept { return torn_; }
  [[nodiscard]] std::string torn_name() const;
  /// Those at the end that nothing says are durable; to be written again.
  [[nodiscard]] Group unsafe_end() const;
  /// Where those begin in the open segment.
  [[nodiscard]] std::uint64_t safe_bytes() const noexcept { return safe_bytes_; }

 private:
  struct Loaded {
    ReadBuffer bytes;
    SegmentHeader header;
  };

  void load(const ManifestSegment& row, Loaded& loaded) const;
  void read_image(const Journal::Visit& visit);
  void read_sealed(const ManifestSegment& row, const Journal::Visit& visit);
  void read_open(const ManifestSegment& row, const Journal::Visit& visit);
  void split_open(JournalPosition durable);
  void count(const SegmentScan& scan);
  [[nodiscard]] SegmentScan scan(const Loaded& loaded, std::uint64_t bytes,
                                 const Journal::Visit& visit,
                                 std::vector<std::uint64_t>* ends = nullptr) const;
  [[noreturn]] void damaged(const std::string& name, std::string_view what) const;

  const Folder& folder_;
  const Manifest& manifest_;
  const Weakness weakness_;
  RecoveryReport report_;
  std::optional<ImageHeader> header_;
  JournalPosition last_ = 0;
  /// What must be there.
  JournalPosition promised_ = 0;
  Loaded sealed_;  ///< one after the other, in the same memory
  std::optional<Loaded> open_;
  std::uint64_t open_end_ = 0;
  /// Where its records end, one after the other.
  std::vector<std::uint64_t> open_ends_;
  std::uint64_t safe_bytes_ = 0;
  JournalPosition safe_last_ = 0;
  std::string_view torn_;
};

}  // namespace tarmac::internal
