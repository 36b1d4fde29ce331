// Scenario files that are wrong: each is refused as a whole, with the place and the mend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/testing/scratch_folder.h>

#include "scenario_files.h"

namespace tarmac::demo {
namespace {

struct Bad {
  std::string name;
  /// The whole file, or steps for scenario_of() if it begins with a blank.
  std::string text;
  /// LINE:COL.
  std::string place;
  std::string words;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class BadScenario : public ::testing::TestWithParam<Bad> {};

TEST_P(BadScenario, IsRefusedWithItsPlace) {
  const auto& bad = GetParam();
  const testing::ScratchFolder folder;
  const auto text = bad.text.starts_with(' ') ? scenario_of(bad.text) : bad.text;
  const auto file = folder.write("bad.yaml", text);
  try {
    static_cast<void>(load_scenario(file));
    FAIL() << "was read";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("bad.yaml:" + bad.place + ": "));
    EXPECT_THAT(error.what(), ::testing::HasSubstr(bad.words));
  }
}

const Bad kBad[] = {
    {"NoTitle", "caches: [{name: c}]\nsteps: [undo]\n", "1:1", "title"},
    {"NoSteps", "title: t\ncaches: [{name: c}]\n", "1:1", "steps"},
    {"EmptySteps", "title: t\ncaches: [{name: c}]\nsteps: []\n", "3:8", "there are no steps"},
    {"NoCaches", "title: t\nsteps: [undo]\n", "1:1", "caches"},
    {"EmptyCaches", "title: t\ncaches: []\nsteps: [undo]\n", "2:9", "empty"},
    {"MisspeltTop", "title: t\nstep: []\n", "2:1", "steps"},
    {"TitleIsANumber", "title: 42\ncaches: [{name: c}]\nsteps: [undo]\n", "1:8", "42"},
    {"CacheByNameWithoutFile", "title: t\ncaches: [shop]\nsteps: [undo]\n", "2:10", "--config"},
    {"CacheTwice", "title: t\ncaches: [{name: c}, {name: c}]\nsteps: [undo]\n", "2:21",
     "already is a cache \"c\""},
    {"BadCacheSetting", "title: t\ncaches: [{name: c, max_entries: 0}]\nsteps: [undo]\n", "2:33",
     "cannot hold anything"},
    {"UnknownStrategyOfACache", "title: t\ncaches: [{name: c, eviction: lrv}]\nsteps: [undo]\n",
     "2:30", "lru"},
    {"UnknownStep", "  - gett: a\n", "5:5", "get"},
    {"UnknownWord", "  - unod\n", "5:5", "undo"},
    {"WordThatNeedsAValue", "  - get\n", "5:5", "needs a value"},
    {"ValueForAWord", "  - undo: 3\n", "5:11", "takes no value"},
    {"TwoKinds", "  - get: a\n    erase: a\n", "6:5", "one thing"},
    {"NothingToDo", "  - cache: c\n", "5:5", "does nothing"},
    {"UnknownCacheOfAStep", "  - get: a\n    cache: d\n", "6:12", "cache of this scenario"},
    {"StepIsAList", "  - [get, a]\n", "5:5", "list"},
    {"SetWithoutKey", "  - set: {value: v}\n", "5:10", "key"},
    {"SetWithoutValue", "  - set: {key: k}\n", "5:10", "value"},
    {"SetMisspelt", "  - set: {key: k, value: v, tll: 1s}\n", "5:29", "ttl"},
    {"DurationWithoutUnit", "  - set: {key: k, value: v, ttl: 5}\n", "5:34", "5"},
    {"NoTimePasses", "  - advance: 0s\n", "5:14", "0s"},
    {"MoreThanAYear", "  - advance: 400d\n", "5:14", "365d"},
    {"RangeBackwards", "  - get: \"k:{9..1}\"\n", "5:10", "no range of keys"},
    {"RangeWithoutEnd", "  - get: \"k:{1..}\"\n", "5:10", "no range of keys"},
    {"TwoRanges", "  - get: \"{1..2}{1..2}\"\n", "5:10", "one range"},
    {"TooManyKeys", "  - get: \"{1..1000001}\"\n", "5:10", "at most a million"},
    {"EmptyKey", "  - get: \"\"\n", "5:10", "empty"},
    {"UnknownStrategy", "  - swap_strategy: lfv\n", "5:20", "lfu"},
    {"UnknownParameter", "  - swap_strategy: {strategy: lfu, aging: true}\n", "5:36", "ageing"},
    {"UnknownPolicy", "  - set_write_policy: write_bakc\n", "5:23", "write_back"},
    {"PolicyWithoutStore",
     "title: t\ncaches: [{name: c}]\nsteps:\n  - set_write_policy: write_back\n", "4:23", "store"},
    {"CrashOfWhatIsNotDurable", "title: t\ncaches: [{name: c}]\nsteps:\n  - crash\n", "4:5",
     "only a durable cache"},
    {"CrashWithAStore",
     "title: t\ncaches: [{name: c, durability: {directory: d}, store: memory, write_policy: "
     "write_through}]\nsteps:\n  - crash\n",
     "4:5", "with a store"},
    {"RestoreOfNothing", "  - restore: s\n", "5:14", "takes a snapshot"},
    {"RestoreMisspelt", "  - snapshot: before\n  - restore: befor\n", "6:14", "before"},
    {"SnapshotTwice", "  - snapshot: s\n  - snapshot: s\n", "6:15", "already is a snapshot"},
    {"ResizeToNothing", "  - resize: {}\n", "5:13", "no bound"},
    {"ResizeToZero", "  - resize: {max_entries: 0}\n", "5:27", "0"},
    {"TwoCommands", "  - command: {set: {key: a, value: b}, delete: a}\n", "5:14", "one command"},
    {"UnknownCommand", "  - command: {erase: a}\n", "5:15", "erase"},
    {"EmptyMacro", "  - command: {macro: []}\n", "5:22", "empty"},
    {"FillWithoutKeys", "  - fill: {operations: 5}\n", "5:11", "keys"},
    {"FillByAnotherLaw", "  - fill: {keys: 5, operations: 5, distribution: zip}\n", "5:50", "zipf"},
    {"FillWithMoreThanAll", "  - fill: {keys: 5, operations: 5, write_share: 1.5}\n", "5:49",
     "1.5"},
    {"NoSuchTrace", "  - replay: {trace: nowhere.csv}\n", "5:21", "there is no file"},
    {"PruneNever", "  - replay: {trace: bad.yaml, prune_every: 0}\n", "5:44", "0"},
    {"UnknownTable", "  - print: entires\n", "5:12", "entries"},
    {"UnknownExpectation", "  - expect: {sise: 1}\n", "5:14", "size"},
    {"EmptyExpectation", "  - expect: {}\n", "5:13", "not empty"},
    {"UnknownFigure", "  - expect: {stats: {hit: 1}}\n", "5:22", "hits"},
    {"UnknownEvent", "  - expect: {events: {entry_sett: 1}}\n", "5:23", "entry_set"},
    {"UnknownState", "  - expect: {state: {a: dirtyy}}\n", "5:25", "dirty"},
    {"UnknownResult", "  - expect: {result: hitt}\n", "5:22", "hit"},
    {"NegativeCount", "  - expect: {size: -1}\n", "5:20", "-1"},
    {"BoundsWithoutBound", "  - expect: {size: {}}\n", "5:20", "without a bound"},
    {"BoundsExchanged", "  - expect: {size: {min: 5, max: 1}}\n", "5:20", "above"},
    {"RatioAboveOne", "  - expect: {stats: {hit_ratio: 80}}\n", "5:33", "80"},
    {"SameAsNothing", "  - expect: {same_as: s}\n", "5:23", "takes a snapshot"},
    {"StoreOfACacheWithoutOne",
     "title: t\ncaches: [{name: c}]\nsteps:\n  - expect: {store: {a: b}}\n", "4:14",
     "has no store"},
};

INSTANTIATE_TEST_SUITE_P(All, BadScenario, ::testing::ValuesIn(kBad),
                         [](const auto& one) { return one.param.name; });

TEST(BadScenarioFile, ThatIsNotThereIsNamed) {
  try {
    static_cast<void>(load_scenario("nowhere/at_all.yaml"));
    FAIL() << "was read";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("nowhere/at_all.yaml"));
  }
}

}  // namespace
}  // namespace tarmac::demo
