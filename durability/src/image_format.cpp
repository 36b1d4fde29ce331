#include "image_format.h"

#include <algorithm>

#include "bytes.h"
#include "crc32c.h"
#include "format_version.h"

namespace tarmac::internal {
namespace {

constexpr std::string_view kPreambleMagic = "TARMSNAP";
constexpr std::string_view kFooterMagic = "TARMSEND";
constexpr std::uint32_t kBlockMagic = 0x4B4C4254U;  // "TBLK"
constexpr FormatVersion kImageVersion{.major = 1, .minor = 1};
constexpr std::size_t kPreambleBytesAt = 12;
constexpr std::size_t kPreambleChecksumAt = 52;
constexpr std::size_t kFooterChecksumAt = 60;
constexpr std::size_t kBlockChecksumAt = 4;
constexpr std::size_t kBlockFieldsAt = 8;

std::uint32_t preamble_checksum(std::string_view bytes) {
  return crc32c(bytes.substr(kPreambleBytes), crc32c(bytes.substr(0, kPreambleChecksumAt)));
}

void append_text(std::string& to, std::string_view text) {
  append_number(to, static_cast<std::uint32_t>(text.size()));
  to += text;
}

std::string take_text(Cursor& from) {
  const auto length = from.number<std::uint32_t>();
  if (!length) return "";
  return std::string(from.take(*length).value_or(std::string_view()));
}

}  // namespace

std::string encode_preamble(const ImagePreamble& preamble) {
  std::string names;
  append_text(names, preamble.header.cache_name);
  append_text(names, preamble.header.strategy);
  append_text(names, preamble.header.write_policy);
  append_text(names, preamble.header.strategy_spelling);
  append_text(names, preamble.header.configured_spelling);
  names.resize(aligned(names.size()));
  std::string bytes(kPreambleMagic);
  append_version(bytes, kImageVersion);
  append_number(bytes, static_cast<std::uint32_t>(kPreambleBytes + names.size()));
  bytes.append(preamble.id.data(), preamble.id.size());
  append_number(bytes, preamble.position);
  append_number(bytes, static_cast<std::uint64_t>(preamble.header.taken_at));
  append_number(bytes, std::uint32_t{0});  // Flags.
  append_number(bytes, std::uint32_t{0});  // The checksum, see below.
  bytes += names;
  store_number(bytes.data() + kPreambleChecksumAt, preamble_checksum(bytes));
  return bytes;
}

std::optional<std::uint64_t> preamble_bytes(std::string_view fixed, std::string& problem) {
  if (fixed.size() < kPreambleBytes || !fixed.starts_with(kPreambleMagic)) {
    problem = "it does not begin as an image";
    return std::nullopt;
  }
  const auto bytes = load_number<std::uint32_t>(fixed.data() + kPreambleBytesAt);
  if (bytes < kPreambleBytes || bytes > kPreambleMost || bytes % kAlignment != 0) {
    problem = "its head is damaged";
    return std::nullopt;
  }
  return bytes;
}

std::optional<ImagePreamble> decode_preamble(std::string_view bytes, std::string& problem) {
  if (load_number<std::uint32_t>(bytes.data() + kPreambleChecksumAt) != preamble_checksum(bytes)) {
    problem = "its head is damaged";
    return std::nullopt;
  }
  Cursor cursor(bytes.substr(kPreambleMagic.size()));
  if (!take_version(cursor, kImageVersion, problem)) return std::nullopt;
  static_cast<void>(cursor.take(sizeof(std::uint32_t)));
  ImagePreamble preamble;
  const auto id = cursor.take(preamble.id.size());
  if (id) std::copy(id->begin(), id->end(), preamble.id.begin());
  preamble.position = cursor.number<std::uint64_t>().value_or(0);
  preamble.header.taken_at = static_cast<WallNanos>(cursor.number<std::uint64_t>().value_or(0));
  static_cast<void>(cursor.take(2 * sizeof(std::uint32_t)));
  preamble.header.cache_name = take_text(cursor);
  preamble.header.strategy = take_text(cursor);
  preamble.header.write_policy = take_text(cursor);
  if (cursor.failed()) {
    problem = "its head is damaged";
    return std::nullopt;
  }
  // Version 1.0 has no more than zeros here.
  preamble.header.strategy_spelling = take_text(cursor);
  preamble.header.configured_spelling = take_text(cursor);
  return preamble;
}

std::string encode_footer(ImageFooter& footer) {
  std::string bytes(kFooterMagic);
  append_number(bytes, footer.entries);
  append_number(bytes, footer.blocks);
  append_number(bytes, footer.offset);
  append_number(bytes, footer.position);
  append_number(bytes, footer.reach);
  append_number(bytes, footer.chain);
  append_number(bytes, std::uint64_t{0});
  footer.checksum = crc32c(bytes);
  append_number(bytes, footer.checksum);
  return bytes;
}

std::optional<ImageFooter> decode_footer(std::string_view bytes) {
  if (bytes.size() != kImageFooterBytes || !bytes.starts_with(kFooterMagic)) return std::nullopt;
  ImageFooter footer;
  footer.checksum = load_number<std::uint32_t>(bytes.data() + kFooterChecksumAt);
  if (footer.checksum != crc32c(bytes.substr(0, kFooterChecksumAt))) return std::nullopt;
  Cursor cursor(bytes.substr(kFooterMagic.size()));
  footer.entries = cursor.number<std::uint64_t>().value_or(0);
  footer.blocks = cursor.number<std::uint64_t>().value_or(0);
  footer.offset = cursor.number<std::uint64_t>().value_or(0);
  footer.position = cursor.number<std::uint64_t>().value_or(0);
  footer.reach = cursor.number<std::uint64_t>().value_or(0);
  footer.chain = cursor.number<std::uint32_t>().value_or(0);
  return footer;
}

std::string encode_block_header(BlockHeader& header, std::uint32_t seed) {
  std::string bytes;
  append_number(bytes, kBlockMagic);
  append_number(bytes, std::uint32_t{0});  // The checksum, see below.
  append_number(bytes, header.stored_bytes);
  append_number(bytes, header.raw_bytes);
  append_number(bytes, header.entries);
  append_number(bytes, header.payload_checksum);
  append_number(bytes, header.index);
  header.checksum = crc32c(std::string_view(bytes).substr(kBlockFieldsAt), seed);
  store_number(bytes.data() + kBlockChecksumAt, header.checksum);
  return bytes;
}

std::optional<BlockHeader> decode_block_header(std::string_view bytes, std::uint32_t seed) {
  Cursor cursor(bytes);
  BlockHeader header;
  const auto magic = cursor.number<std::uint32_t>();
  header.checksum = cursor.number<std::uint32_t>().value_or(0);
  header.stored_bytes = cursor.number<std::uint32_t>().value_or(0);
  header.raw_bytes = cursor.number<std::uint32_t>().value_or(0);
  header.entries = cursor.number<std::uint32_t>().value_or(0);
  header.payload_checksum = cursor.number<std::uint32_t>().value_or(0);
  header.index = cursor.number<std::uint64_t>().value_or(0);
  if (cursor.failed() || magic != kBlockMagic) return std::nullopt;
  const auto fields = bytes.substr(kBlockFieldsAt, kBlockHeaderBytes - kBlockFieldsAt);
  if (header.checksum != crc32c(fields, seed)) return std::nullopt;
  return header;
}

}  // namespace tarmac::internal
