// A program that writes is killed with -9 again and again, over the same folder.
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/log.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/scratch_folder.h>

#include <filesystem>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <string>

#include "log_rig.h"
#include "victim.h"

namespace tarmac {
namespace {

void kill_again_and_again(const std::string& mode) {
  const testing::ScratchFolder folder{testing::ScratchPlace::disk};
  std::mt19937_64 chance(1);
  Counts counts{};
  std::uint64_t images = 0;
  std::uint64_t acknowledged = 0;
  const auto cycles = rounds(8, 1000);
  std::uint64_t cycle = 0;
  // Where the writer is slow, it takes more lives until the log is long enough to be compacted.
  for (; cycle < cycles || (images == 0 && cycle < 10 * cycles); ++cycle) {
    const auto before = counts;
    {
      Victim victim({"log", (folder / "log").string(), mode}, counts);
      ASSERT_TRUE(victim.read(1 + chance() % 500, counts));
      ASSERT_TRUE(victim.kill(counts));
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
              static_cast<unsigned long long>(cycle),
              static_cast<unsigned long long>(acknowledged));
}

TEST(LogKill, LosesNothingWhenEveryWriteIsSynced) { kill_again_and_again("always"); }
TEST(LogKill, LosesNothingWhenWritesAreSyncedInIntervals) { kill_again_and_again("interval"); }
TEST(LogKill, LosesNothingWhenWritesAreNeverSynced) { kill_again_and_again("never"); }

using TextCache = CacheManager<std::string, std::string>;

CacheOptions options_over(const std::filesystem::path& folder) {
  CacheOptions options;
  options.durability = DurabilityOptions{.directory = folder};
  return options;
}

Content content_of(TextCache& cache) {
  Content content;
  cache.for_each([&content](const auto& key, const auto& value) { content[key] = value; });
  return content;
}

// The same through the cache, which the log is for.
void kill_caches_again_and_again(const std::string& mode) {
  const testing::ScratchFolder folder{testing::ScratchPlace::disk};
  std::mt19937_64 chance(2);
  Counts counts{};
  const auto cycles = rounds(6, 1000);
  std::uint64_t images = 0;
  for (std::uint64_t cycle = 0; cycle < cycles || (images == 0 && cycle < 10 * cycles); ++cycle) {
    {
      Victim victim({"cache", (folder / "log").string(), mode}, counts);
      ASSERT_TRUE(victim.read(1 + chance() % 500, counts));
      ASSERT_TRUE(victim.kill(counts));
    }
    TextCache cache(options_over(folder / "log"));
    const auto content = content_of(cache);
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

/// One line of words and numbers.
template <class... Parts>
void tell(const Parts&... parts) {
  std::ostringstream line;
  (line << ... << parts);
  std::puts(line.str().c_str());
}

// The transcript of docs/reliability.md.
TEST(CacheKill, TellsWhatComesBack) {
  const testing::ScratchFolder folder{testing::ScratchPlace::disk};
  std::mt19937_64 chance(3);
  Counts counts{};
  const auto total = [&counts] { return std::accumulate(counts.begin(), counts.end(), 0ULL); };
  for (std::uint64_t round = 1; round <= rounds(2, 5); ++round) {
    Victim victim({"cache", (folder / "log").string(), "always"}, counts);
    const auto before = total();
    ASSERT_TRUE(victim.read(200 + chance() % 800, counts));
    ASSERT_TRUE(victim.kill(counts));
    tell("round ", round, ": a program with 4 threads writes to a durable cache, sync: always");
    tell("  kill -9 after ", total() - before, " acknowledged writes");
    TextCache cache(options_over(folder / "log"));
    const auto report = cache.recovery_report().value();
    tell("  restart: ", report.image_entries, " entries of the image, ", report.records,
         " records of the log, ", report.torn_bytes, " bytes torn, ",
         report.elapsed.count() / 1'000'000, " ms");
    const auto found = compare(content_of(cache), counts);
    tell("  ", found.keys(), " keys compared: ", found.there, " as acknowledged, ", found.gone,
         " gone as acknowledged,");
    tell("    ", found.under_way, " as after the write that was under way, ", found.wrong,
         " lost or wrong");
    ASSERT_EQ(found.wrong, 0U);
    ASSERT_EQ(found.keys(), writer::kThreads * writer::kKeys);
  }
}

}  // namespace
}  // namespace tarmac
