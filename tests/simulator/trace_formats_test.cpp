#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/core/hash.h>
#include <tarmac/simulator/trace_formats.h>
#include <tarmac/simulator/trace_reader.h>
#include <tarmac/testing/scratch_folder.h>
#include <zlib.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "reference_traces.h"
#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A request without what a format may leave out.
struct Line {
  std::uint64_t time;
  std::uint64_t key;
  std::uint64_t size = 1;
  bool is_write = false;

  bool operator==(const Line&) const = default;
};
void PrintTo(const Line& line, std::ostream* out) {
  *out << "{" << line.time << "," << line.key << "," << line.size << ","
       << (line.is_write ? "w" : "r") << "}";
}

std::vector<Line> lines_of(const std::filesystem::path& file, const TraceOptions& options = {}) {
  std::vector<Line> lines;
  for (const Request& request : read_all(file, options)) {
    lines.push_back({request.time, request.key, request.size, request.is_write});
  }
  return lines;
}

std::filesystem::path sample(const std::string& name) {
  return std::filesystem::path(TARMAC_SOURCE_DIR) / "tests" / "simulator" / "data" / "formats" /
         name;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string gzipped(std::string plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct Sample {
  const char* file;
  const char* format;
  std::vector<Line> lines;
  /// The name says nothing, and neither does the content.
  bool by_name_only = false;
};
void PrintTo(const Sample& one, std::ostream* out) { *out << one.file; }

std::uint64_t text_key(std::string_view text) { return hash_bytes(text, 0); }

std::vector<Sample> samples() {
  constexpr std::uint64_t kLarge = (std::uint64_t{1} << 63U) + 5;
  return {
      {"requests.csv", "csv", {{1, 5, 100, false}, {2, 6, 200, true}}},
      {"runs.lis", "arc", {{0, 100}, {1, 101}, {2, 102}, {3, 101}, {4, 7}, {5, 8}}},
      {"phases.trc", "keys", {{0, 5}, {1, 6}, {2, 5}, {3, 7}}},
      {"pages.keys",
       "keys",
       {{0, text_key("/index.html")}, {1, text_key("/a?b=1")}, {2, text_key("/index.html")}}},
      {"objects.tr", "time_id_size", {{10, 1, 500}, {10, 2, 70}, {12, 1, 600}}},
      {"blocks.csv",
       "cloud_physics",
       {{100, 9000, 512, true}, {100, 9001, 4096}, {103, 9000, 512}}},
      {"references.txt", "address", {{0, 0x1fffff50, 1, true}, {1, 0x1fffff58}, {2, 0x1fffff50}}},
      {"prefixes.jsonl", "json_lines", {{0, 4}, {0, 5}, {0, 6}, {3, 4}, {3, 9}}},
      {"objects.oracleGeneral", "oracle_general", {{7, 11, 300}, {7, 12, 40}, {9, 11, 300}}, true},
      {"keys.int32be", "int32be", {{0, 1}, {1, 4'000'000'000}, {2, 1}}, true},
      {"keys.int32le", "int32le", {{0, 1}, {1, 4'000'000'000}, {2, 1}}, true},
      {"keys.int64be", "int64be", {{0, 1}, {1, kLarge}, {2, 1}}, true},
      {"keys.int64le", "int64le", {{0, 1}, {1, kLarge}, {2, 1}}, true},
  };
}

class FormatTest : public ::testing::TestWithParam<Sample> {
 protected:
  testing::ScratchFolder folder_;
};

TEST_P(FormatTest, IsRecognisedAndRead) {
  const auto file = sample(GetParam().file);
  EXPECT_EQ(TraceReader(file).format(), GetParam().format);
  EXPECT_EQ(lines_of(file), GetParam().lines);
}

TEST_P(FormatTest, IsRecognisedAndReadWhenItIsPacked) {
  const std::string plain = bytes_of(sample(GetParam().file));
  const std::string name = GetParam().file;
  EXPECT_EQ(lines_of(folder_.write(name + ".gz", gzipped(plain))), GetParam().lines);
  EXPECT_EQ(lines_of(folder_.write(name + ".zst", compressed(plain))), GetParam().lines);
}

TEST_P(FormatTest, IsReadUnderAnyNameWhenItIsNamed) {
  const auto file = folder_.write("trace", bytes_of(sample(GetParam().file)));
  EXPECT_EQ(lines_of(file, {.format = GetParam().format}), GetParam().lines);
  if (GetParam().by_name_only) {
    EXPECT_THAT(error_of(file), HasSubstr("say which with --format"));
  } else {
    EXPECT_EQ(lines_of(file), GetParam().lines) << "its first line shows what it is";
  }
}

// Goal: nothing that a cut or damaged trace holds is taken for something else, and no bytes bring
// the reader down. Method: cut the sample at every byte; what is read is the front of the whole.
TEST_P(FormatTest, CutAtAnyByteGivesTheFrontOfTheWhole) {
  const std::string whole = bytes_of(sample(GetParam().file));
  const auto truth = lines_of(sample(GetParam().file));
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const auto file = folder_.write("cut", whole.substr(0, length));
    std::vector<Line> lines;
    try {
      TraceReader reader(file, {.format = GetParam().format, .strict = false});
      Request request;
      while (reader.next(request)) {
        lines.push_back({request.time, request.key, request.size, request.is_write});
      }
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), StartsWith(file.string() + ":1: ")) << "a cut header";
    }
    ASSERT_LE(lines.size(), truth.size());
    // A number that was cut is another number; all before the last line must be right.
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      if (i + 1 < lines.size() && lines[i + 1].time == lines[i].time) continue;
      EXPECT_EQ(lines[i], truth[i]) << "cut at " << length;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FormatTest, ::testing::ValuesIn(samples()), [](const auto& row) {
  std::string name = row.param.file;
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return name;
});

TEST(TraceFormats, HaveASampleEach) {
  std::set<std::string_view> sampled;
  for (const Sample& one : samples()) sampled.insert(one.format);
  for (const auto& [name, summary] : trace_formats()) {
    EXPECT_TRUE(sampled.contains(name)) << name;
    EXPECT_FALSE(summary.empty());
  }
}

struct BadLine {
  const char* format;
  std::string content;
  std::uint64_t line;
  const char* says;
};
void PrintTo(const BadLine& one, std::ostream* out) { *out << one.format << ": " << one.says; }

class BadLineTest : public ::testing::TestWithParam<BadLine> {
 protected:
  testing::ScratchFolder folder_;
};

TEST_P(BadLineTest, StopsAStrictReaderWithItsPlaceAndAMend) {
  const auto file = folder_.write("trace", GetParam().content);
  const std::string error = error_of(file, {.format = GetParam().format});
  EXPECT_THAT(error, StartsWith(file.string() + ":" + std::to_string(GetParam().line) + ": "));
  EXPECT_THAT(error, HasSubstr(GetParam().says));
  EXPECT_THAT(error, HasSubstr("; "));
}

TEST_P(BadLineTest, IsLeftOutAndCountedOtherwise) {
  const auto file = folder_.write("trace", GetParam().content);
  TraceReader reader(file, {.format = GetParam().format, .strict = false});
  Request request;
  while (reader.next(request)) {
  }
  EXPECT_EQ(reader.problems().count, 1U);
  ASSERT_THAT(reader.problems().first, SizeIs(1));
  EXPECT_EQ(reader.problems().first[0], error_of(file, {.format = GetParam().format}));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLineTest,
    ::testing::Values(
        BadLine{"csv", "key\n1\nx\n2\n", 3, "key is \"x\""},
        BadLine{"arc", "1 2 0 1\n1 0 0 2\n", 2, "count is 0"},
        BadLine{"arc", "1 2 0\n", 1, "there is no request number"},
        BadLine{"arc", "1 2 0 1 5\n", 1, "there is more"},
        BadLine{"arc", "1 99999999999 0 1\n", 1, "more blocks than a request asks for"},
        BadLine{"arc", "18446744073709551615 2 0 1\n", 1, "more blocks"},
        BadLine{"keys", "1\n2\nthree\n", 3, "key is \"three\""},
        BadLine{"keys", "1\n2 3\n", 2, "there is more than one key"},
        BadLine{"time_id_size", "1 1 5\n2 1 0\n", 2, "size is 0"},
        BadLine{"time_id_size", "1 1\n", 1, "there is no size"},
        BadLine{"time_id_size", "5 1 5\n4 1 5\n5 1 5\n", 2, "time 4 is before the 5"},
        BadLine{"cloud_physics", "version,time,op,size,lbn\n1,2,99,512,7\n", 2, "op is \"99\""},
        BadLine{"cloud_physics", "version,time,op,size,lbn\n1,2,28,512\n", 2, "there is no lbn"},
        BadLine{"address", "s 0x10 1\nx 0x10 1\n", 2, "the operation is \"x\""},
        BadLine{"address", "s 10 1\n", 1, "the address is \"10\""},
        BadLine{"address", "s 0x11111111111111111 1\n", 1, "16 hexadecimal digits"},
        BadLine{"json_lines", "{\"timestamp\": 1, \"hash_ids\": [1]}\n{\"timestamp\": 1\n", 2,
                "no JSON object"},
        BadLine{"json_lines", "[1, 2]\n", 1, "no JSON object"},
        BadLine{"json_lines", "{\"hash_ids\": [1]}\n", 1, "\"timestamp\""},
        BadLine{"json_lines", "{\"timestamp\": 1, \"hash_ids\": [1, -2]}\n", 1, "hash_ids"},
        BadLine{"json_lines", "{\"timestamp\": 1, \"hash_ids\": 3}\n", 1, "hash_ids"},
        BadLine{"int32be", std::string("\0\0\0\1\0\0", 6), 2, "ends after 2 of the record's 4"},
        BadLine{"oracle_general", std::string(24, '\0'), 1, "size is 0"},
        BadLine{"keys", "1\n" + std::string(std::size_t{3} << 20U, '5') + "\n2\n", 2,
                "longer than 1048576"}));

TEST(TraceFormats, GoOnBehindWhatTheyLeaveOut) {
  const testing::ScratchFolder folder;
  std::string text = "key\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + "\nbad\n";
  TraceReader reader(folder.write("trace.csv", text), {.format = "", .strict = false});
  Request request;
  std::uint64_t key = 0;
  while (reader.next(request)) EXPECT_EQ(request.key, key++);
  EXPECT_EQ(key, 100U);
  EXPECT_EQ(reader.problems().count, 100U);
  EXPECT_THAT(reader.problems().first, SizeIs(TraceProblems::kDescribedMax));
  EXPECT_THAT(reader.problems().first[1], HasSubstr("trace.csv:5: "));
}

TEST(TraceFormats, RefuseANameThatIsNoneOfThem) {
  EXPECT_THAT(error_of(sample("runs.lis"), {.format = "ark"}),
              HasSubstr("there is no trace format \"ark\"; did you mean \"arc\"?"));
}

class GzipTraceTest : public ::testing::Test {
 protected:
  testing::ScratchFolder folder_;
};

TEST_F(GzipTraceTest, MayBeMadeOfSeveralMembers) {
  const auto file = folder_.write("trace.csv.gz", gzipped("key\n1\n2") + gzipped("3\n4\n"));
  EXPECT_THAT(lines_of(file), ElementsAre(Line{0, 1}, Line{1, 23}, Line{2, 4}));
}

TEST_F(GzipTraceTest, CutAtAnyByteIsRefused) {
  std::string plain = "key\n";
  for (int i = 0; i < 300; ++i) plain += std::to_string(i * 7919 % 1000) + "\n";
  const std::string whole = gzipped(plain);
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const std::string error = error_of(folder_.write("cut.csv", whole.substr(0, length)));
    EXPECT_THAT(error, HasSubstr("the file was cut short")) << length << " of " << whole.size();
  }
}

TEST_F(GzipTraceTest, WithAFlippedBitIsRefused) {
  std::string plain = "key\n";
  for (int i = 0; i < 2'000; ++i) plain += std::to_string(i * 7919) + "\n";
  std::string content = gzipped(plain);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 0x10);
  EXPECT_THAT(error_of(folder_.write("bent.gz", content)), HasSubstr("; "));
}

TEST_F(GzipTraceTest, IsReadAcrossTheEdgesOfItsBuffers) {
  std::string plain = "key\n";
  std::uint64_t written = 0;
  for (; plain.size() < std::size_t{5} << 20U; ++written) plain += std::to_string(written) + "\n";
  std::uint64_t key = 0;
  for (const Request& request : read_all(folder_.write("trace.gz", gzipped(plain)))) {
    ASSERT_EQ(request.key, key++);
  }
  EXPECT_EQ(key, written);
}

struct Original {
  const char* file;
  const char* converted;
};
void PrintTo(const Original& one, std::ostream* out) { *out << one.file; }

// Goal: a published trace is read as those read it who converted it. Method: each original beside
// the CSV of the same trace, request by request; sizes are the first of their key there.
class OriginalTest : public ::testing::TestWithParam<Original> {};

TEST_P(OriginalTest, HoldsTheRequestsOfItsConversion) {
  const auto folder = reference_folder();
  if (!folder) GTEST_SKIP() << kNoReferenceTraces;
  TraceReader original(*folder / "originals" / GetParam().file);
  TraceReader converted(*folder / (std::string(GetParam().converted) + ".csv.zst"));
  std::map<std::uint64_t, std::uint64_t> first_sizes;
  Request mine;
  Request theirs;
  while (original.next(mine)) {
    ASSERT_TRUE(converted.next(theirs)) << "more than " << converted.requests();
    ASSERT_EQ(mine.key, theirs.key) << "request " << converted.requests();
    ASSERT_EQ(mine.time, theirs.time) << "request " << converted.requests();
    const auto size = first_sizes.try_emplace(mine.key, mine.size).first->second;
    ASSERT_EQ(size, theirs.size) << "request " << converted.requests();
  }
  EXPECT_FALSE(converted.next(theirs));
  EXPECT_GT(original.requests(), 50'000U);
}

INSTANTIATE_TEST_SUITE_P(
    All, OriginalTest,
    ::testing::Values(Original{"adaptsize_request.trace.zst", "adaptsize_request"},
                      Original{"addr_gcc.trace.zst", "addr_gcc"},
                      Original{"arc_oltp.OLTP.lis.zst", "arc_oltp"},
                      Original{"cloudphysics_io.csv.zst", "cloudphysics_io"},
                      Original{"cloudphysics_io.oracleGeneral.bin.zst", "cloudphysics_io"},
                      Original{"lirs_2_pools.trace.gz", "lirs_2_pools"},
                      Original{"lirs_loop.trace.gz", "lirs_loop"},
                      Original{"mooncake_conversation.jsonl.zst", "mooncake_conversation"},
                      Original{"web07.int32be.zst", "web07"}));

}  // namespace
}  // namespace tarmac::simulator_tests
