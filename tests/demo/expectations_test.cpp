// Each kind of expectation can hold and can fail, and says what it found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "scenario_files.h"

namespace tarmac::demo {
namespace {

struct Case {
  std::string kind;
  std::string holds;
  std::string fails;
  /// Of the failure.
  std::string expected;
  std::string found;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.kind << ": " << one.fails; }

/// Flushed before the clock moves: else the policy's own thread writes too, in its own time.
/// a and b are there (b dirty, with a TTL), x was evicted, e has expired, d was deleted.
const char* const kSteps = R"(
  - set: {key: x, value: first out}
  - set: {key: a, value: one}
  - snapshot: early
  - set: {key: e, value: gone soon, ttl: 1s}
  - set: {key: b, value: two, ttl: 10s}
  - flush
  - advance: 1s
  - purge
  - set: {key: d, value: to be deleted}
  - erase: d
  - flush
  - set: {key: b, value: two, ttl: 10s}
  - snapshot: late
  - get: a
  - get: nobody
)";

class Expectation : public ::testing::TestWithParam<Case> {};

TEST_P(Expectation, HoldsWhereItIsTrue) {
  const auto result = played(
      scenario_of(std::string(kSteps).substr(1) + "    expect: {" + GetParam().holds + "}\n"));
  for (const auto& check : result.steps.back().checks) {
    EXPECT_TRUE(check.passed) << check.subject << ": expected " << check.expected << ", found "
                              << check.found;
  }
  EXPECT_GE(result.checks(), 1U);
  EXPECT_EQ(result.failures(), 0U);
}

TEST_P(Expectation, FailsWhereItIsNotAndSaysWhatItFound) {
  const auto text =
      scenario_of(std::string(kSteps).substr(1) + "    expect: {" + GetParam().fails + "}\n");
  const auto result = played(text);
  ASSERT_EQ(result.failures(), 1U);
  const auto& check = result.steps.back().checks.at(0);
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.expected, GetParam().expected);
  EXPECT_EQ(check.found, GetParam().found);
  EXPECT_EQ(check.line, line_of(text, "expect:"));
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"result", "result: miss", "result: hit", "hit", "miss"},
      {"size", "size: 2", "size: 3", "3", "2"},
      {"size", "size: {min: 1, max: 2}", "size: {min: 3}", "at least 3", "2"},
      {"weight", "weight: 8", "weight: {max: 7}", "at most 7", "8"},
      {"stats", "stats: {hits: 1, misses: 1}", "stats: {evictions: 0}", "0", "1"},
      {"stats", "stats: {hit_ratio: 0.5}", "stats: {miss_ratio: {min: 0.6, max: 0.7}}",
       "0.6 to 0.7", "0.5"},
      {"strategy", "strategy: lru", "strategy: fifo", "fifo", "lru"},
      {"write_policy", "write_policy: write_back", "write_policy: none", "none", "write_back"},
      {"evicted", "evicted: [x]", "evicted: []", "[]", "[x]"},
      {"expired", "expired: [e]", "expired: [e, b]", "[e, b]", "[e]"},
      {"deleted", "deleted: [d]", "deleted: [a]", "[a]", "[d]"},
      {"events", "events: {entry_set: 6, flushed: 2}", "events: {entry_evicted: 2}", "2", "1"},
      {"values", "values: {a: one, b: two}", "values: {a: two}", "\"two\"", "\"one\" for a"},
      {"values", "values: {a: one}", "values: {e: gone soon}", "\"gone soon\"", "nothing for e"},
      {"present", "present: [a, b]", "present: [x]", "there", "not there"},
      {"missing", "missing: [x, e, d]", "missing: a", "not there", "there"},
      {"missing", "missing: \"key:{1..9}\"", "present: \"key:{1..9}\"", "9 of 9", "0 of them"},
      {"ttl", "ttl: {b: 10s, a: none}", "ttl: {b: 9s}", "9s", "10s"},
      {"ttl", "ttl: {b: {min: 9s}}", "ttl: {a: 1s}", "1s", "none"},
      {"ttl", "ttl: {b: {max: 1min}}", "ttl: {x: none}", "none", "no entry"},
      {"state", "state: {a: clean, b: dirty}", "state: {b: clean}", "clean", "dirty"},
      {"store", "store: {a: one, b: two, x: first out}", "store: {b: three}", "\"three\"",
       "\"two\""},
      {"store_missing", "store_missing: [d, nobody]", "store_missing: a", "not in the store",
       "1 in the store"},
      {"store_size", "store_size: 4", "store_size: 3", "3", "4"},
      {"same_as", "same_as: late", "same_as: early", "the same as in \"early\"", "without x"},
      {"differs_from", "differs_from: early", "differs_from: late", "not the same as in \"late\"",
       "the same"},
  };
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Expectation, ::testing::ValuesIn(cases()), [](const auto& one) {
  return one.param.kind + "_" + std::to_string(one.index);
});

TEST(Expectations, EachKindIsTestedHere) {
  std::set<std::string> tested{"if_own_trace"};  // In shipped_scenarios_test.cpp.
  for (const auto& one : cases()) tested.insert(one.kind);
  std::set<std::string> known;
  for (const auto& kind : expectation_kinds()) known.insert(kind.name);
  EXPECT_EQ(tested, known);
}

TEST(Expectations, DoNotCountAndDoNotTouchTheOrder) {
  const auto result = played(scenario_of(R"(  - set: {key: a, value: one}
  - set: {key: "k:{1..2}", value: two}
  - expect: {values: {a: one}, present: a, ttl: {a: none}, state: {a: dirty}, store_missing: a}
  - set: {key: "k:3", value: two}
    expect: {evicted: [a], stats: {gets: 0}}
)"));
  EXPECT_EQ(result.failures(), 0U);
}

}  // namespace
}  // namespace tarmac::demo
