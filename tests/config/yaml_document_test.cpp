// The strict reader itself: places, limits, and the typed readers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/yaml_document.h>

#include <fstream>
#include <functional>
#include <string>

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What `call` throws as a ConfigError, or a text that no test expects.
std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

YamlNode value(const std::string& text) { return parse_yaml("v: " + text, "f").children.at(0); }

TEST(YamlDocument, KnowsThePlaceAndPathOfEveryValue) {
  const auto root = parse_yaml("a:\n  - x: 1\n    \"y z\": [2, 3]\n", "f");
  const auto& element = root.children.at(0).children.at(0);
  EXPECT_EQ(element.path, "a[0]");
  EXPECT_EQ(element.line, 2U);
  EXPECT_EQ(element.column, 5U);
  const auto& list = element.children.at(1);
  EXPECT_EQ(list.path, "a[0][\"y z\"]");
  EXPECT_EQ(list.key, "y z");
  EXPECT_EQ(list.key_line, 3U);
  EXPECT_EQ(list.key_column, 5U);
  EXPECT_EQ(list.children.at(1).path, "a[0][\"y z\"][1]");
  EXPECT_EQ(list.children.at(1).column, 16U);
  EXPECT_EQ(list.children.at(1).text, "3");
}

TEST(YamlDocument, KeepsTheOrderOfAMap) {
  const auto root = parse_yaml("z: 1\na: 2\nm: 3\n", "f");
  std::vector<std::string> keys;
  for (const auto& child : root.children) keys.push_back(child.key);
  EXPECT_THAT(keys, ElementsAre("z", "a", "m"));
}

TEST(YamlDocument, TellsQuotedAndBlockTextFromBareText) {
  const auto root = parse_yaml("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: >-\n  x\n", "f");
  std::vector<bool> quoted;
  for (const auto& child : root.children) quoted.push_back(child.quoted);
  EXPECT_THAT(quoted, ElementsAre(false, true, true, true, true));
}

TEST(YamlDocument, PlacesAnAbsentValueAtItsKeyOrDash) {
  const auto root = parse_yaml("a:\n\n# far away\nb: [x, ~]\nc:\n  -\n  - y\n", "f");
  EXPECT_TRUE(root.children.at(0).is_null());
  EXPECT_EQ(root.children.at(0).line, 1U);
  EXPECT_TRUE(root.children.at(1).children.at(1).is_null());
  EXPECT_EQ(root.children.at(1).children.at(1).column, 8U);
  EXPECT_EQ(root.children.at(2).children.at(0).line, 6U);
  EXPECT_FALSE(value("''").is_null());
  EXPECT_FALSE(value("\"null\"").is_null());
}

TEST(YamlDocument, ReadsWindowsLineEnds) {
  const auto root = parse_yaml("a: 1\r\nb: x\r\n", "f");
  EXPECT_EQ(root.children.at(1).text, "x");
  EXPECT_EQ(root.children.at(1).line, 2U);
}

TEST(YamlDocument, AcceptsWhatIsJustWithinTheLimits) {
  std::string deep = "1";
  for (std::size_t i = 0; i < kYamlDepthMax; ++i) deep = "[" + deep + "]";
  EXPECT_NO_THROW(static_cast<void>(parse_yaml(deep, "f")));
  EXPECT_THAT(error_of([&] { static_cast<void>(parse_yaml("[" + deep + "]", "f")); }),
              HasSubstr("32 deep"));
  std::string many = "[1";
  for (std::size_t i = 2; i < kYamlNodesMax; ++i) many += ",1";
  EXPECT_EQ(parse_yaml(many + "]", "f").children.size(), kYamlNodesMax - 1);
  EXPECT_THAT(error_of([&] { static_cast<void>(parse_yaml(many + ",1]", "f")); }),
              HasSubstr("10000"));
  const std::string text(kYamlScalarBytesMax, 'x');
  EXPECT_EQ(parse_yaml(text, "f").text, text);
  const std::string full = "a: 1\n#" + std::string(kYamlFileBytesMax - 6, '-');
  EXPECT_NO_THROW(static_cast<void>(parse_yaml(full, "f")));
  EXPECT_THAT(error_of([&] { static_cast<void>(parse_yaml(full + "-", "f")); }),
              HasSubstr("1 MiB"));
}

// Goal: long keys, nested, do not make the paths of many nodes large.
TEST(YamlDocument, ShortensALongPathAtItsFront) {
  std::string text = "x";
  for (int i = 0; i < 20; ++i) text = "{" + std::string(100, 'k') + ": " + text + "}";
  auto root = parse_yaml(text, "f");
  const auto* node = &root;
  while (node->is_map()) node = &node->children.at(0);
  EXPECT_EQ(node->path.size(), 512U);
  EXPECT_THAT(node->path, StartsWith("..."));
}

TEST(YamlDocument, ShowsNothingThatATerminalWouldObey) {
  const auto message = value("\"a\\e[31m\\u009b\\n\"").error("is wrong", "mend it");
  EXPECT_STREQ(message.what(), "f:1:4: at v: is wrong; mend it");
  const auto shown = error_of([] { static_cast<void>(as_uint(value("\"a\\e[31m\\u009b\\n\""))); });
  EXPECT_THAT(shown, HasSubstr("\"a\\x1B[31m\\x9B\\n\""));
}

TEST(YamlDocument, NamesAFileThatCannotBeRead) {
  EXPECT_EQ(
      error_of([] { static_cast<void>(load_yaml("no/such/file.yaml")); }),
      "no/such/file.yaml: cannot be opened: No such file or directory; check the path and its "
      "permissions");
  EXPECT_THAT(error_of([] { static_cast<void>(load_yaml(::testing::TempDir())); }),
              HasSubstr("is a folder"));
}

TEST(YamlDocument, StopsReadingAFileWithoutEnd) {
  EXPECT_THAT(error_of([] { static_cast<void>(load_yaml("/dev/zero")); }), HasSubstr("1 MiB"));
}

TEST(YamlReaders, ReadIntegersToTheirBounds) {
  EXPECT_EQ(as_uint(value("0")), 0U);
  EXPECT_EQ(as_uint(value("18446744073709551615")), 18'446'744'073'709'551'615U);
  EXPECT_EQ(as_int(value("-9223372036854775808")), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(as_uint(value("7"), {7, 7}), 7U);
  EXPECT_THAT(error_of([] {
                static_cast<void>(as_uint(value("8"), {1, 7}));
              }),
              HasSubstr("8 is out of range; write a number from 1 to 7"));
  EXPECT_THAT(error_of([] { static_cast<void>(as_int(value("9223372036854775808"))); }),
              HasSubstr("out of range"));
}

TEST(YamlReaders, ReadFiniteDecimalNumbers) {
  EXPECT_DOUBLE_EQ(as_double(value("0.25")), 0.25);
  EXPECT_DOUBLE_EQ(as_double(value("-2")), -2);
  EXPECT_DOUBLE_EQ(as_double(value("1.5e-3")), 1.5e-3);
  for (const auto* wrong : {".nan", "-.inf", "1e999", "0x1p3", "01.5", "+1", "1.", ".5", "1,5",
                            "1_0.5", "'1.5'", "one", "1e", "-", "[1]", "~"}) {
    EXPECT_THROW(static_cast<void>(as_double(value(wrong))), ConfigError) << wrong;
  }
  EXPECT_THAT(error_of([] {
                static_cast<void>(as_double(value("1.5"), {0, 1}));
              }),
              HasSubstr("write a number from 0 to 1"));
}

TEST(YamlReaders, ReadOnlyTwoSpellingsOfABoolean) {
  EXPECT_TRUE(as_bool(value("true")));
  EXPECT_FALSE(as_bool(value("false")));
  for (const auto* wrong : {"True", "yes", "on", "1", "'true'", "~", "{}"}) {
    EXPECT_THROW(static_cast<void>(as_bool(value(wrong))), ConfigError) << wrong;
  }
}

TEST(YamlReaders, TellTextFromWhatYamlTakesForSomethingElse) {
  EXPECT_EQ(as_string(value("alice")), "alice");
  EXPECT_EQ(as_string(value("'5'")), "5");
  EXPECT_EQ(as_string(value("2q")), "2q");
  EXPECT_THAT(error_of([] { static_cast<void>(as_string(value("5"))); }),
              EndsWith("found the number 5; put it in quotes: \"5\""));
  EXPECT_THROW(static_cast<void>(as_string(value("true"))), ConfigError);
  EXPECT_THROW(static_cast<void>(as_string(value(""))), ConfigError);
  EXPECT_EQ(as_text(value("5")), "5");
  EXPECT_EQ(as_text(value("true")), "true");
  EXPECT_THROW(static_cast<void>(as_text(value("null"))), ConfigError);
}

TEST(YamlReaders, ReadDurationsWithTheirUnit) {
  EXPECT_EQ(as_duration(value("250ms")), 250ms);
  EXPECT_EQ(as_duration(value("1.5s")), 1500ms);
  EXPECT_EQ(as_duration(value("10min")), 10min);
  EXPECT_EQ(as_duration(value("\"2h\"")), 2h);
  EXPECT_EQ(as_duration(value("1d")), 24h);
  EXPECT_EQ(as_duration(value("0s")), 0s);
  for (const auto* wrong : {"250", "ms", "1.s", ".5s", "1e3s", "5 s", "5S", "-1s", "1h30min",
                            "0x1s", "293000d", "5m", "00s", "1..5s", "1.5.5s"}) {
    EXPECT_THROW(static_cast<void>(as_duration(value(wrong))), ConfigError) << wrong;
  }
  EXPECT_THAT(error_of([] {
                static_cast<void>(as_duration(value("2h"), {1ms, 1h}));
              }),
              EndsWith("\"2h\" is out of range; write at least 1ms and at most 1h"));
}

TEST(YamlReaders, ReadBytesWithOrWithoutAUnit) {
  EXPECT_EQ(as_bytes(value("1048576")), 1'048'576U);
  EXPECT_EQ(as_bytes(value("64MiB")), 64U << 20U);
  EXPECT_EQ(as_bytes(value("64MB")), 64'000'000U);
  EXPECT_EQ(as_bytes(value("1.5KiB")), 1536U);
  EXPECT_EQ(as_bytes(value("18446744073709551615B")), 18'446'744'073'709'551'615U);
  for (const auto* wrong : {"64mib", "64M", "64 MiB", "-1MiB", "1.5", "1e3", "1.0001KiB", "010KiB",
                            "16777216TiB", "'64'", "MiB"}) {
    EXPECT_THROW(static_cast<void>(as_bytes(value(wrong))), ConfigError) << wrong;
  }
}

TEST(YamlReaders, NameTheNearestChoice) {
  const std::vector<std::string> steps{"get", "set", "erase"};
  EXPECT_EQ(as_choice(value("set"), "step", steps), "set");
  EXPECT_THAT(error_of([&] { static_cast<void>(as_choice(value("erese"), "step", steps)); }),
              EndsWith("unknown step \"erese\"; did you mean \"erase\"? (known: get, set, erase)"));
  EXPECT_THAT(error_of([&] { static_cast<void>(as_choice(value("fly"), "step", steps)); }),
              EndsWith("unknown step \"fly\"; write one of: get, set, erase"));
}

TEST(MapReaderTest, RefusesAnUnknownKeyBeforeItMissesAnother) {
  const std::vector<std::string> known{"name", "count"};
  const auto root = parse_yaml("nmae: x\n", "f");
  EXPECT_EQ(error_of([&] { const MapReader reader(root, known); }),
            "f:1:1: at nmae: unknown key \"nmae\"; did you mean \"name\"? (known: name, count)");
}

TEST(MapReaderTest, ReadsByTypeAndLeavesAbsentValuesEmpty) {
  const std::vector<std::string> known{"u", "i", "d", "b", "s", "t", "time", "size", "absent"};
  const auto root =
      parse_yaml("{u: 1, i: -1, d: 0.5, b: true, s: x, t: 5, time: 1s, size: 1KiB}", "f");
  const MapReader reader(root, known);
  EXPECT_EQ(reader.get_uint("u"), 1U);
  EXPECT_EQ(reader.get_int("i"), -1);
  EXPECT_EQ(reader.get_double("d"), 0.5);
  EXPECT_EQ(reader.get_bool("b"), true);
  EXPECT_EQ(reader.get_string("s"), "x");
  EXPECT_EQ(reader.get_text("t"), "5");
  EXPECT_EQ(reader.get_duration("time"), 1s);
  EXPECT_EQ(reader.get_bytes("size"), 1024U);
  EXPECT_EQ(reader.get_uint("absent"), std::nullopt);
  EXPECT_EQ(reader.get_bool("absent"), std::nullopt);
  EXPECT_FALSE(reader.has("absent"));
  EXPECT_EQ(reader.require("u").text, "1");
  EXPECT_EQ(error_of([&] { static_cast<void>(reader.require("absent")); }),
            "f:1:1: at the top level: the key \"absent\" is missing; add `absent: ...`");
  EXPECT_THROW(static_cast<void>(reader.find("never_told")), UsageError);
}

}  // namespace
}  // namespace tarmac
