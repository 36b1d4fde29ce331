// Segments of a log: any bytes are records up to a place from which on nothing is shown. Checksums
// are no wall: the input is also read with those that it should have had.
#include <algorithm>
#include <string>

#include "bytes.h"
#include "crc32c.h"
#include "fuzz.h"
#include "segment.h"

namespace {

using tarmac::internal::FrameView;
using tarmac::internal::load_number;
using tarmac::internal::store_number;

constexpr std::size_t kHeader = tarmac::internal::kSegmentHeaderBytes;
constexpr std::size_t kChecksum = 60;
constexpr std::size_t kFrame = tarmac::internal::kFrameHeaderBytes;

/// Gives header and records the checksums that they should have, as far as lengths lead.
void mend(std::string& bytes, const tarmac::internal::LogId& id) {
  if (bytes.size() < kHeader) return;
  store_number(bytes.data() + kChecksum,
               tarmac::internal::crc32c(std::string_view(bytes).substr(0, kChecksum)));
  const auto number = load_number<std::uint64_t>(bytes.data() + 32);
  const auto seed = tarmac::internal::checksum_seed(id, number);
  for (std::size_t at = kHeader; at + kFrame <= bytes.size();) {
    const auto payload = load_number<std::uint32_t>(bytes.data() + at + 8);
    const auto rest = bytes.size() - at - kFrame;
    if (payload > rest) return;
    const auto view = std::string_view(bytes).substr(at + kFrame, payload);
    store_number(bytes.data() + at + 32, tarmac::internal::crc32c(view));
    auto frame =
        bytes.substr(at, std::min(kFrame + tarmac::internal::aligned(payload), kFrame + rest));
    if (frame.size() != kFrame + tarmac::internal::aligned(payload)) return;
    tarmac::internal::seal_frames_again(frame, seed);
    bytes.replace(at, frame.size(), frame);
    at += frame.size();
  }
}

void read(const std::string& bytes) {
  std::string problem;
  const auto header = tarmac::internal::decode_segment_header(bytes, problem);
  if (!header) {
    tarmac::fuzz::require(!problem.empty(), "refused without a reason");
    return;
  }
  auto expected = header->first;
  std::uint64_t end = kHeader;
  const auto visit = [&](const FrameView& frame) {
    tarmac::fuzz::require(frame.header.position == expected++, "a hole between records");
    tarmac::fuzz::require(frame.offset == end, "bytes between records");
    end += frame.bytes.size();
    tarmac::fuzz::require(end <= bytes.size(), "a record behind the end");
    std::uint64_t changes = 0;
    const auto count = [&](const tarmac::JournalRecord&) { ++changes; };
    const auto read = tarmac::internal::read_changes(frame.payload(), count);
    tarmac::fuzz::require(!read || *read == changes, "miscounted");
  };
  const auto scan = tarmac::internal::scan_segment(bytes, *header, 0, visit);
  tarmac::fuzz::require(scan.end == end && scan.last + 1 == expected, "another end than shown");
  tarmac::fuzz::require(scan.end + scan.tail_bytes <= bytes.size(), "a tail behind the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(tarmac::fuzz::as_text(data, size));
  read(bytes);
  tarmac::internal::LogId id{};
  if (bytes.size() >= kHeader) bytes.copy(id.data(), id.size(), 16);
  mend(bytes, id);
  read(bytes);
  return 0;
}
