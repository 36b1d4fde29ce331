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

}  // namespace
}  // namespace tarmac::cli
