#include "frame.h"

#include <algorithm>
#include <bit>
#include <random>

#include "bytes.h"
#include "crc32c.h"

namespace tarmac::internal {
namespace {

constexpr std::uint32_t kFrameMagic = 0x43455254U;  // "TREC"

// Where the fields of a header are.
constexpr std::size_t kChecksumAt = 4;
constexpr std::size_t kPayloadBytesAt = 8;
constexpr std::size_t kTypeAt = 12;
constexpr std::size_t kPositionAt = 16;
constexpr std::size_t kDurableAt = 24;
constexpr std::size_t kPayloadChecksumAt = 32;
constexpr std::size_t kChangesAt = 36;

// Flags of a change.
constexpr std::uint8_t kDirty = 1;
constexpr std::uint8_t kExpires = 2;
constexpr std::uint8_t kHasTtl = 4;
constexpr std::uint8_t kWeighed = 8;
constexpr std::uint8_t kVisited = 16;
constexpr std::uint8_t kKnownFlags = 31;
/// Each of these announces a number.
constexpr std::uint8_t kNumberFlags = kExpires | kHasTtl | kWeighed | kVisited;
constexpr std::size_t kStampAt = 12;
constexpr std::size_t kChangeHeaderLeast = 20;

std::uint8_t flags_of(const JournalRecord& change) {
  const auto flag = [](bool set, std::uint8_t bit) { return set ? bit : std::uint8_t{0}; };
  return static_cast<std::uint8_t>(
      flag(change.dirty, kDirty) | flag(change.expires_at.has_value(), kExpires) |
      flag(change.ttl != 0, kHasTtl) | flag(change.weight.has_value(), kWeighed) |
      flag(change.visits != 0, kVisited));
}

std::uint32_t header_checksum(std::string_view header, std::uint32_t seed) noexcept {
  std::array<char, kFrameHeaderBytes> unsealed{};
  header.copy(unsealed.data(), unsealed.size());
  store_number(unsealed.data(), std::uint64_t{load_number<std::uint32_t>(header.data())});
  return crc32c({unsealed.data(), unsealed.size()}, seed);
}

/// Takes one change from the front of `from`. False if there is none.
bool take_change(std::string_view& from, JournalRecord& change) noexcept {
  if (from.size() < kChangeHeaderLeast) return false;
  const char* at = from.data();
  const auto kind = load_number<std::uint8_t>(at);
  const auto flags = load_number<std::uint8_t>(at + 1);
  const auto zero = load_number<std::uint16_t>(at + 2);
  const std::uint64_t key_bytes = load_number<std::uint32_t>(at + 4);
  const std::uint64_t value_bytes = load_number<std::uint32_t>(at + 8);
  if (zero != 0 || (flags & ~kKnownFlags) != 0) return false;
  if (kind < static_cast<std::uint8_t>(JournalRecord::Kind::put) ||
      kind > static_cast<std::uint8_t>(JournalRecord::Kind::strategy)) {
    return false;
  }
  const auto numbers = static_cast<unsigned>(std::popcount<std::uint8_t>(flags & kNumberFlags));
  const auto header = kChangeHeaderLeast + numbers * sizeof(std::uint64_t);
  if (header + key_bytes + value_bytes > from.size()) return false;
  change.kind = static_cast<JournalRecord::Kind>(kind);
  change.dirty = (flags & kDirty) != 0;
  change.stamp = load_number<std::uint64_t>(at + kStampAt);
  at += kChangeHeaderLeast;
  const auto next_number = [&at] {
    const auto number = load_number<std::uint64_t>(at);
    at += sizeof number;
    return number;
  };
  change.expires_at.reset();
  change.weight.reset();
  if ((flags & kExpires) != 0) change.expires_at = static_cast<WallNanos>(next_number());
  change.ttl = (flags & kHasTtl) != 0 ? static_cast<std::int64_t>(next_number()) : 0;
  if ((flags & kWeighed) != 0) change.weight = next_number();
  change.visits = (flags & kVisited) != 0 ? next_number() : 0;
  change.key = from.substr(header, key_bytes);
  change.value = from.substr(header + key_bytes, value_bytes);
  from.remove_prefix(header + key_bytes + value_bytes);
  return true;
}

}  // namespace

LogId new_log_id() {
  std::random_device chance;
  LogId id{};
  for (std::size_t i = 0; i < id.size(); i += sizeof(std::uint32_t)) {
    store_number(id.data() + i, static_cast<std::uint32_t>(chance()));
  }
  return id;
}

std::uint32_t checksum_seed(const LogId& id, std::uint64_t segment) noexcept {
  std::array<char, sizeof(LogId) + sizeof(segment)> bytes{};
  std::ranges::copy(id, bytes.begin());
  store_number(bytes.data() + id.size(), segment);
  return crc32c({bytes.data(), bytes.size()});
}

void append_change(std::string& to, const JournalRecord& change) {
  std::array<char, kChangeHeaderMost> header{};
  auto* at = header.data();
  const auto put = [&at](auto number) {
    store_number(at, number);
    at += sizeof number;
  };
  const auto flags = flags_of(change);
  put(static_cast<std::uint8_t>(change.kind));
  put(flags);
  put(std::uint16_t{0});
  put(static_cast<std::uint32_t>(change.key.size()));
  put(static_cast<std::uint32_t>(change.value.size()));
  put(change.stamp);
  if ((flags & kExpires) != 0) put(static_cast<std::uint64_t>(*change.expires_at));
  if ((flags & kHasTtl) != 0) put(static_cast<std::uint64_t>(change.ttl));
  if ((flags & kWeighed) != 0) put(*change.weight);
  if ((flags & kVisited) != 0) put(change.visits);
  to.append(header.data(), static_cast<std::size_t>(at - header.data()));
  to += change.key;
  to += change.value;
}

std::optional<std::uint64_t> read_changes(std::string_view bytes, const Journal::Visit& visit) {
  JournalRecord change;
  std::uint64_t count = 0;
  while (!bytes.empty()) {
    if (!take_change(bytes, change)) return std::nullopt;
    if (visit) visit(change);
    ++count;
  }
  return count;
}

std::uint64_t FrameHeader::frame_bytes() const noexcept {
  return kFrameHeaderBytes + aligned(payload_bytes);
}

// Made aside, in words: `to` is mostly memory that another processor has written last, and what was
// just stored there could not be read at once, for the checksum.
void store_frame_header(char* to, const FrameHeader& header, std::uint32_t seed) noexcept {
  constexpr unsigned kUpper = 32;
  std::array<char, kFrameHeaderBytes> bytes{};
  auto* const at = bytes.data();
  store_number(at, std::uint64_t{kFrameMagic});
  store_number(at + kPayloadBytesAt, header.payload_bytes | std::uint64_t{header.type} << kUpper);
  store_number(at + kPositionAt, header.position);
  store_number(at + kDurableAt, header.durable);
  store_number(at + kPayloadChecksumAt,
               header.payload_checksum | std::uint64_t{header.changes} << kUpper);
  const std::uint64_t checksum = crc32c({at, bytes.size()}, seed);
  store_number(at, kFrameMagic | checksum << kUpper);
  std::copy(bytes.begin(), bytes.end(), to);
}

std::optional<FrameHeader> load_frame_header(std::string_view bytes, std::uint32_t seed) noexcept {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  const char* from = bytes.data();
  if (load_number<std::uint32_t>(from) != kFrameMagic) return std::nullopt;
  const auto checksum = load_number<std::uint32_t>(from + kChecksumAt);
  if (checksum != header_checksum(bytes.substr(0, kFrameHeaderBytes), seed)) return std::nullopt;
  FrameHeader header;
  header.payload_bytes = load_number<std::uint32_t>(from + kPayloadBytesAt);
  header.type = load_number<std::uint8_t>(from + kTypeAt);
  header.position = load_number<std::uint64_t>(from + kPositionAt);
  header.durable = load_number<std::uint64_t>(from + kDurableAt);
  header.payload_checksum = load_number<std::uint32_t>(from + kPayloadChecksumAt);
  header.changes = load_number<std::uint32_t>(from + kChangesAt);
  return header;
}

bool is_whole_frame(std::string_view frame, const FrameHeader& header) noexcept {
  const auto payload = frame.substr(kFrameHeaderBytes, header.payload_bytes);
  if (crc32c(payload) != header.payload_checksum) return false;
  const auto padding = frame.substr(kFrameHeaderBytes + header.payload_bytes);
  return std::ranges::all_of(padding, [](char byte) { return byte == '\0'; });
}

FrameHeader header_for(std::string_view payload, FrameType type, std::uint32_t changes) {
  FrameHeader header;
  header.payload_bytes = static_cast<std::uint32_t>(payload.size());
  header.type = static_cast<std::uint8_t>(type);
  header.payload_checksum = crc32c(payload);
  header.changes = changes;
  return header;
}

void append_frame(std::string& to, const FrameHeader& header, std::string_view payload,
                  std::uint32_t seed) {
  const auto start = to.size();
  to.reserve(start + header.frame_bytes());
  to.resize(start + kFrameHeaderBytes);
  store_frame_header(to.data() + start, header, seed);
  to += payload;
  to.resize(start + header.frame_bytes());
}

std::string_view payload_of(std::string_view frame, const FrameHeader& header) noexcept {
  return frame.substr(kFrameHeaderBytes, header.payload_bytes);
}

void seal_frames_again(std::string& frames, std::uint32_t seed) {
  for (std::size_t at = 0; at < frames.size();) {
    char* header = frames.data() + at;
    const auto payload_bytes = load_number<std::uint32_t>(header + kPayloadBytesAt);
    store_number(header + kChecksumAt, header_checksum({header, kFrameHeaderBytes}, seed));
    at += kFrameHeaderBytes + aligned(payload_bytes);
  }
}

}  // namespace tarmac::internal
