#include "manifest.h"

#include <array>
#include <cstdio>

#include "bytes.h"
#include "crc32c.h"
#include "format_version.h"

namespace tarmac::internal {
namespace {

constexpr std::string_view kManifestMagic = "TARMMAN1";
constexpr FormatVersion kManifestVersion{.major = 1, .minor = 0};
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kSegmentRowBytes = 36;

/// Sixteen digits, so that names sort as numbers do.
std::string digits(std::uint64_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

/// Empty if the segments follow on each other and on the image.
std::string inconsistency(const Manifest& manifest) {
  if (manifest.segments.empty()) return "";
  const JournalPosition start = manifest.image ? manifest.image->position : 0;
  JournalPosition expected = start + 1;
  if (manifest.segments.front().first != expected) return "records are missing before the segments";
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < manifest.segments.size(); ++i) {
    const auto& segment = manifest.segments[i];
    if (segment.number <= number || segment.number >= manifest.next_number ||
        segment.first != expected) {
      return "its segments do not follow on each other";
    }
    number = segment.number;
    if (!segment.sealed) {
      if (i + 1 < manifest.segments.size()) return "a segment in the middle is open";
      break;
    }
    if (segment.last + 1 < segment.first) return "a segment ends before it begins";
    expected = segment.last + 1;
  }
  return "";
}

}  // namespace

std::string encode_manifest(const Manifest& manifest) {
  std::string bytes(kManifestMagic);
  append_version(bytes, kManifestVersion);
  append_number(bytes, static_cast<std::uint32_t>(manifest.segments.size()));
  bytes.append(manifest.id.data(), manifest.id.size());
  append_number(bytes, manifest.generation);
  append_number(bytes, manifest.next_number);
  const auto image = manifest.image.value_or(ManifestImage{});
  append_number(bytes, static_cast<std::uint32_t>(manifest.image ? 1 : 0));
  append_number(bytes, image.checksum);
  append_number(bytes, image.number);
  append_number(bytes, image.position);
  append_number(bytes, image.reach);
  append_number(bytes, image.bytes);
  for (const auto& segment : manifest.segments) {
    append_number(bytes, segment.number);
    append_number(bytes, segment.first);
    append_number(bytes, static_cast<std::uint32_t>(segment.sealed ? 1 : 0));
    append_number(bytes, segment.last);
    append_number(bytes, segment.bytes);
  }
  append_number(bytes, crc32c(bytes));
  return bytes;
}

std::optional<Manifest> decode_manifest(std::string_view bytes, std::string& problem) {
  if (!bytes.starts_with(kManifestMagic) || bytes.size() < kManifestMagic.size() + kChecksumBytes) {
    problem = "it does not begin as a manifest";
    return std::nullopt;
  }
  const auto covered = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (load_number<std::uint32_t>(bytes.data() + covered.size()) != crc32c(covered)) {
    problem = "its checksum does not fit";
    return std::nullopt;
  }
  Cursor cursor(covered.substr(kManifestMagic.size()));
  if (!take_version(cursor, kManifestVersion, problem)) return std::nullopt;
  Manifest manifest;
  const auto rows = cursor.number<std::uint32_t>().value_or(0);
  const auto id = cursor.take(manifest.id.size());
  if (id) std::copy(id->begin(), id->end(), manifest.id.begin());
  manifest.generation = cursor.number<std::uint64_t>().value_or(0);
  manifest.next_number = cursor.number<std::uint64_t>().value_or(0);
  const auto images = cursor.number<std::uint32_t>().value_or(0);
  ManifestImage image;
  image.checksum = cursor.number<std::uint32_t>().value_or(0);
  image.number = cursor.number<std::uint64_t>().value_or(0);
  image.position = cursor.number<std::uint64_t>().value_or(0);
  image.reach = cursor.number<std::uint64_t>().value_or(0);
  image.bytes = cursor.number<std::uint64_t>().value_or(0);
  if (images == 1) manifest.image = image;
  if (cursor.failed() || images > 1 || cursor.rest().size() != rows * kSegmentRowBytes) {
    problem = "its length does not fit";
    return std::nullopt;
  }
  for (std::uint32_t row = 0; row < rows; ++row) {
    ManifestSegment segment;
    segment.number = cursor.number<std::uint64_t>().value_or(0);
    segment.first = cursor.number<std::uint64_t>().value_or(0);
    segment.sealed = cursor.number<std::uint32_t>().value_or(0) == 1;
    segment.last = cursor.number<std::uint64_t>().value_or(0);
    segment.bytes = cursor.number<std::uint64_t>().value_or(0);
    manifest.segments.push_back(segment);
  }
  problem = inconsistency(manifest);
  if (!problem.empty()) return std::nullopt;
  return manifest;
}

std::string segment_name(std::uint64_t number) { return "wal-" + digits(number) + ".log"; }

std::string image_name(std::uint64_t number) { return "snap-" + digits(number) + ".snap"; }

}  // namespace tarmac::internal
