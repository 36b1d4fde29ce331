#include <gmock/gmock.h>

#include "write_rig.h"

namespace tarmac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using WriteInput = WriteTest;

constexpr const char* kMemory = R"({"type":"memory"})";

struct Wrong {
  std::string input;
  std::string words;
};

TEST_F(WriteInput, RefusesWhatIsNoInputWithItsPlace) {
  const auto deep = std::string(70, '[') + std::string(70, ']');
  const std::vector<Wrong> inputs{
      {"", ":1:1: this is no JSON"},
      {"[]", ":1:1: an input is an object"},
      {"7", "an input is an object"},
      {"{", ":1:1: this is no JSON"},
      {"{\"backends\":[{\"type\":\"memory\"}],\n \"records\":[{]}", ":2:14: this is no JSON"},
      {R"({"backends":{},"records":[]})", ":1:13: backends has to be a list"},
      {R"({"backends":[],"records":[]})", ":1:13: the list of backends is empty"},
      {R"({"records":[]})", "the input has no backends"},
      {input_of(kMemory, "") + "{}", "this is no JSON"},
      {"{\"backends\":[{\"type\":\"memory\"}]}", "the input has no records"},
      {R"({"recods":[]})", "(is it records?)"},
      {R"({"records":[],"records":[]})", ":1:23: \"records\" stands here twice"},
      {input_of(R"({"type":"memry"})", ""), "backend 1: unknown backing store \"memry\"; did you"},
      {input_of(R"({"path":"x"})", ""), "backend 1: it has no type"},
      {input_of("7", ""), "backend 1: it is no object"},
      {input_of(R"({"type":"memory","path":[]})", ""), "path has to be a string"},
      {input_of(R"({"type":"memory"},{"type":"memory"})", ""), "called \"memory\"; give this one"},
      {input_of(R"({"type":"sqlite"})", ""), "has no path"},
      {input_of(kMemory, deep), "more than 64 lists and objects"},
      {input_of(kMemory, R"({"key":"a","value":1e999})"), "this is no JSON"},
      {input_of(kMemory, "{\"key\":\"\xff\",\"value\":1}"), "this is no JSON"},
  };
  for (const auto& [input, words] : inputs) {
    const auto done = write(input);
    EXPECT_EQ(done.status, 2) << input;
    EXPECT_THAT(done.err, HasSubstr("input.json")) << input;
    EXPECT_THAT(done.err, HasSubstr(words)) << input;
    EXPECT_THAT(done.out, IsEmpty());
  }
}

TEST_F(WriteInput, RefusesRecordsWithTheirPlacesAndWritesNothing) {
  const auto done = write(input_of(file_backend(), R"(
  {"key":"a","value":1},
  {"value":1}, {"key":7,"value":1},
  {"key":"a","value":2}, {"key":"","value":1}, 7, [],
  {"key":"b"}, {"key":"c","vlaue":1},
  {"key":"d","value":{"x":1,"x":2}}, {"key":"e","value":1,"ttl":"30"}, {"key":"f","value":1,"ttl":5})"));
  EXPECT_EQ(done.status, 2);
  for (const auto* words :
       {":4:3: record 2 has no key", ":4:16: record 3 has a key that is no string",
        ":5:3: record 4 has the key of an earlier record, \"a\"",
        ":5:26: record 5 has an empty key", ":5:49: record 6 has to be an object",
        ":5:51: record 7 is a list", ":6:3: record 8 has no value",
        "record 9 has a field \"vlaue\", which means nothing; did",
        ":7:3: record 10 has \"x\" twice", "record 11 has a ttl that is none: \"30\" is not",
        "… and 1 more like these", "nothing was written"}) {
    EXPECT_THAT(done.err, HasSubstr(words));
  }
  EXPECT_FALSE(std::filesystem::exists(in_folder("values.json")));
  EXPECT_FALSE(std::filesystem::exists(summary_path()));
}

TEST_F(WriteInput, TellsTheTypeOfATimeToLive) {
  const auto done = write(input_of(kMemory, R"({"key":"f","value":1,"ttl":5})"));
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, HasSubstr("record 1 has a ttl that is no string"));
}

TEST_F(WriteInput, GeneratesKeysOfTheContent) {
  const std::string records = R"({"value":1},{"value":2},{"key":7,"value":1}, {"key":8,"value":1},
      {"key":"a","value":1},{"key":"a","value":2}, { "value" : 1 })";
  const auto done = write(input_of(file_backend(), records), {"--generate-keys", "--verify"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(summary().at("records"), 6);
  EXPECT_EQ(summary().at("generated_keys"), 5);
  EXPECT_EQ(summary().at("repeated"), 1) << "the same content, but for white space";
  EXPECT_EQ(backend("file").at("size"), 6);
  EXPECT_EQ(backend("file").at("hits"), 6);
  const auto rows = bytes_of_file(in_folder("values.json"));
  // For ever the same: what was written with these keys is to be found again.
  EXPECT_THAT(rows, HasSubstr("\"key\":\"8a50bed0ffdab3be00f1a3d572daa3f9\""));
}

TEST_F(WriteInput, RefusesAPlaceThatCannotBeWrittenBeforeItWrites) {
  overwrite_file(in_folder("input.json"), input_of(file_backend(), many(1)));
  const auto done =
      run({"write", "--input", in_folder("input.json"), "--output", "/no/such/place"});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, HasSubstr("/no/such/place: cannot be written"));
  EXPECT_FALSE(std::filesystem::exists(in_folder("values.json")));
}

TEST_F(WriteInput, RefusesWhatIsNoFile) {
  for (const auto& name : {in_folder("nowhere.json"), folder_.path().string()}) {
    const auto done = run({"write", "--input", name, "--output", summary_path()});
    EXPECT_EQ(done.status, 2);
    EXPECT_THAT(done.err, HasSubstr(name + ": is no file"));
  }
}

}  // namespace
}  // namespace tarmac::cli
