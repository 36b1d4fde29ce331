#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process.h"

namespace tarmac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Check, TellsWhatAFileMakes) {
  const auto done = run({"check", in_tree("config/tarmac.yaml")});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.out, HasSubstr("tarmac.yaml: right"));
  EXPECT_THAT(done.out, HasSubstr("cache sessions: "));
  EXPECT_THAT(done.err, IsEmpty());
}

TEST(Check, TellsEveryProblemOfEveryFileWithItsPlace) {
  const TestFile one("caches:\n  - name: a\n    evicton: lru\n");
  const TestFile two("caches:\n  - name: a\n    max_entries: 010\n    shards: 3\n");
  const auto done = run({"check", one.path(), in_tree("config/tarmac.yaml"), two.path()});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, HasSubstr(one.path() + ":3:5: "));
  EXPECT_THAT(done.err, HasSubstr("eviction"));
  EXPECT_THAT(done.err, HasSubstr(two.path() + ":3:18: "));
  EXPECT_THAT(done.err, HasSubstr(two.path() + ":4:13: "));
  EXPECT_THAT(done.out, HasSubstr("tarmac.yaml: right"));
}

TEST(Check, RefusesAFileThatIsNotThereAndACallWithoutFiles) {
  const auto missing = run({"check", "nowhere/at_all.yaml"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("nowhere/at_all.yaml"));
  EXPECT_EQ(run({"check"}).status, 2);
}

TEST(Check, TellsWhatAScenarioIs) {
  const auto done = run({"check", "--config", in_tree("config/tarmac.yaml"),
                         in_tree("demo/scenarios/1_basic_lru.yaml"),
                         in_tree("demo/scenarios/6_high_volume.yaml")});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("1_basic_lru.yaml: right\n  scenario: "));
  EXPECT_THAT(done.out, HasSubstr(" expectations, on "));
  EXPECT_THAT(done.err, IsEmpty());
}

TEST(Check, TellsEveryProblemOfAScenarioWithItsPlace) {
  const TestFile file(
      "title: 42\n"
      "caches: [{name: c}]\n"
      "steps:\n"
      "  - gett: a\n"
      "  - get: a\n"
      "    expect: {reslt: hit}\n");
  const auto done = run({"check", file.path()});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.out, IsEmpty());
  EXPECT_THAT(done.err, HasSubstr(file.path() + ":1:8: "));
  EXPECT_THAT(done.err, HasSubstr(file.path() + ":4:5: "));
  EXPECT_THAT(done.err, HasSubstr(file.path() + ":6:14: "));
  EXPECT_THAT(done.err, HasSubstr("result"));
}

TEST(Check, TakesCachesByNameFromTheCacheFileOfTheCall) {
  const TestFile scenario("title: t\ncaches: [sessions]\nsteps: [undo]\n");
  const auto without = run({"check", scenario.path()});
  EXPECT_EQ(without.status, 2);
  EXPECT_THAT(without.err, HasSubstr(scenario.path() + ":2:10: "));
  EXPECT_THAT(without.err, HasSubstr("--config"));
  EXPECT_EQ(run({"check", scenario.path(), "--config", in_tree("config/tarmac.yaml")}).status, 0);
  const TestFile wrong("caches: 5\n");
  EXPECT_EQ(run({"check", scenario.path(), "--config", wrong.path()}).status, 2);
}

}  // namespace
}  // namespace tarmac::cli
