// The bytes of the format: checksums, worked examples, files of earlier versions, and what a reader
// must refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "bytes.h"
#include "crc32c.h"
#include "log_rig.h"
#include "manifest.h"
#include "segment.h"

namespace tarmac {
namespace {

using internal::FrameHeader;
using internal::FrameType;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value / 16];
    text += kDigits[value % 16];
  }
  return text;
}

TEST(Crc32c, GivesThePublishedValues) {
  std::string counting;
  for (int i = 0; i < 32; ++i) counting += static_cast<char>(i);
  for (const auto checksum : {internal::crc32c, internal::crc32c_by_table}) {
    EXPECT_EQ(checksum("", 0), 0U);
    EXPECT_EQ(checksum("123456789", 0), 0xE3069283U);
    EXPECT_EQ(checksum(std::string(32, '\0'), 0), 0x8A9136AAU);
    EXPECT_EQ(checksum(std::string(32, '\xFF'), 0), 0x62A8AB43U);
    EXPECT_EQ(checksum(counting, 0), 0x46DD794EU);
  }
}

TEST(Crc32c, IsTheSameFromTablesAndFromTheProcessorAndInPieces) {
  std::mt19937 chance(1);
  std::string bytes;
  for (int round = 0; round < 300; ++round) {
    bytes += static_cast<char>(chance());
    const auto seed = static_cast<std::uint32_t>(chance());
    EXPECT_EQ(internal::crc32c(bytes, seed), internal::crc32c_by_table(bytes, seed));
    const auto cut = chance() % bytes.size();
    EXPECT_EQ(internal::crc32c(bytes.substr(cut), internal::crc32c(bytes.substr(0, cut), seed)),
              internal::crc32c(bytes, seed));
  }
}

std::string example_record() {
  JournalRecord put;
  put.key = "alice";
  put.value = "v1";
  put.stamp = 7;
  std::string payload;
  internal::append_change(payload, put);
  auto header = internal::header_for(payload, FrameType::changes, 1);
  header.position = 3;
  header.durable = 2;
  std::string frame;
  internal::append_frame(frame, header, payload, internal::checksum_seed({}, 1));
  return frame;
}

// The example of docs/durability.md.
TEST(LogFormat, WritesTheRecordOfTheDocumentation) {
  std::ifstream page(TARMAC_SOURCE_DIR "/docs/durability.md");
  ASSERT_TRUE(page.is_open());
  std::string digits;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("00") || line.find("  ") == std::string::npos) continue;
    // Offset, two spaces, bytes, two spaces, what they mean.
    const auto bytes = line.substr(6, line.find("  ", 6) - 6);
    for (const char digit : bytes) {
      if (digit != ' ') digits += digit;
    }
  }
  EXPECT_EQ(digits, hex(example_record()));
}

TEST(LogFormat, ReadsTheFilesOfItsFirstVersion) {
  MemoryFiles::Names files;
  for (const auto& file :
       std::filesystem::directory_iterator(TARMAC_SOURCE_DIR "/tests/durability/data/log-1.0")) {
    std::ifstream in(file.path(), std::ios::binary);
    files[file.path().filename().string()] = {std::istreambuf_iterator<char>(in),
                                              std::istreambuf_iterator<char>()};
  }
  ASSERT_EQ(files.size(), 3U) << "a manifest, an image and a segment";
  LogRig rig;
  rig.files().set_content(files);
  rig.open();
  EXPECT_EQ(rig.replica().newest(), 130U);
  EXPECT_EQ(rig.replica().content(), content_after(130));
  EXPECT_GT(rig.report().image_entries, 0U);
}

/// A segment that has `frame` behind its header, with right checksums.
std::string segment_with(const std::string& frame) {
  return internal::encode_segment_header({{}, 1, 1, 0}) + frame;
}

std::string frame_of(FrameHeader header, std::string_view payload) {
  std::string frame(internal::kFrameHeaderBytes, '\0');
  header.position = 1;
  internal::store_frame_header(frame.data(), header, internal::checksum_seed({}, 1));
  frame += payload;
  frame.resize(internal::aligned(frame.size()));
  return frame;
}

internal::SegmentScan scan(const std::string& segment) {
  std::string problem;
  return internal::scan_segment(segment, internal::decode_segment_header(segment, problem).value(),
                                0, {});
}

TEST(LogFormat, RefusesLengthsThatCannotBeBeforeItMakesRoomForThem) {
  constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
  for (const auto length : {kMost, kMost - 7, 0x80000000U, 0x7FFFFFFFU, 1U << 30U, 100U, 25U}) {
    auto header = internal::header_for("123456789012345678901234", FrameType::changes, 1);
    header.payload_bytes = length;
    const auto result = scan(segment_with(frame_of(header, "123456789012345678901234")));
    EXPECT_EQ(result.records, 0U) << length;
  }
  // Lengths within a payload whose checksum holds.
  for (const auto length : {kMost, 0x80000000U, 6U}) {
    std::string change;
    internal::append_number(change, std::uint8_t{1});
    internal::append_number(change, std::uint8_t{0});
    internal::append_number(change, std::uint16_t{0});
    internal::append_number(change, length);
    internal::append_number(change, std::uint32_t{1});
    internal::append_number(change, std::uint64_t{1});
    change += "abcde";
    EXPECT_EQ(internal::read_changes(change, {}), std::nullopt) << length;
  }
}

TEST(LogFormat, LeavesOutUnknownRecordsThatMayBeAndRefusesOthers) {
  auto header = internal::header_for("", FrameType::mark, 0);
  header.type = 0x85;
  auto result = scan(segment_with(frame_of(header, "")));
  EXPECT_EQ(result.records, 1U);
  EXPECT_EQ(result.refused, "");
  header.type = 0x05;
  result = scan(segment_with(frame_of(header, "")));
  EXPECT_EQ(result.records, 0U);
  EXPECT_THAT(result.refused, ::testing::HasSubstr("newer version"));
}

TEST(LogFormat, RefusesANewerVersion) {
  auto segment = internal::encode_segment_header({{}, 1, 1, 0});
  segment[8] = 2;
  internal::store_number(segment.data() + 60,
                         internal::crc32c(std::string_view(segment).substr(0, 60)));
  std::string problem;
  EXPECT_FALSE(internal::decode_segment_header(segment, problem));
  EXPECT_THAT(problem, ::testing::HasSubstr("version 2"));
  auto manifest = internal::encode_manifest({});
  manifest[8] = 2;
  internal::store_number(
      manifest.data() + manifest.size() - 4,
      internal::crc32c(std::string_view(manifest).substr(0, manifest.size() - 4)));
  EXPECT_FALSE(internal::decode_manifest(manifest, problem));
  EXPECT_THAT(problem, ::testing::HasSubstr("version 2"));
}

TEST(LogFormat, DoesNotTakeARecordOfAnotherSegmentForItsOwn) {
  auto header = internal::header_for("", FrameType::mark, 0);
  header.position = 1;
  std::string frame;
  internal::append_frame(frame, header, "", internal::checksum_seed({}, 2));
  EXPECT_EQ(scan(segment_with(frame)).records, 0U);
  internal::seal_frames_again(frame, internal::checksum_seed({}, 1));
  EXPECT_EQ(scan(segment_with(frame)).records, 1U);
}

TEST(LogFormat, TakesZerosBehindTheLastRecordForItsEnd) {
  auto header = internal::header_for("", FrameType::mark, 0);
  for (const std::size_t zeros : {0U, 1U, 7U, 511U, 4096U, 1U << 20U}) {
    const auto result = scan(segment_with(frame_of(header, "") + std::string(zeros, '\0')));
    EXPECT_EQ(result.records, 1U);
    EXPECT_EQ(result.tail_bytes, 0U);
  }
}

}  // namespace
}  // namespace tarmac
