// One file of the log: its header, and what can be read from it.
#pragma once

#include <tarmac/core/journal.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "frame.h"

namespace tarmac::internal {

inline constexpr std::uint64_t kSegmentHeaderBytes = 64;
/// What a disk writes whole: what lies in one block with the end of what is durable may be torn.
inline constexpr std::uint64_t kDiskBlock = 4096;

struct SegmentHeader {
  LogId id{};
  std::uint64_t number = 0;
  /// The position of its first record.
  JournalPosition first = 0;
  /// What was known to be durable when it was begun.
  JournalPosition durable = 0;
};

[[nodiscard]] std::string encode_segment_header(const SegmentHeader& header);
/// Fills `problem` and returns nullopt if `bytes` do not begin with a header.
[[nodiscard]] std::optional<SegmentHeader> decode_segment_header(std::string_view bytes,
                                                                 std::string& problem);

/// How far a segment can be read, and what there is behind that.
struct SegmentScan {
  /// Behind the last sound record.
  std::uint64_t end = kSegmentHeaderBytes;
  /// Of the last sound record; one less than the segment's first if there is none.
  JournalPosition last = 0;
  /// The highest that anything valid says is durable, behind `end` too.
  JournalPosition durable = 0;
  std::uint64_t records = 0;
  std::uint64_t changes = 0;
  /// From `end` to the last byte that is not zero.
  std::uint64_t tail_bytes = 0;
  /// Of a sound record of a kind that this version must not leave out; empty: there is none.
  std::string refused;

  /// Whether the record that should stand at `end` had been promised.
  [[nodiscard]] bool is_damaged() const noexcept { return last < durable; }
};

/// What a sound frame is, for those who walk through a segment.
struct FrameView {
  FrameHeader header;
  std::uint64_t offset = 0;
  std::string_view bytes;
  [[nodiscard]] std::string_view payload() const {
    return bytes.substr(kFrameHeaderBytes, header.payload_bytes);
  }
};

using FrameVisit = std::function<void(const FrameView&)>;

/// Reads the records of `segment`, whose header is `header`, up to the first that is not whole;
/// `durable` is what is known from elsewhere. `visit` may be empty.
[[nodiscard]] SegmentScan scan_segment(std::string_view segment, const SegmentHeader& header,
                                       JournalPosition durable, const FrameVisit& visit,
                                       const Weakness& weakness = {});

}  // namespace tarmac::internal
