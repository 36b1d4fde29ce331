// The bytes of records: how a change stands in the log and an entry in an image.
#pragma once

#include <tarmac/core/journal.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// Says which log something belongs to.
using LogId = std::array<char, 16>;

[[nodiscard]] LogId new_log_id();

/// What the checksum of a header begins with, so that a block of another file, or of an earlier use
/// of the same place, is no header of this one.
[[nodiscard]] std::uint32_t checksum_seed(const LogId& id, std::uint64_t segment) noexcept;

/// The largest `max_record_bytes` that can be asked for.
inline constexpr std::uint64_t kRecordBytesMost = 1ULL << 30U;

// Changes: kind, flags, lengths, stamp, what the flags announce, key, value.

/// The most that a change has beside key and value.
inline constexpr std::size_t kChangeHeaderMost = 52;

void append_change(std::string& to, const JournalRecord& change);
/// Shows the changes in `bytes`, whose views are valid during the call. Returns how many there
/// were, or nullopt if the bytes are not changes one after the other; then some may have been
/// shown.
[[nodiscard]] std::optional<std::uint64_t> read_changes(std::string_view bytes,
                                                        const Journal::Visit& visit);

// Records: a header of kFrameHeaderBytes, changes, zeros up to the next multiple of eight.

inline constexpr std::size_t kFrameHeaderBytes = 40;

enum class FrameType : std::uint8_t {
  changes = 1,  ///< one or more, all or nothing
  mark,         ///< none: only says what is durable
};
/// A type with this bit is left out by a reader who does not know it.
inline constexpr std::uint8_t kSkippableType = 0x80;

struct FrameHeader {
  std::uint32_t payload_bytes = 0;
  std::uint8_t type = 0;
  JournalPosition position = 0;
  /// The last record that was known to be on the disk when this one was written.
  JournalPosition durable = 0;
  std::uint32_t payload_checksum = 0;
  std::uint32_t changes = 0;

  /// Header, payload and padding.
  [[nodiscard]] std::uint64_t frame_bytes() const noexcept;
};

/// Writes the header's kFrameHeaderBytes to `to`.
void store_frame_header(char* to, const FrameHeader& header, std::uint32_t seed) noexcept;
/// nullopt unless `bytes` begin with a header whose checksum holds.
[[nodiscard]] std::optional<FrameHeader> load_frame_header(std::string_view bytes,
                                                           std::uint32_t seed) noexcept;
/// Whether the rest of `frame` is what its header says. Requires: it has frame_bytes() of it.
[[nodiscard]] bool is_whole_frame(std::string_view frame, const FrameHeader& header) noexcept;

/// The header for `payload`, all but what only the log knows: position and durable.
[[nodiscard]] FrameHeader header_for(std::string_view payload, FrameType type,
                                     std::uint32_t changes);
/// Requires: `header` is for `payload`. Strong guarantee.
void append_frame(std::string& to, const FrameHeader& header, std::string_view payload,
                  std::uint32_t seed);
/// Of a whole frame.
[[nodiscard]] std::string_view payload_of(std::string_view frame,
                                          const FrameHeader& header) noexcept;
/// Makes the whole frames in `frames` those of another segment.
void seal_frames_again(std::string& frames, std::uint32_t seed);

/// For negative controls of the tests alone: what recovery does without a part of its protection.
struct Weakness {
  bool header_unchecked = false;
  bool watermark_ignored = false;
};

}  // namespace tarmac::internal
