// A log and an image with bits, bytes and sectors changed: nothing wrong is ever shown, and nothing
// that was promised is left out without a word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "image_file.h"
#include "log_rig.h"
#include "segment.h"

namespace tarmac {
namespace {

using internal::FrameView;
using internal::scan_segment;
using internal::SegmentHeader;
using internal::SegmentScan;
using internal::Weakness;

constexpr std::size_t kLogBytes = 64U << 10U;

/// A segment of 64 KiB as a killed process leaves it, with a mark at its end.
class DamagedLog {
 public:
  DamagedLog() {
    LogRig rig;
    rig.options().segment_bytes = kLogBytes;
    rig.options().compact_bytes = 1U << 30U;
    rig.open();
    while (rig.log().stats().log_bytes < kLogBytes - 512) EXPECT_TRUE(rig.run(rig.issued() + 1));
    const auto before = rig.log().stats().appended;
    while (rig.log().stats().appended == before) {
      rig.clock().await_waiters(1);
      rig.clock().advance(std::chrono::milliseconds(100));
    }
    data_records_ = before;
    rig.files().die_at(1);
    rig.close();
    for (auto& [name, bytes] : rig.files().content()) {
      if (name.starts_with("wal-")) bytes_ = bytes;
    }
    std::string problem;
    header_ = internal::decode_segment_header(bytes_, problem).value();
    static_cast<void>(scan(bytes_, [this](const FrameView& frame) {
      ends_.push_back(frame.offset + frame.bytes.size());
    }));
  }

  [[nodiscard]] SegmentScan scan(const std::string& bytes, const internal::FrameVisit& visit = {},
                                 const Weakness& weakness = {}) const {
    return scan_segment(bytes, header_, 0, visit, weakness);
  }
  /// Whether what was shown of `damaged` is not what was written.
  [[nodiscard]] bool shows_wrong(const std::string& damaged, const SegmentScan& scan) const {
    const auto shown = std::min<std::uint64_t>(scan.end, damaged.size());
    return !std::equal(bytes_.begin() + 64, bytes_.begin() + static_cast<std::ptrdiff_t>(shown),
                       damaged.begin() + 64);
  }
  /// Whether something that was promised is missing, and nobody is told.
  [[nodiscard]] bool loses_silently(const SegmentScan& scan) const {
    return scan.last < data_records_ && !scan.is_damaged();
  }

  std::string bytes_;
  SegmentHeader header_;
  std::vector<std::uint64_t> ends_;
  JournalPosition data_records_ = 0;
};

const DamagedLog& damaged_log() {
  static const DamagedLog log;
  return log;
}

struct Verdicts {
  std::uint64_t cases = 0;
  std::uint64_t wrong = 0;
  std::uint64_t silent = 0;
  std::uint64_t refused = 0;
};

Verdicts flip_bits(std::uint64_t stride, const Weakness& weakness) {
  const auto& log = damaged_log();
  Verdicts verdicts;
  auto bytes = log.bytes_;
  for (std::uint64_t bit = internal::kSegmentHeaderBytes * 8; bit < bytes.size() * 8;
       bit += stride) {
    const auto mask = static_cast<char>(1U << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    const auto scan = log.scan(bytes, {}, weakness);
    ++verdicts.cases;
    verdicts.wrong += log.shows_wrong(bytes, scan) ? 1U : 0U;
    verdicts.silent += log.loses_silently(scan) ? 1U : 0U;
    verdicts.refused += scan.is_damaged() ? 1U : 0U;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
  return verdicts;
}

// Goal: wherever a crash cuts the log, exactly the records wholly before the cut are there, and
// what is cut off is counted. Method: every cut.
TEST(LogDamage, ShowsTheRecordsBeforeACutAtEveryByte) {
  const auto& log = damaged_log();
  std::size_t whole = 0;
  for (std::size_t cut = internal::kSegmentHeaderBytes; cut <= log.ends_.back(); ++cut) {
    while (whole < log.ends_.size() && log.ends_[whole] <= cut) ++whole;
    const auto scan = log.scan(log.bytes_.substr(0, cut));
    ASSERT_EQ(scan.records, whole) << "cut at " << cut;
    ASSERT_FALSE(scan.is_damaged()) << "cut at " << cut;
    const auto end = whole == 0 ? internal::kSegmentHeaderBytes : log.ends_[whole - 1];
    ASSERT_LE(scan.tail_bytes, cut - end);
    // A record begins with its magic, so that not even its first byte is taken for nothing.
    ASSERT_EQ(scan.tail_bytes == 0, cut == end) << "cut at " << cut;
  }
}

TEST(LogDamage, NeverShowsOrDropsARecordSilentlyWhicheverBitIsFlipped) {
  const auto verdicts = flip_bits(stride(13), {});
  RecordProperty("cases", std::to_string(verdicts.cases));
  RecordProperty("refused", std::to_string(verdicts.refused));
  EXPECT_GT(verdicts.cases, 30'000U);
  EXPECT_GT(verdicts.refused, verdicts.cases * 9 / 10);
  EXPECT_EQ(verdicts.wrong, 0U);
  EXPECT_EQ(verdicts.silent, 0U);
}

// Negative controls: without a part of the protection the same test finds what is lost.
TEST(LogDamage, ControlWithoutTheHeadersChecksumFindsLosses) {
  Weakness weakness;
  weakness.header_unchecked = true;
  const auto verdicts = flip_bits(131, weakness);
  EXPECT_GT(verdicts.wrong + verdicts.silent, 0U);
}

TEST(LogDamage, ControlWithoutTheWatermarkFindsLosses) {
  Weakness weakness;
  weakness.watermark_ignored = true;
  EXPECT_GT(flip_bits(131, weakness).silent, 1000U);
}

TEST(LogDamage, SurvivesBurstsOfZerosOnesNoiseAndMisplacedBytes) {
  const auto& log = damaged_log();
  std::mt19937_64 chance(3);
  Verdicts verdicts;
  for (std::uint64_t round = 0; round < rounds(20'000, 200'000); ++round) {
    auto bytes = log.bytes_;
    const auto at = 64 + chance() % (bytes.size() - 64);
    const auto count = std::min<std::size_t>(1 + chance() % 4096, bytes.size() - at);
    switch (round % 4) {
      case 0:
        std::fill_n(&bytes[at], count, '\0');
        break;
      case 1:
        std::fill_n(&bytes[at], count, '\xFF');
        break;
      case 2:
        std::generate_n(&bytes[at], count, [&] { return static_cast<char>(chance()); });
        break;
      default:
        bytes.replace(at, count, log.bytes_, chance() % (bytes.size() - count), count);
    }
    const auto scan = log.scan(bytes);
    verdicts.wrong += log.shows_wrong(bytes, scan) ? 1U : 0U;
    // Where everything behind a record is gone, the mark too, only the torn bytes tell of it.
    const auto tail_is_gone = at + count > log.ends_[log.ends_.size() - 2];
    const auto is_told = tail_is_gone && (scan.tail_bytes > 0 || round % 4 == 0);
    verdicts.silent += log.loses_silently(scan) && !is_told ? 1U : 0U;
  }
  EXPECT_EQ(verdicts.wrong, 0U);
  EXPECT_EQ(verdicts.silent, 0U);
}

// Goal: sectors of the end that never were synced are missing in any pattern; that is a torn end
// and no damage, and everything durable is there.
TEST(LogDamage, TakesMissingSectorsOfAnUnsyncedEndForATornEnd) {
  LogRig rig(SyncMode::interval);
  rig.options().segment_bytes = kLogBytes;
  rig.options().compact_bytes = 1U << 30U;
  rig.open();
  ASSERT_TRUE(rig.run(100));
  const auto changes = rig.log().stats().appended;  // What may follow is a mark, never synced.
  while (rig.log().stats().durable < changes) {
    rig.clock().await_waiters(1);
    rig.clock().advance(std::chrono::milliseconds(200));
  }
  const auto durable = rig.log().stats().durable;
  const auto durable_end = rig.log().stats().log_bytes;
  ASSERT_TRUE(rig.run(240));
  rig.files().die_at(1);
  rig.close();
  const auto files = rig.files().content();
  const auto segment =
      std::ranges::find_if(files, [](const auto& file) { return file.first.starts_with("wal-"); });
  std::string problem;
  const auto header = internal::decode_segment_header(segment->second, problem).value();
  std::mt19937_64 chance(5);
  std::uint64_t torn = 0;
  for (std::uint64_t round = 0; round < rounds(4000, 20'000); ++round) {
    auto bytes = segment->second;
    for (std::size_t at = durable_end / 512 * 512; at < bytes.size(); at += 512) {
      if (chance() % 3 != 0) continue;
      const auto begin = std::max<std::size_t>(at, durable_end);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                bytes.begin() + static_cast<std::ptrdiff_t>(at + 512), '\0');
    }
    const auto scan = scan_segment(bytes, header, 0, {});
    ASSERT_FALSE(scan.is_damaged());
    ASSERT_GE(scan.last, durable);
    torn += scan.tail_bytes > 0 ? 1U : 0U;
  }
  EXPECT_GT(torn, 100U);
}

TEST(LogDamage, RefusesALogWhoseManifestHasAFlippedBit) {
  LogRig rig;
  rig.open();
  ASSERT_TRUE(rig.run(260));
  rig.close();
  const auto files = rig.files().content();
  const auto size = files.at("MANIFEST").size();
  for (std::size_t bit = 0; bit < size * 8; ++bit) {
    auto damaged = files;
    auto& byte = damaged["MANIFEST"][bit / 8];
    byte = static_cast<char>(byte ^ static_cast<char>(1U << (bit % 8)));
    rig.files().set_content(damaged);
    ASSERT_THROW(rig.open(), DurabilityError) << "bit " << bit;
    rig.close();
    damaged["LOCK"] = rig.files().content().at("LOCK");
    ASSERT_EQ(rig.files().content(), damaged) << "a refusal changes nothing";
  }
}

TEST(LogDamage, NamesTheFileTheByteAndTheRecordThatIsDamaged) {
  LogRig rig;
  rig.open();
  ASSERT_TRUE(rig.run(10));
  rig.close();
  auto files = rig.files().content();
  for (auto& [name, bytes] : files) {
    if (name.starts_with("wal-")) bytes[64 + 45] ^= 1;
  }
  rig.files().set_content(files);
  try {
    rig.open();
    FAIL() << "a damaged record was accepted";
  } catch (const DurabilityError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("wal-0000000000000001.log"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("record 1 at byte 64"));
  }
}

// Each file in turn missing, of another log, or older than the rest.
TEST(LogDamage, RefusesMissingForeignAndOlderFiles) {
  LogRig rig;
  LogRig other;
  rig.open();
  other.open();
  ASSERT_TRUE(rig.run(150));
  ASSERT_TRUE(other.run(150));
  rig.close();
  other.close();
  const auto older = rig.files().content();
  rig.open();
  ASSERT_TRUE(rig.run(170));
  rig.close();
  const auto files = rig.files().content();
  ASSERT_TRUE(
      std::ranges::any_of(files, [](const auto& one) { return one.first.starts_with("snap-"); }));
  const auto expect_refusal = [&](const MemoryFiles::Names& content, const std::string& what) {
    rig.files().set_content(content);
    EXPECT_THROW(rig.open(), DurabilityError) << what;
    rig.close();
  };
  for (const auto& [name, bytes] : files) {
    if (name == "LOCK") continue;
    auto changed = files;
    changed.erase(name);
    expect_refusal(changed, name + " missing");
    if (other.files().content().contains(name)) {
      changed[name] = other.files().content().at(name);
      expect_refusal(changed, name + " of another log");
    }
    changed[name] = bytes.substr(0, bytes.size() - 8);
    expect_refusal(changed, name + " shorter");
  }
  auto changed = files;
  changed["MANIFEST"] = older.at("MANIFEST");
  // The segment that it calls open has been closed, with all its records, or is gone.
  rig.files().set_content(changed);
  try {
    rig.open();
    EXPECT_TRUE(rig.is_prefix(150));
  } catch (const DurabilityError& error) {
    SUCCEED() << error.what();
  }
}

TEST(LogDamage, KeepsTheTornEndAsEvidenceAndGoesOnBehindIt) {
  LogRig rig;
  rig.options().segment_bytes = 1U << 20U;
  rig.open();
  ASSERT_TRUE(rig.run(20));
  rig.files().die_at(1);
  static_cast<void>(rig.run(21));
  rig.close();
  rig.files().restart();
  rig.open();
  EXPECT_GT(rig.report().torn_bytes, 0U);
  EXPECT_TRUE(rig.is_prefix());
  std::size_t evidence = 0;
  for (const auto& [name, bytes] : rig.files().content()) {
    if (name.find(".torn-") == std::string::npos) continue;
    ++evidence;
    EXPECT_EQ(bytes.size(), rig.report().torn_bytes);
  }
  EXPECT_EQ(evidence, 1U);
  // Traps J1 and J2: what is appended behind a torn end is found again.
  ASSERT_TRUE(rig.run(40));
  rig.close();
  rig.open();
  EXPECT_EQ(rig.report().torn_bytes, 0U);
  EXPECT_TRUE(rig.is_prefix());
  EXPECT_EQ(rig.replica().newest(), 40U);
}

}  // namespace
}  // namespace tarmac
