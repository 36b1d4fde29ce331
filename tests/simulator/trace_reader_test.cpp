#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/trace_reader.h>
#include <tarmac/testing/scratch_folder.h>

#include <algorithm>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <utility>

#include "trace_files.h"

namespace tarmac {

static bool operator==(const Request& a, const Request& b) {
  return a.time == b.time && a.key == b.key && a.size == b.size && a.is_write == b.is_write &&
         a.ttl == b.ttl;
}

static void PrintTo(const Request& r, std::ostream* out) {
  *out << "{" << r.time << "," << r.key << "," << r.size << "," << (r.is_write ? "w" : "r") << ","
       << r.ttl.count() << "}";
}

}  // namespace tarmac

namespace tarmac::simulator_tests {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class TraceReaderTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<Request> read(std::string_view content) const {
    return read_all(folder_.write("trace.csv", content));
  }

  testing::ScratchFolder folder_;
};

TEST_F(TraceReaderTest, ReadsEveryColumn) {
  EXPECT_THAT(
      read("time,key,size,op,ttl\n5,70,800,r,0\n5,71,1,w,60\n9,70,800,w,3600\n"),
      ElementsAre(Request{5, 70, 800, false, seconds(0)}, Request{5, 71, 1, true, seconds(60)},
                  Request{9, 70, 800, true, seconds(3600)}));
}

TEST_F(TraceReaderTest, FillsInWhatTheTraceDoesNotTell) {
  EXPECT_THAT(read("key\n7\n8\n7\n"),
              ElementsAre(Request{0, 7, 1, false, seconds(0)}, Request{1, 8, 1, false, seconds(0)},
                          Request{2, 7, 1, false, seconds(0)}));
}

TEST_F(TraceReaderTest, TakesEverySubsetOfTheColumnsInTheirOrder) {
  EXPECT_THAT(read("time,key\n3,1\n"), ElementsAre(Request{3, 1, 1, false, seconds(0)}));
  EXPECT_THAT(read("key,size\n1,50\n"), ElementsAre(Request{0, 1, 50, false, seconds(0)}));
  EXPECT_THAT(read("key,op\n1,w\n"), ElementsAre(Request{0, 1, 1, true, seconds(0)}));
  EXPECT_THAT(read("key,ttl\n1,9\n"), ElementsAre(Request{0, 1, 1, false, seconds(9)}));
  EXPECT_THAT(read("time,key,op\n3,1,r\n"), ElementsAre(Request{3, 1, 1, false, seconds(0)}));
}

TEST_F(TraceReaderTest, TakesTheLargestAndTheSmallestNumbers) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THAT(read("time,key,size,op,ttl\n"
                   "0,0,1,r,0\n"
                   "18446744073709551615,18446744073709551615,18446744073709551615,w,9223372036\n"),
              ElementsAre(Request{0, 0, 1, false, seconds(0)},
                          Request{kMost, kMost, kMost, true, seconds(9'223'372'036)}));
}

TEST_F(TraceReaderTest, ReadsATraceWithoutRequests) {
  EXPECT_THAT(read("time,key,size\n"), IsEmpty());
}

TEST_F(TraceReaderTest, AnswersNothingMoreAfterTheEnd) {
  TraceReader reader(folder_.write("trace.csv", "key\n1\n"));
  Request request;
  EXPECT_TRUE(reader.next(request));
  EXPECT_FALSE(reader.next(request));
  EXPECT_FALSE(reader.next(request));
  EXPECT_EQ(request.key, 1U);
  EXPECT_EQ(reader.requests(), 1U);
}

TEST_F(TraceReaderTest, ReadsOnAfterAMove) {
  TraceReader first(folder_.write("trace.csv", "key\n1\n2\n"));
  Request request;
  ASSERT_TRUE(first.next(request));
  TraceReader second(std::move(first));
  ASSERT_TRUE(second.next(request));
  EXPECT_EQ(request.key, 2U);
  EXPECT_FALSE(second.next(request));
}

// Goal: no request is lost, doubled or bent where a block of the file ends. Method: several blocks
// of numbers of random length, plain and compressed, against the numbers they were written from.
TEST_F(TraceReaderTest, ReadsAcrossTheEdgesOfItsBuffer) {
  std::mt19937_64 random(1);
  std::string text = "key,size\n";
  std::vector<Request> written;
  while (text.size() < std::size_t{5} << 20U) {
    Request request;
    request.time = written.size();
    request.key = random() >> (random() % 64);
    request.size = (random() >> (random() % 63)) | 1U;
    text += std::to_string(request.key) + "," + std::to_string(request.size) + "\n";
    written.push_back(request);
  }
  const auto plain = read_all(folder_.write("plain", text));
  ASSERT_EQ(plain.size(), written.size());
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), written.begin()));
  const auto packed = read_all(folder_.write("packed", compressed(text)));
  ASSERT_EQ(packed.size(), written.size());
  EXPECT_TRUE(std::equal(packed.begin(), packed.end(), written.begin()));
}

TEST_F(TraceReaderTest, ReportsItsProgressInBytesOfTheFile) {
  std::string text = "key\n";
  for (int i = 0; i < 500'000; ++i) text += "123456\n";
  TraceReader reader(folder_.write("trace.csv", text));
  EXPECT_EQ(reader.progress().bytes_total, text.size());
  EXPECT_LT(reader.progress().fraction(), 0.5);
  double previous = 0;
  Request request;
  while (reader.next(request)) {
    ASSERT_GE(reader.progress().fraction(), previous);
    previous = reader.progress().fraction();
  }
  EXPECT_EQ(reader.progress().bytes_read, text.size());
  EXPECT_EQ(reader.progress().fraction(), 1.0);
}

TEST_F(TraceReaderTest, StaysAtADamagedLineWithWhatItHasReadBefore) {
  TraceReader reader(folder_.write("trace.csv", "time,key,size\n5,1,10\n4,2,20\n6,3,30\n"));
  Request request;
  ASSERT_TRUE(reader.next(request));
  const auto error = [&] {
    try {
      return reader.next(request) ? std::string("a request") : std::string("the end");
    } catch (const ConfigError& failure) {
      return std::string(failure.what());
    }
  };
  const std::string first = error();
  EXPECT_THAT(first, HasSubstr("trace.csv:3: time 4 is before the 5"));
  EXPECT_EQ(error(), first);
  EXPECT_EQ(request.key, 1U);
  EXPECT_EQ(reader.requests(), 1U);
}

TEST_F(TraceReaderTest, NamesAFileThatIsNotThereAndAFolder) {
  EXPECT_THAT(error_of(folder_.path() / "absent.csv"),
              HasSubstr("absent.csv: cannot be opened: No such file or directory; check the path"));
  EXPECT_THAT(error_of(folder_.path()), HasSubstr("cannot be read: Is a directory"));
}

struct BadTrace {
  const char* name;
  std::string content;
  int line;
  const char* says;
};
// The name alone, so that the test is called the same in every run.
void PrintTo(const BadTrace& trace, std::ostream* out) { *out << trace.name; }

class BadTraceTest : public TraceReaderTest, public ::testing::WithParamInterface<BadTrace> {};

TEST_P(BadTraceTest, IsRefusedWithItsLineAndAMend) {
  const auto file = folder_.write("bad.csv", GetParam().content);
  const std::string error = error_of(file, {.format = "csv"});
  EXPECT_THAT(error, StartsWith(file.string() + ":" + std::to_string(GetParam().line) + ": "));
  EXPECT_THAT(error, HasSubstr(GetParam().says));
  EXPECT_THAT(error, HasSubstr("; ")) << "what is wrong; what to do";
  // The same content must be refused in the same words when it comes out of a compressed file.
  const auto packed = folder_.write("bad.zst", compressed(GetParam().content));
  const std::string packed_error = error_of(packed, {.format = "csv"});
  EXPECT_EQ(packed_error.substr(packed.string().size()), error.substr(file.string().size()));
}

const std::string kDigits21 = "111111111111111111111";

INSTANTIATE_TEST_SUITE_P(
    Header, BadTraceTest,
    ::testing::Values(
        BadTrace{"Empty", "", 1, "the file is empty"},
        BadTrace{"NoHeader", "17\n18\n", 1, "there is no header"},
        BadTrace{"BlankFirstLine", "\nkey\n1\n", 1, "unknown column \"\""},
        BadTrace{"Unknown", "time,key,bytes\n", 1, "unknown column \"bytes\""},
        BadTrace{"Misspelt", "tme,key\n", 1, "did you mean \"time\"?"},
        BadTrace{"UpperCase", "Key\n", 1, "unknown column \"Key\""},
        BadTrace{"Blank", "time, key\n", 1, "unknown column \" key\""},
        BadTrace{"Quoted", "\"key\"\n", 1, "unknown column"},
        BadTrace{"WrongOrder", "key,time\n1,2\n", 1, "column \"time\" is out of order"},
        BadTrace{"OpBeforeSize", "key,op,size\n", 1, "column \"size\" is out of order"},
        BadTrace{"Twice", "key,key\n", 1, "column \"key\" comes twice"},
        BadTrace{"WithoutKey", "time,size\n", 1, "there is no column \"key\""},
        BadTrace{"CommaAtTheEnd", "key,\n", 1, "unknown column \"\""},
        BadTrace{"CarriageReturn", "key\r\n1\r\n", 1, "unknown column \"key?\""},
        BadTrace{"ByteOrderMark", "\xEF\xBB\xBFkey\n1\n", 1, "unknown column \"???key\""},
        BadTrace{"Cut", "time,ke", 1, "does not end"},
        BadTrace{"Binary",
                 std::string("\x7F"
                             "ELF\0\0\0\n",
                             8),
                 1, "unknown column \"?ELF???\""}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Number, BadTraceTest,
    ::testing::Values(
        BadTrace{"Word", "key\n1\nabc\n", 3, "key is \"abc\"; write a whole number"},
        BadTrace{"Negative", "key\n-1\n", 2, "key is \"-1\""},
        BadTrace{"Plus", "key\n+1\n", 2, "key is \"+1\""},
        BadTrace{"Fraction", "time,key\n1.5,2\n", 2, "time is \"1.5\""},
        BadTrace{"Exponent", "key,size\n1,1e3\n", 2, "size is \"1e3\""},
        BadTrace{"Hexadecimal", "key\n0x10\n", 2, "key is \"0x10\""},
        BadTrace{"BlankBefore", "key\n 1\n", 2, "key is \" 1\""},
        BadTrace{"BlankBehind", "key,size\n1 ,2\n", 2, "key is \"1 \""},
        BadTrace{"InQuotes", "key\n\"1\"\n", 2, "key is \"\"1\"\""},
        BadTrace{"Semicolon", "key,size\n1;2\n", 2, "key is \"1;2\""},
        BadTrace{"NulByte", std::string("key\n1\0\n", 7), 2, "key is \"1?\""},
        BadTrace{"CarriageReturnInLine", "key\n1\r\n", 2, "CR LF"},
        BadTrace{"JustTooLarge", "key\n18446744073709551616\n", 2, "is too large"},
        BadTrace{"FarTooLarge", "key\n" + std::string(60, '9') + "\n", 2, "is too large"},
        BadTrace{"ZerosWithoutEnd", "key\n" + std::string(21, '0') + "\n", 2, "is too large"},
        BadTrace{"TwentyOneDigits", "key,size\n1," + kDigits21 + "\n", 2, "size \"1111"},
        BadTrace{"LineWithoutEnd", "key\n" + std::string(std::size_t{3} << 20U, 'x'), 2, "; "},
        BadTrace{"DigitsWithoutEnd", "key\n" + std::string(std::size_t{3} << 20U, '1'), 2, "; "},
        BadTrace{"SizeZero", "key,size\n1,5\n2,0\n", 3, "size is 0"},
        BadTrace{"TtlTooLarge", "key,ttl\n1,9223372037\n", 2, "ttl 9223372037 is over"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Line, BadTraceTest,
    ::testing::Values(
        BadTrace{"FieldMissing", "time,key,size\n1,2\n", 2, "the line ends after key"},
        BadTrace{"LastFieldEmpty", "key,size\n1,\n", 2, "there is no size"},
        BadTrace{"FirstFieldEmpty", "time,key\n,1\n", 2, "there is no time"},
        BadTrace{"BlankLine", "key\n1\n\n2\n", 3, "there is no key"},
        BadTrace{"BlankLineAtTheEnd", "key\n1\n\n", 3, "there is no key"},
        BadTrace{"FieldTooMuch", "key\n1,2\n", 2, "there is more behind key"},
        BadTrace{"CommaAtTheEnd", "key,size\n1,2,\n", 2, "there is more behind size"},
        BadTrace{"UnknownOperation", "key,op\n1,r\n2,x\n", 3, "op is \"x\"; write r or w"},
        BadTrace{"UpperCaseOperation", "key,op\n1,R\n", 2, "op is \"R\""},
        BadTrace{"LongOperation", "key,op\n1,read\n", 2, "op is \"read\""},
        BadTrace{"LongOperationInside", "key,op,ttl\n1,rw,5\n", 2, "op is \"rw\""},
        BadTrace{"NoOperation", "key,op,ttl\n1,,5\n", 2, "there is no op"},
        BadTrace{"OperationIsTheLast", "key,op,ttl\n1,r\n", 2, "the line ends after op"},
        BadTrace{"TimeGoesBack", "time,key\n5,1\n6,1\n5,1\n", 4, "time 5 is before the 6"},
        BadTrace{"CutInANumber", "key\n12\n3", 3, "the last line does not end"},
        BadTrace{"CutBehindAComma", "key,size\n1,", 2, "the last line does not end"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace tarmac::simulator_tests
