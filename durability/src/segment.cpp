#include "segment.h"

#include <algorithm>

#include "bytes.h"
#include "crc32c.h"
#include "format_version.h"

namespace tarmac::internal {
namespace {

constexpr std::string_view kSegmentMagic = "TARMLOG1";
constexpr FormatVersion kSegmentVersion{.major = 1, .minor = 1};
constexpr std::size_t kSegmentChecksumAt = 60;

/// The checks of a header, without its checksum: what a reader has who trusts the disk.
std::optional<FrameHeader> load_unchecked(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  std::string copy(bytes.substr(0, kFrameHeaderBytes));
  seal_frames_again(copy, 0);
  return load_frame_header(copy, 0);
}

/// How many bytes there are before the zeros at the end. A segment is reserved before it is
/// written, so these are many.
std::size_t without_end_zeros(std::string_view bytes) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  auto size = bytes.size();
  while (size >= kWord && load_number<std::uint64_t>(bytes.data() + size - kWord) == 0) {
    size -= kWord;
  }
  while (size > 0 && bytes[size - 1] == '\0') --size;
  return size;
}

class Scanner {
 public:
  Scanner(std::string_view segment, const SegmentHeader& header, const Weakness& weakness)
      : segment_(segment),
        header_(header),
        weakness_(weakness),
        seed_(checksum_seed(header.id, header.number)) {}

  SegmentScan run(JournalPosition durable, const FrameVisit& visit) {
    scan_.last = header_.first - 1;
    scan_.durable = std::max(durable, header_.durable);
    while (const auto frame = next()) {
      if (is_unknown(frame->header.type)) {
        scan_.refused = "the record " + std::to_string(frame->header.position) +
                        " is of a kind that only a newer version knows";
        return scan_;
      }
      note(frame->header);
      scan_.last = frame->header.position;
      scan_.end += frame->bytes.size();
      ++scan_.records;
      scan_.changes += frame->header.changes;
      if (visit) visit(*frame);
    }
    look_behind();
    if (weakness_.watermark_ignored) scan_.durable = 0;
    return scan_;
  }

 private:
  static bool is_unknown(std::uint8_t type) {
    const bool known = type == static_cast<std::uint8_t>(FrameType::changes) ||
                       type == static_cast<std::uint8_t>(FrameType::mark);
    return !known && (type & kSkippableType) == 0;
  }

  void note(const FrameHeader& header) { scan_.durable = std::max(scan_.durable, header.durable); }

  [[nodiscard]] std::optional<FrameHeader> header_at(std::uint64_t offset) const {
    const auto bytes = segment_.substr(offset);
    return weakness_.header_unchecked ? load_unchecked(bytes) : load_frame_header(bytes, seed_);
  }

  [[nodiscard]] std::optional<FrameView> next() const {
    if (scan_.end > segment_.size()) return std::nullopt;
    const auto header = header_at(scan_.end);
    if (!header || header->position != scan_.last + 1) return std::nullopt;
    const auto rest = segment_.substr(scan_.end);
    if (header->frame_bytes() > rest.size()) return std::nullopt;
    const FrameView frame{*header, scan_.end, rest.substr(0, header->frame_bytes())};
    if (!is_whole_frame(frame.bytes, *header)) return std::nullopt;
    return frame;
  }

  /// What comes behind a record that is not whole says whether that one had been promised.
  void look_behind() {
    if (scan_.end >= segment_.size()) return;
    const auto tail = segment_.substr(scan_.end);
    scan_.tail_bytes = without_end_zeros(tail);
    // A header may end in zeros.
    for (auto at = scan_.end; at < scan_.end + scan_.tail_bytes; at += kAlignment) {
      const auto header = header_at(at);
      if (header && header->position > scan_.last) note(*header);
    }
  }

  std::string_view segment_;
  const SegmentHeader& header_;
  const Weakness& weakness_;
  std::uint32_t seed_;
  SegmentScan scan_;
};

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes(kSegmentMagic);
  append_version(bytes, kSegmentVersion);
  append_number(bytes, std::uint32_t{0});  // Flags.
  bytes.append(header.id.data(), header.id.size());
  append_number(bytes, header.number);
  append_number(bytes, header.first);
  append_number(bytes, header.durable);
  append_number(bytes, std::uint32_t{0});
  append_number(bytes, crc32c(bytes));
  return bytes;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes, std::string& problem) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) {
    problem = "it does not begin as a segment of a log";
    return std::nullopt;
  }
  Cursor cursor(bytes.substr(kSegmentMagic.size(), kSegmentHeaderBytes - kSegmentMagic.size()));
  const auto checksum = load_number<std::uint32_t>(bytes.data() + kSegmentChecksumAt);
  if (checksum != crc32c(bytes.substr(0, kSegmentChecksumAt))) {
    problem = "its header is damaged";
    return std::nullopt;
  }
  if (!take_version(cursor, kSegmentVersion, problem)) return std::nullopt;
  static_cast<void>(cursor.take(sizeof(std::uint32_t)));
  SegmentHeader header;
  const auto id = cursor.take(header.id.size());
  if (id) std::copy(id->begin(), id->end(), header.id.begin());
  header.number = cursor.number<std::uint64_t>().value_or(0);
  header.first = cursor.number<std::uint64_t>().value_or(0);
  header.durable = cursor.number<std::uint64_t>().value_or(0);
  if (header.first == 0) {
    problem = "its header names no first record";
    return std::nullopt;
  }
  return header;
}

SegmentScan scan_segment(std::string_view segment, const SegmentHeader& header,
                         JournalPosition durable, const FrameVisit& visit,
                         const Weakness& weakness) {
  return Scanner(segment, header, weakness).run(durable, visit);
}

}  // namespace tarmac::internal
