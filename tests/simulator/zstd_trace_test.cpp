#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/trace_reader.h>
#include <tarmac/testing/scratch_folder.h>

#include <string>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ZstdTraceTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<std::uint64_t> keys_of(std::string_view content) const {
    std::vector<std::uint64_t> keys;
    for (const Request& request : read_all(folder_.write("trace", content))) {
      keys.push_back(request.key);
    }
    return keys;
  }

  testing::ScratchFolder folder_;
};

TEST_F(ZstdTraceTest, IsKnownByItsFirstBytesWhateverItsName) {
  const std::string plain = "key\n5\n6\n";
  EXPECT_EQ(read_all(folder_.write("packed.csv", compressed(plain))).size(), 2U);
  EXPECT_EQ(read_all(folder_.write("plain.zst", plain)).size(), 2U);
}

TEST_F(ZstdTraceTest, MayBeMadeOfSeveralFramesCutAnywhereInTheText) {
  EXPECT_EQ(keys_of(compressed("key\n1\n2") + compressed("3\n4\n")),
            (std::vector<std::uint64_t>{1, 23, 4}));
}

TEST_F(ZstdTraceTest, MayHoldEmptyAndSkippableFrames) {
  const std::string skippable("\x5A\x2A\x4D\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(keys_of(skippable + compressed("key\n1\n") + compressed("") + skippable),
            (std::vector<std::uint64_t>{1}));
}

// Goal: nothing is lost when the compressed bytes are used up while the last block of text does not
// fit the buffer whole. Method: text of 2 MiB, which ends in the reader's second buffer but for the
// bytes carried over, in a frame with nothing behind its last block.
TEST_F(ZstdTraceTest, IsReadToItsEndWhenTheInputIsUsedUpBeforeTheOutput) {
  constexpr std::size_t kBytes = std::size_t{2} << 20U;
  std::string plain = "key\n";
  while (plain.size() < kBytes) plain += "7\n";
  const std::string content = compressed(plain, {.checksum = false, .window_log = 0});
  EXPECT_EQ(read_all(folder_.write("trace.zst", content)).size(), (kBytes - 4) / 2);
}

TEST_F(ZstdTraceTest, OfNothingIsAnEmptyFile) {
  EXPECT_THAT(error_of(folder_.write("trace.zst", compressed(""))), HasSubstr("the file is empty"));
}

// Goal: a compressed trace that lost its end is never taken for a whole one. Method: cut a small
// one at every byte; each must be refused, after requests that are a prefix of the true ones.
TEST_F(ZstdTraceTest, CutAtAnyByteIsRefused) {
  std::string plain = "key,size\n";
  for (int i = 0; i < 400; ++i) {
    plain += std::to_string((i * 7919) % 1000) + "," + std::to_string(100 + i) + "\n";
  }
  const std::string whole = compressed(plain);
  const auto truth = read_all(folder_.write("whole", whole));
  ASSERT_EQ(truth.size(), 400U);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto file = folder_.write("cut", std::string_view(whole).substr(0, length));
    std::size_t delivered = 0;
    std::string error;
    try {
      TraceReader reader(file);
      Request request;
      while (reader.next(request)) {
        ASSERT_LT(delivered, truth.size());
        ASSERT_EQ(request.key, truth[delivered].key) << "cut at " << length;
        ASSERT_EQ(request.size, truth[delivered].size) << "cut at " << length;
        ++delivered;
      }
    } catch (const ConfigError& failure) {
      error = failure.what();
    }
    EXPECT_THAT(error, AnyOf(HasSubstr("the file was cut short"), HasSubstr("the file is empty")))
        << "cut at " << length << " of " << whole.size();
    EXPECT_THAT(error, StartsWith(file.string() + ":")) << "cut at " << length;
  }
}

// Goal: what came before the cut is still delivered, and the error then names the line after it.
TEST_F(ZstdTraceTest, DeliversWhatStandsBeforeTheCut) {
  std::string plain = "key\n";
  for (int i = 0; i < 300'000; ++i) plain += std::to_string(i) + "\n";
  std::string content = compressed(plain);
  content.resize(content.size() / 2);
  const auto file = folder_.write("cut.zst", content);
  TraceReader reader(file);
  Request request;
  std::uint64_t delivered = 0;
  std::string error;
  try {
    while (reader.next(request)) ASSERT_EQ(request.key, delivered++);
  } catch (const ConfigError& failure) {
    error = failure.what();
  }
  EXPECT_GT(delivered, 50'000U);
  EXPECT_LT(delivered, 300'000U);
  EXPECT_EQ(reader.requests(), delivered);
  EXPECT_THAT(error, StartsWith(file.string() + ":" + std::to_string(delivered + 2) + ": "));
  EXPECT_THROW(static_cast<void>(reader.next(request)), ConfigError);
}

TEST_F(ZstdTraceTest, WithAFlippedBitInItsDataIsRefused) {
  std::string plain = "key\n";
  for (int i = 0; i < 2'000; ++i) plain += std::to_string(i * 7919) + "\n";
  std::string content = compressed(plain);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 0x10);
  EXPECT_THAT(error_of(folder_.write("bent.zst", content)), HasSubstr("; "));
}

TEST_F(ZstdTraceTest, FollowedByBytesThatAreNoFrameIsRefused) {
  EXPECT_THAT(error_of(folder_.write("trace.zst", compressed("key\n1\n") + "and more")),
              HasSubstr("the compressed data are damaged"));
}

TEST_F(ZstdTraceTest, ThatWantsTooMuchMemoryIsRefused) {
  const std::string content = compressed("key\n1\n", {.checksum = true, .window_log = 28});
  EXPECT_THAT(error_of(folder_.write("trace.zst", content)),
              HasSubstr("the compression window is larger than 128 MiB"));
}

}  // namespace
}  // namespace tarmac::simulator_tests
