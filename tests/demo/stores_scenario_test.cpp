// The scenario of write policies over every store that outlives the process, a real Redis server
// among them.
#include <gtest/gtest.h>
#include <tarmac/stores/catalog.h>

#include "scenario_files.h"
#include "store_files.h"
#ifdef TARMAC_HAS_REDIS
#include "redis_server.h"
#endif

namespace tarmac::demo {
namespace {

/// Plays it with `store` in the place of the one in memory.
void expect_to_pass_over(const std::string& store) {
  auto text = text_of(shipped_folder() / "4_write_policy_swap.yaml");
  const std::string in_memory = "    store: memory\n";
  ASSERT_NE(text.find(in_memory), std::string::npos);
  text.replace(text.find(in_memory), in_memory.size(), "    store: " + store + "\n");
  const auto result = played(text);
  for (const auto& step : result.steps) {
    EXPECT_EQ(step.error, "") << "line " << step.line;
    for (const auto& check : step.checks) {
      EXPECT_TRUE(check.passed) << "line " << check.line << ": " << check.subject << ": expected "
                                << check.expected << ", found " << check.found;
    }
  }
  EXPECT_GE(result.checks(), 20U);
  EXPECT_EQ(result.skipped(), 0U);
}

TEST(WritePolicyScenario, PassesOverAFile) {
  const ScratchFolder folder;
  expect_to_pass_over("{store: file, path: \"" + (folder / "orders.json").string() + "\"}");
}

#ifdef TARMAC_HAS_SQLITE
TEST(WritePolicyScenario, PassesOverADatabase) {
  const ScratchFolder folder;
  expect_to_pass_over("{store: sqlite, path: \"" + (folder / "orders.db").string() + "\"}");
}
#endif

#ifdef TARMAC_HAS_REDIS
TEST(WritePolicyScenario, PassesOverARedisServer) {
  const RedisServer server;
  expect_to_pass_over("{store: redis, call_limit: 30s, unix_socket: \"" + server.socket().string() +
                      "\"}");
  EXPECT_EQ(server.ask({"EXISTS", "tarmac:order:4"}), "1");
}
#endif

}  // namespace
}  // namespace tarmac::demo
