// A program that writes is killed with -9 again and again, over the same folder.
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/log.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/scratch_folder.h>

#include <map>
#include <optional>
#include <random>
#include <string>

#include "log_rig.h"
#include "victim.h"

namespace tarmac {
namespace {

void kill_again_and_again(const std::string& mode) {
  const testing::ScratchFolder folder{testing::ScratchPlace::kDisk};
  std::mt19937_64 chance(1);
  Counts counts{};
  std::uint64_t images = 0;
  std::uint64_t acknowledged = 0;
  const auto cycles = rounds(8, 1000);
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const auto before = counts;
    {
      Victim victim(TARMAC_WRITER, (folder / "log").string(), mode, counts);
      ASSERT_TRUE(victim.kill_after(1 + chance() % 500, counts));
    }
    for (std::size_t i = 0; i < counts.size(); ++i) acknowledged += counts.at(i) - before.at(i);
    DurabilityOptions options;
    options.directory = folder / "log";
    options.segment_bytes = 16U << 10U;
    const auto log = open_log(options);
    Replica replica;
    std::optional<ImageHeader> header;
    const auto report = log->recover([&](const JournalRecord& one) { replica.apply(one); }, header);
    images += report.image_entries > 0 ? 1U : 0U;
    ASSERT_NO_FATAL_FAILURE(expect_all(replica.content(), counts)) << "cycle " << cycle;
  }
  EXPECT_GT(acknowledged, cycles);
  EXPECT_GT(images, 0U) << "the log was never compacted";
  std::printf("%s: %llu kills, %llu acknowledged, 0 lost\n", mode.c_str(),
              static_cast<unsigned long long>(cycles),
              static_cast<unsigned long long>(acknowledged));
}

TEST(LogKill, LosesNothingWhenEveryWriteIsSynced) { kill_again_and_again("always"); }
TEST(LogKill, LosesNothingWhenWritesAreSyncedInIntervals) { kill_again_and_again("interval"); }
TEST(LogKill, LosesNothingWhenWritesAreNeverSynced) { kill_again_and_again("never"); }

// The same through the cache, which the log is for.
void kill_caches_again_and_again(const std::string& mode) {
  const testing::ScratchFolder folder{testing::ScratchPlace::kDisk};
  std::mt19937_64 chance(2);
  Counts counts{};
  const auto cycles = rounds(6, 1000);
  std::uint64_t images = 0;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    {
      Victim victim(TARMAC_CACHE_WRITER, (folder / "log").string(), mode, counts);
      ASSERT_TRUE(victim.kill_after(1 + chance() % 500, counts));
    }
    CacheOptions options;
    options.durability = DurabilityOptions{.directory = folder / "log"};
    CacheManager<std::string, std::string> cache(options);
    std::map<std::string, std::string> content;
    cache.for_each([&content](const auto& key, const auto& value) { content[key] = value; });
    ASSERT_TRUE(cache.recovery_report());
    images += cache.recovery_report()->image_entries > 0 ? 1U : 0U;
    ASSERT_NO_FATAL_FAILURE(expect_all(content, counts)) << "cycle " << cycle;
  }
  EXPECT_GT(images, 0U) << "the log was never compacted";
}

TEST(CacheKill, LosesNothingWhenEveryWriteIsSynced) { kill_caches_again_and_again("always"); }
TEST(CacheKill, LosesNothingWhenWritesAreSyncedInIntervals) {
  kill_caches_again_and_again("interval");
}
TEST(CacheKill, LosesNothingWhenWritesAreNeverSynced) { kill_caches_again_and_again("never"); }

}  // namespace
}  // namespace tarmac
