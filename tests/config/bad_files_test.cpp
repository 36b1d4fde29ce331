// Goal: whatever is wrong with a cache file, the error names the line, the column and the key, and
// says what is wrong. Method: a table of files with one mistake each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/config.h>
#include <tarmac/core/error.h>

#include <ostream>
#include <string>
#include <vector>

namespace tarmac {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct BadFile {
  std::string name;
  std::string text;
  /// Where it is wrong: `LINE:COL: at PATH`.
  std::string place;
  std::string needle;
};

std::ostream& operator<<(std::ostream& out, const BadFile& file) { return out << file.name; }

std::string repeated(const std::string& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

/// A file with one cache, whose second key is `line`, at 3:5.
std::string with(const std::string& line) { return "caches:\n  - name: c\n    " + line + "\n"; }

std::vector<BadFile> bytes() {
  return {
      {"EmptyFile", "", "1:1: at the top level", "the file is empty"},
      {"OnlyComments", "# nothing\n\n", "1:1: at the top level", "the file is empty"},
      {"OnlyADocumentMark", "---\n", "2:1: at the top level", "found nothing"},
      {"ByteOrderMark", "\xEF\xBB\xBF" + with("shards: 1"), "1:1: at the top level",
       "byte order mark"},
      {"Utf16",
       std::string("\xFF\xFE"
                   "c\0a\0",
                   6),
       "1:1: at the top level", "byte order mark"},
      {"Binary",
       std::string("\x7F"
                   "ELF\x02\x01\x00",
                   7),
       "1:1: at the top level", "0x7F is a control character"},
      {"NulByte", with(std::string("seed: 1\0", 8)), "3:12: at the top level",
       "0x00 is a control character"},
      {"EscapeSequence", with("# \x1B[2J"), "3:7: at the top level", "0x1B is a control character"},
      {"NotUtf8", "caches:\n  - name: \"c\xFF\"\n", "2:13: at the top level", "0xFF is not UTF-8"},
      {"OverlongUtf8", "caches:\n  - name: \xC0\xAF\n", "2:11: at the top level",
       "0xC0 is not UTF-8"},
      {"Surrogate", "caches:\n  - name: \xED\xA0\x80\n", "2:11: at the top level", "is not UTF-8"},
      {"CutCharacter", "# \xE2\x82", "1:3: at the top level", "is not UTF-8"},
      {"ColumnsCountCharacters", "caches:\n  - name: \"\xC3\xA9\xC3\xA9\" x\n",
       "2:16: at caches[0]", "not valid YAML"},
      {"TwoMegabytes", "# " + std::string(2U << 20U, 'x'), "1:1048577: at the top level",
       "larger than 1 MiB"},
      {"LoneCarriageReturn", "caches:\r  - name: c\r", "1:8: at the top level",
       "a carriage return"},
      {"TabIndentation", "caches:\n\t- name: c\n", "2:1: at the top level", "a tab"},
      {"TabBehindSpaces", "caches:\n  - name: c\n  \tseed: 1\n", "3:3: at the top level", "a tab"},
  };
}

std::vector<BadFile> yaml() {
  return {
      {"AliasBomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\ncaches: *d\n",
       "1:4: at a", "an anchor"},
      {"Cycle", "caches: &x\n  - *x\n", "1:9: at caches", "an anchor"},
      {"AliasWithoutAnchor", "caches: *nowhere\n", "1:9: at caches", "anchor"},
      {"AnchorOnNothing", "caches: &x\n", "1:9: at caches", "an anchor"},
      {"Tag", with("seed: !!int 5"), "3:11: at caches[0].seed", "a tag"},
      {"ShortTag", with("seed: ! 5"), "3:11: at caches[0].seed", "a tag"},
      {"TagOnAMap", with("undo: !undo {max_bytes: 5}"), "3:11: at caches[0].undo", "a tag"},
      {"MergeKey", with("<<: {seed: 1}"), "3:5: at caches[0]", "a merge key"},
      {"TooDeep", "caches: " + repeated("[", 33) + repeated("]", 33) + "\n", "1:40: at caches",
       "more than 32 deep"},
      {"MuchTooDeep", "caches: " + repeated("[", 400) + repeated("]", 400) + "\n",
       "1:40: at caches", "more than 32 deep"},
      {"NeverClosed", "caches: " + repeated("[", 50'000) + "\n", "1:10: at caches",
       "this [ is never closed"},
      {"FarTooDeep", "caches: " + repeated("{", 1'000'000) + "\n", "1:100008: at the top level",
       "more than 100000 brackets"},
      {"DeepBlocks", "caches:\n" + repeated("- ", 100) + "\n", "2:63: at caches",
       "more than 32 deep"},
      {"TooManyNodes", "caches: [" + repeated("1,", 12'000) + "]\n", "1:20004: at caches[9997]",
       "more than 10000"},
      {"TooLongScalar", "caches:\n  - name: " + std::string(70'000, 'x') + "\n",
       "2:11: at caches[0].name", "more than 64 KiB"},
      {"TooLongKey", std::string(300, 'k') + ": 1\n", "1:1: at the top level",
       "more than 256 bytes"},
      {"SecondDocument", with("seed: 1") + "---\n" + with("seed: 2"), "4:1: at the top level",
       "a second document"},
      {"EmptySecondDocument", with("seed: 1") + "---\n", "4:1: at the top level",
       "a second document"},
      {"TextBehindTheEnd", with("seed: 1") + "...\nmore\n", "5:1: at the top level",
       "behind the end of the document"},
      {"DuplicateKey", with("seed: 1\n    seed: 1"), "4:5: at caches[0].seed", "there twice"},
      {"DuplicateKeyInQuotes", with("seed: 1\n    \"seed\": 2"), "4:5: at caches[0].seed",
       "the first is in line 3"},
      {"ListAsKey", "? [a]\n: 1\n", "1:3: at the top level", "as a key"},
      {"NumberAsKey", with("5: x"), "3:5: at caches[0]", "\"5\" is not text"},
      {"BooleanAsKey", with("true: x"), "3:5: at caches[0]", "\"true\" is not text"},
      {"NoKey", with(": x"), "3:5: at caches[0]", "without a key"},
      {"NullKey", with("~: x"), "3:5: at caches[0]", "without a key"},
      {"UnclosedDoubleQuote", "caches:\n  - name: \"c\n", "2:11: at caches[0].name",
       "never closed"},
      {"UnclosedSingleQuote", "caches:\n  - name: 'c\n", "2:11: at caches[0].name", "never closed"},
      {"UnclosedList", "caches: [\n", "2:1: at caches[0]", "not valid YAML"},
      {"UnclosedMap", "caches: [{name: c\n", "1:10: at caches[0]", "this { is never closed"},
      {"StrayBracket", with("seed: 1") + "]\n", "4:1: at caches[0]", "not valid YAML"},
      {"BadIndentation", "caches:\n  - name: c\n   seed: 1\n", "3:4: at caches[1]",
       "not valid YAML"},
      {"TwoColons", with("seed: 1: 2"), "3:12: at caches[0]", "not valid YAML"},
      {"ReservedCharacter", with("store: @x"), "3:12: at caches[0].store", "not valid YAML"},
      {"UnknownEscape", with("store: \"\\q\""), "3:15: at caches[0].store", "not valid YAML"},
  };
}

std::vector<BadFile> structure() {
  return {
      {"JustText", "hello\n", "1:1: at the top level", "expected a map"},
      {"JustAList", "- name: c\n", "1:1: at the top level", "found a list"},
      {"NoCaches", "observers: {}\n", "1:1: at the top level", "\"caches\" is missing"},
      {"UnknownTopKey", "cache:\n  - name: c\n", "1:1: at cache", "did you mean \"caches\"?"},
      {"CachesAsMap", "caches:\n  name: c\n", "2:3: at caches", "expected a list, found a map"},
      {"CachesEmpty", "caches: []\n", "1:9: at caches", "is empty"},
      {"CachesAbsent", "caches:\n", "1:1: at caches", "found nothing"},
      {"CacheAsText", "caches:\n  - sessions\n", "2:5: at caches[0]", "found \"sessions\""},
      {"CacheAbsent", "caches:\n  -\n  - name: c\n", "2:3: at caches[0]", "found nothing"},
      {"NoName", "caches:\n  - seed: 1\n", "2:5: at caches[0]", "\"name\" is missing"},
      {"BadName", "caches:\n  - name: a b\n", "2:11: at caches[0].name", "cannot name a cache"},
      {"NumberAsName", "caches:\n  - name: 5\n", "2:11: at caches[0].name", "put it in quotes"},
      {"SameNameTwice", "caches:\n  - name: c\n  - name: d\n  - name: c\n",
       "4:11: at caches[2].name", "the first is in line 2"},
      {"UnknownKey", with("max_entry: 5"), "3:5: at caches[0].max_entry",
       "did you mean \"max_entries\"?"},
      {"UnknownKeyFarFromAll", with("colour: red"), "3:5: at caches[0].colour", "write one of:"},
      {"UnknownUndoKey", with("undo: {max_byte: 5}"), "3:12: at caches[0].undo.max_byte",
       "did you mean \"max_bytes\"?"},
      {"UnknownLoadingKey", with("loading: {negativ_ttl: 5s}"),
       "3:15: at caches[0].loading.negativ_ttl", "negative_ttl"},
      {"SoftTimeoutWithNothingToServe", with("loading: {soft_timeout: 5s}"), "2:5: at caches[0]",
       "stale_if_error"},
      {"NegativeEarlyRefresh", with("loading: {early_refresh: -1}"),
       "3:30: at caches[0].loading.early_refresh", "out of range"},
      {"DurableWithoutDirectory", with("durability: {sync: always}"),
       "3:17: at caches[0].durability", "\"directory\" is missing"},
      {"UnknownSyncMode", with("durability: {directory: d, sync: alway}"),
       "3:38: at caches[0].durability.sync", "did you mean \"always\"?"},
      {"SegmentTooSmall", with("durability: {directory: d, segment_bytes: 5}"),
       "3:47: at caches[0].durability.segment_bytes", "4096"},
      {"SecondTierWithoutPrefix", with("l2: {port: 7}"), "3:9: at caches[0].l2",
       "\"prefix\" is missing"},
      {"SecondTierWithEmptyPrefix", with("l2: {prefix: \"\"}"), "3:18: at caches[0].l2.prefix",
       "all those of the server"},
      {"SecondTierPort", with("l2: {prefix: p, port: 65536}"), "3:27: at caches[0].l2.port",
       "65535"},
      {"HeartbeatAboveItsLimit", with("l2: {prefix: p, heartbeat: 2s}"),
       "3:32: at caches[0].l2.heartbeat", "must be longer than heartbeat"},
      {"FirstPauseAboveTheLongest", with("l2: {prefix: p, retry_initial: 9s}"),
       "3:36: at caches[0].l2.retry_initial", "retry_max is less"},
      {"TwoPasswords", with("l2: {prefix: p, password_file: a, password_env: B}"),
       "3:39: at caches[0].l2.password_env", "keep one"},
      {"StoreBesideASecondTier", with("l2: {prefix: p}\n    store: memory"),
       "4:5: at caches[0].store", "remove `store`, or `l2`"},
      {"DurableSecondTier", with("l2: {prefix: p}\n    durability: {directory: d}"),
       "4:5: at caches[0].durability", "remove `durability`, or `l2`"},
      {"ListWhereMapWanted", with("undo: [1]"), "3:11: at caches[0].undo", "expected a map"},
      {"MapWhereNumberWanted", with("seed: {a: 1}"), "3:11: at caches[0].seed", "found a map"},
      {"NothingWhereNumberWanted", with("seed:"), "3:5: at caches[0].seed", "found nothing"},
  };
}

std::vector<BadFile> values() {
  return {
      {"Octal", with("max_entries: 010"), "3:18: at caches[0].max_entries", "write 10"},
      {"Hexadecimal", with("max_entries: 0x10"), "3:18: at caches[0].max_entries", "not decimal"},
      {"Plus", with("max_entries: +5"), "3:18: at caches[0].max_entries", "write 5"},
      {"Exponent", with("max_entries: 1e3"), "3:18: at caches[0].max_entries",
       "not a whole number"},
      {"Fraction", with("max_entries: 1.5"), "3:18: at caches[0].max_entries",
       "not a whole number"},
      {"Underscore", with("max_entries: 10_000"), "3:18: at caches[0].max_entries", "write 10000"},
      {"Apostrophe", with("max_entries: 10'000"), "3:18: at caches[0].max_entries", "write 10000"},
      {"QuotedNumber", with("max_entries: \"5\""), "3:18: at caches[0].max_entries",
       "remove the quotes"},
      {"NotANumber", with("max_entries: .nan"), "3:18: at caches[0].max_entries", "not finite"},
      {"Infinity", with("max_entries: .inf"), "3:18: at caches[0].max_entries", "not finite"},
      {"Word", with("max_entries: many"), "3:18: at caches[0].max_entries",
       "expected a whole number, found \"many\""},
      {"Zero", with("max_entries: 0"), "3:18: at caches[0].max_entries", "a cache of 0"},
      {"Negative", with("max_entries: -1"), "3:18: at caches[0].max_entries", "out of range"},
      {"Overflow", with("max_entries: 99999999999999999999"), "3:18: at caches[0].max_entries",
       "out of range"},
      {"ZeroBytes", with("max_bytes: 0KiB"), "3:16: at caches[0].max_bytes", "a cache of 0"},
      {"UnknownByteUnit", with("max_bytes: 64mb"), "3:16: at caches[0].max_bytes",
       "unknown unit \"mb\""},
      {"BytesOverflow", with("max_bytes: 99999999TiB"), "3:16: at caches[0].max_bytes",
       "out of range"},
      {"PartOfAByte", with("max_bytes: 1.5B"), "3:16: at caches[0].max_bytes",
       "not a whole number of bytes"},
      {"DurationWithoutUnit", with("default_ttl: 250"), "3:18: at caches[0].default_ttl", "250ms"},
      {"DurationWithUnknownUnit", with("default_ttl: 10m"), "3:18: at caches[0].default_ttl",
       "one of the units ns, us, ms, s, min, h or d"},
      {"NegativeDuration", with("default_ttl: -5s"), "3:18: at caches[0].default_ttl",
       "is negative"},
      {"ZeroDuration", with("default_ttl: 0s"), "3:18: at caches[0].default_ttl",
       "write at least 1ns"},
      {"OctalDuration", with("default_ttl: 010s"), "3:18: at caches[0].default_ttl",
       "leading zero"},
      {"DurationOverflow", with("default_ttl: 99999999999999h"), "3:18: at caches[0].default_ttl",
       "out of range"},
      {"Yes", with("background_expiry: yes"), "3:24: at caches[0].background_expiry",
       "write true or false"},
      {"QuotedBoolean", with("background_expiry: \"true\""), "3:24: at caches[0].background_expiry",
       "remove the quotes"},
      {"ShardsNoPowerOfTwo", with("shards: 12"), "3:13: at caches[0].shards", "write 8 or 16"},
      {"TooManyShards", with("shards: 4096"), "3:13: at caches[0].shards", "from 1 to 1024"},
      {"NegativeUndo", with("undo:\n      max_commands: -1"),
       "4:21: at caches[0].undo.max_commands", "out of range"},
  };
}

std::vector<BadFile> parts() {
  return {
      {"UnknownStrategy", with("eviction: lruu"), "3:15: at caches[0].eviction",
       "did you mean \"lru\"?"},
      {"StrategyAsList", with("eviction: [lru]"), "3:15: at caches[0].eviction", "found a list"},
      {"StrategyAbsent", with("eviction:"), "3:5: at caches[0].eviction", "found nothing"},
      {"StrategyWithoutName", with("eviction: {ageing: true}"), "3:15: at caches[0].eviction",
       "\"strategy\" is missing"},
      {"UnknownParameter", with("eviction: {strategy: lfu, aging: true}"),
       "3:31: at caches[0].eviction.aging", "did you mean \"ageing\"?"},
      {"ParameterOfAnother", with("eviction: {strategy: lru, ageing: true}"),
       "3:31: at caches[0].eviction.ageing", "has no parameter"},
      {"WrongParameter", with("eviction: {strategy: lfu, ageing: maybe}"),
       "3:39: at caches[0].eviction.ageing", "true or false"},
      {"QuotedParameter", with("eviction: {strategy: lfu, ageing_period: \"5\"}"),
       "3:46: at caches[0].eviction.ageing_period", "remove the quotes"},
      {"QuotedBooleanParameter", with("eviction: {strategy: lfu, ageing: \"true\"}"),
       "3:39: at caches[0].eviction.ageing", "remove the quotes"},
      {"OctalParameter", with("eviction: {strategy: lfu, ageing_period: 010}"),
       "3:46: at caches[0].eviction.ageing_period", "write 10"},
      {"ParameterOutOfRange", with("eviction: {strategy: lfu, ageing_period: 0}"),
       "3:46: at caches[0].eviction.ageing_period", "from 1 to 1000000"},
      {"ParameterAsList", with("eviction: {strategy: lfu, ageing: [1]}"),
       "3:39: at caches[0].eviction.ageing", "found a list"},
      {"TwoWrongParameters", with("eviction: {strategy: lfu, ageing_period: 0, ageing: maybe}"),
       "3:46: at caches[0].eviction.ageing_period", "from 1 to 1000000"},
      {"WriteBackWithoutStore", with("write_policy: write_back"), "3:19: at caches[0].write_policy",
       "needs a store"},
      {"WriteThroughWithoutStore", with("write_policy: {policy: write_through}"),
       "3:19: at caches[0].write_policy", "needs a store"},
      {"StoreWithoutPolicy", with("store: memory"), "3:5: at caches[0].store",
       "nothing is ever written"},
      {"UnknownPolicy", with("write_policy: write_trough\n    store: memory"),
       "3:19: at caches[0].write_policy", "did you mean \"write_through\"?"},
      {"UnknownStore", with("store: memroy\n    write_policy: write_back"),
       "3:12: at caches[0].store", "did you mean \"memory\"?"},
      {"PolicyParameterWrong",
       with("store: memory\n    write_policy:\n      policy: write_back\n      batch_max: 0"),
       "6:18: at caches[0].write_policy.batch_max", "at least 1"},
      {"PolicyParametersDisagree",
       with("store: memory\n    write_policy:\n      policy: write_back\n      retry_max: 1ms"),
       "6:18: at caches[0].write_policy.retry_max", "at least retry_initial"},
      {"PolicyDurationWithoutUnit",
       with("store: memory\n    write_policy: {policy: write_back, loss_window_max: 5}"),
       "4:57: at caches[0].write_policy.loss_window_max", "is not a duration"},
      {"StoreParameterUnknown",
       with("write_policy: write_back\n    store: {store: memory, path: x}"),
       "4:28: at caches[0].store.path", "has no parameter"},
  };
}

std::vector<BadFile> observers() {
  const std::string head = "caches: [{name: c}]\nobservers:\n";
  return {
      {"UnknownObserver", head + "  metric: {}\n", "3:3: at observers.metric",
       "did you mean \"metrics\"?"},
      {"Ipv6", head + "  metrics: {address: \"[::1]:9464\"}\n",
       "3:22: at observers.metrics.address", "is not an IPv4 address"},
      {"RemoteAddress", head + "  metrics: {address: \"0.0.0.0:9464\"}\n",
       "3:22: at observers.metrics.address", "allow_remote: true"},
      {"PortTooLarge", head + "  metrics: {address: \"localhost:65536\"}\n",
       "3:22: at observers.metrics.address", "is not an IPv4 address"},
      {"TwoAddresses", head + "  metrics: {address: \"127.0.0.1:1,0.0.0.0:2\"}\n",
       "3:22: at observers.metrics.address", "is not an IPv4 address"},
      {"TimeoutTooLong", head + "  metrics: {request_timeout: 2d}\n",
       "3:30: at observers.metrics.request_timeout", "at most 1h"},
      {"EventLogWithoutPath", head + "  event_log: {queue: 5}\n", "3:14: at observers.event_log",
       "\"path\" is missing"},
      {"EmptyPath", head + "  event_log: {path: \"\"}\n", "3:21: at observers.event_log.path",
       "the path is empty"},
      {"UnknownEvent", head + "  event_log: {path: x, types: [flushed, entry_evict]}\n",
       "3:41: at observers.event_log.types[1]", "did you mean \"entry_evicted\"?"},
      {"EventTwice", head + "  event_log: {path: x, types: [flushed, flushed]}\n",
       "3:41: at observers.event_log.types[1]", "there twice"},
      {"NoEvents", head + "  event_log: {path: x, types: []}\n",
       "3:31: at observers.event_log.types", "no event type"},
      {"QueueOfNothing", head + "  event_log: {path: x, queue: 0}\n",
       "3:31: at observers.event_log.queue", "from 1 to 1000000"},
  };
}

class BadFileTest : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadFileTest, IsRefusedAtItsPlace) {
  try {
    static_cast<void>(parse_config(GetParam().text, "bad.yaml"));
    FAIL() << "accepted:\n" << GetParam().text.substr(0, 1000);
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_THAT(message, StartsWith("bad.yaml:" + GetParam().place));
    EXPECT_THAT(message, HasSubstr(GetParam().needle));
    EXPECT_THAT(message, HasSubstr("; ")) << "there is no mend";
    EXPECT_THAT(message, ::testing::Not(HasSubstr("\n"))) << "one line for each problem";
    EXPECT_LT(message.size(), 2'000U);
  }
}

std::string name_of(const ::testing::TestParamInfo<BadFile>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Bytes, BadFileTest, ::testing::ValuesIn(bytes()), name_of);
INSTANTIATE_TEST_SUITE_P(Yaml, BadFileTest, ::testing::ValuesIn(yaml()), name_of);
INSTANTIATE_TEST_SUITE_P(Structure, BadFileTest, ::testing::ValuesIn(structure()), name_of);
INSTANTIATE_TEST_SUITE_P(Values, BadFileTest, ::testing::ValuesIn(values()), name_of);
INSTANTIATE_TEST_SUITE_P(Parts, BadFileTest, ::testing::ValuesIn(parts()), name_of);
INSTANTIATE_TEST_SUITE_P(Observers, BadFileTest, ::testing::ValuesIn(observers()), name_of);

}  // namespace
}  // namespace tarmac
