// A cache made from a file does what the file says.
#include <gtest/gtest.h>
#include <tarmac/config/make_cache.h>

#include <string>

namespace tarmac {
namespace {

std::unique_ptr<CacheManager<std::string, std::string>> made_from(const std::string& lines) {
  const auto config = parse_config("caches:\n  - name: made\n" + lines, "f");
  return make_cache<std::string, std::string>(config.caches.at(0));
}

TEST(MakeCache, MakesWhatTheFileSays) {
  const auto cache = made_from("    max_entries: 2\n    eviction: fifo\n    shards: 1\n");
  EXPECT_EQ(cache->describe().name, "made");
  EXPECT_EQ(cache->describe().strategy, "fifo");
  EXPECT_EQ(cache->describe().write_policy, "none");
  EXPECT_EQ(cache->describe().capacity.max_entries, 2U);
  cache->set("a", "1");
  cache->set("b", "2");
  EXPECT_EQ(cache->get("a"), "1");
  cache->set("c", "3");
  EXPECT_FALSE(cache->contains("a")) << "fifo: a came first, and its hit does not count";
  EXPECT_TRUE(cache->contains("b"));
}

TEST(MakeCache, GivesThePolicyItsStore) {
  const auto cache = made_from("    write_policy: write_through\n    store: memory\n");
  EXPECT_EQ(cache->describe().write_policy, "write_through");
  EXPECT_EQ(cache->describe().store, "memory");
  cache->set("a", "1");
  EXPECT_EQ(cache->stats().flushed_writes, 1U);
}

TEST(MakeCache, GivesThePolicyItsParameters) {
  const auto cache =
      made_from("    write_policy: {policy: write_back, loss_window_max: 1h}\n    store: memory\n");
  cache->set("a", "1");
  EXPECT_EQ(cache->stats().dirty_writes_pending, 1U) << "within the hour, the write waits";
  EXPECT_EQ(cache->flush().flushed, 1U);
  EXPECT_EQ(cache->stats().dirty_writes_pending, 0U);
}

// Two caches of one file have a store each.
TEST(MakeCache, SharesNothingBetweenCaches) {
  const auto config = parse_config(
      "caches:\n  - {name: a, write_policy: write_through, store: memory}\n"
      "  - {name: b, write_policy: write_through, store: memory}\n",
      "f");
  const auto a = make_cache<std::string, int>(config.caches.at(0));
  const auto b = make_cache<std::string, int>(config.caches.at(1));
  a->set("k", 1);
  EXPECT_EQ(b->get("k"), std::nullopt);
}

}  // namespace
}  // namespace tarmac
