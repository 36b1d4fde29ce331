// The exporter's families, and what it does when caches die, break or swap their parts.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/observers/prometheus_exporter.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "scripted_cache.h"

namespace tarmac {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Every figure different, so that two of them cannot be mixed up.
Stats distinct_stats() {
  Stats s;
  s.hits = 101;
  s.misses = 102;
  s.evictions = 103;
  s.expirations = 104;
  s.sets = 105;
  s.deletes = 106;
  s.rejected = 107;
  s.loads = 108;
  s.load_failures = 109;
  s.coalesced_loads = 118;
  s.load_refreshes = 119;
  s.load_stale_served = 120;
  s.load_negative_hits = 121;
  s.load_error_hits = 122;
  s.load_timeouts = 123;
  s.flushed_writes = 110;
  s.store_errors = 111;
  s.retries = 112;
  s.dead_letters = 119;
  s.backpressure_seconds = 120.5;
  s.oldest_dirty_seconds = 207.5;
  s.strategy_swaps = 113;
  s.write_policy_swaps = 114;
  s.snapshots_taken = 115;
  s.snapshots_restored = 116;
  s.observer_errors = 117;
  s.current_items = 201;
  s.total_bytes = 202;
  s.dirty_writes_pending = 203;
  s.undo_depth = 204;
  s.redo_depth = 205;
  s.undo_bytes = 206;
  s.load_durations.counts.at(0) = 2;
  s.load_durations.counts.at(3) = 1;
  s.load_durations.counts.at(DurationHistogram::kBounds.size()) = 1;
  s.load_durations.sum_seconds = 41.5;
  s.flush_durations.counts.at(1) = 7;
  s.flush_durations.sum_seconds = 0.25;
  return s;
}

std::ptrdiff_t lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

std::ptrdiff_t count_of(const std::string& text, std::string_view part) {
  std::ptrdiff_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(PrometheusExporter, ShowsEveryFigureUnderItsName) {
  ScriptedCache cache("c");
  cache.set_stats(distinct_stats());
  cache.describe_as({.name = "c",
                     .strategy = "lfu",
                     .write_policy = "write_back",
                     .store = "memory",
                     .capacity = {.max_entries = 301, .max_bytes = 302},
                     .shards = 1});
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto text = exporter.render();
  for (const char* line : {
           "tarmac_cache_hits_total{cache=\"c\"} 101\n",
           "tarmac_cache_misses_total{cache=\"c\"} 102\n",
           "tarmac_cache_evictions_total{cache=\"c\",cause=\"size\"} 103\n",
           "tarmac_cache_expirations_total{cache=\"c\"} 104\n",
           "tarmac_cache_sets_total{cache=\"c\"} 105\n",
           "tarmac_cache_deletes_total{cache=\"c\"} 106\n",
           "tarmac_cache_rejected_total{cache=\"c\"} 107\n",
           "tarmac_cache_loads_total{cache=\"c\"} 108\n",
           "tarmac_cache_load_failures_total{cache=\"c\"} 109\n",
           "tarmac_cache_coalesced_loads_total{cache=\"c\"} 118\n",
           "tarmac_cache_load_refreshes_total{cache=\"c\"} 119\n",
           "tarmac_cache_load_stale_served_total{cache=\"c\"} 120\n",
           "tarmac_cache_load_negative_hits_total{cache=\"c\"} 121\n",
           "tarmac_cache_load_error_hits_total{cache=\"c\"} 122\n",
           "tarmac_cache_load_timeouts_total{cache=\"c\"} 123\n",
           "tarmac_cache_flushed_writes_total{cache=\"c\"} 110\n",
           "tarmac_cache_store_errors_total{cache=\"c\"} 111\n",
           "tarmac_cache_store_retries_total{cache=\"c\"} 112\n",
           "tarmac_cache_dead_letters_total{cache=\"c\"} 119\n",
           "tarmac_cache_backpressure_seconds_total{cache=\"c\"} 120.5\n",
           "tarmac_cache_oldest_dirty_age_seconds{cache=\"c\"} 207.5\n",
           "tarmac_cache_strategy_swaps_total{cache=\"c\"} 113\n",
           "tarmac_cache_write_policy_swaps_total{cache=\"c\"} 114\n",
           "tarmac_cache_snapshots_taken_total{cache=\"c\"} 115\n",
           "tarmac_cache_snapshots_restored_total{cache=\"c\"} 116\n",
           "tarmac_cache_observer_errors_total{cache=\"c\"} 117\n",
           "tarmac_cache_items{cache=\"c\"} 201\n",
           "tarmac_cache_bytes{cache=\"c\"} 202\n",
           "tarmac_cache_dirty_writes_pending{cache=\"c\"} 203\n",
           "tarmac_cache_undo_depth{cache=\"c\"} 204\n",
           "tarmac_cache_redo_depth{cache=\"c\"} 205\n",
           "tarmac_cache_undo_bytes{cache=\"c\"} 206\n",
           "tarmac_cache_max_items{cache=\"c\"} 301\n",
           "tarmac_cache_max_bytes{cache=\"c\"} 302\n",
           "tarmac_cache_info{cache=\"c\",strategy=\"lfu\",write_policy=\"write_back\","
           "store=\"memory\"} 1\n",
           "tarmac_cache_load_duration_seconds_bucket{cache=\"c\",le=\"1e-05\"} 2\n",
           "tarmac_cache_load_duration_seconds_bucket{cache=\"c\",le=\"0.001\"} 3\n",
           "tarmac_cache_load_duration_seconds_bucket{cache=\"c\",le=\"30\"} 3\n",
           "tarmac_cache_load_duration_seconds_bucket{cache=\"c\",le=\"+Inf\"} 4\n",
           "tarmac_cache_load_duration_seconds_sum{cache=\"c\"} 41.5\n",
           "tarmac_cache_load_duration_seconds_count{cache=\"c\"} 4\n",
           "tarmac_cache_flush_duration_seconds_count{cache=\"c\"} 7\n",
           "tarmac_cache_events_total{cache=\"c\",type=\"flushed\"} 0\n",
           "tarmac_exporter_errors_total 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(PrometheusExporter, ShowsTheBreakerOfAStoreThatHasOne) {
  ScriptedCache cache("c");
  ScriptedCache other("d");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto watch_other = exporter.watch(other);
  EXPECT_THAT(exporter.render(), Not(HasSubstr("tarmac_cache_store_breaker{")));
  Stats stats;
  stats.breaker = BreakerState::half_open;
  stats.breaker_opens = 7;
  cache.set_stats(stats);
  const auto text = exporter.render();
  EXPECT_THAT(text, HasSubstr("# TYPE tarmac_cache_store_breaker gauge\n"
                              "tarmac_cache_store_breaker{cache=\"c\",state=\"closed\"} 0\n"
                              "tarmac_cache_store_breaker{cache=\"c\",state=\"open\"} 0\n"
                              "tarmac_cache_store_breaker{cache=\"c\",state=\"half_open\"} 1\n#"));
  EXPECT_THAT(text, HasSubstr("tarmac_cache_store_breaker_opens_total{cache=\"c\"} 7\n"));
}

TEST(PrometheusExporter, ShowsTheFunctionsThatAreMemoized) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  EXPECT_THAT(exporter.render(), Not(HasSubstr("tarmac_cache_function_")));
  const auto figures = cache.functions().figures_of("area");
  figures->add_hit();
  figures->add_hit();
  figures->add_miss(2'000'000'000);
  const auto text = exporter.render();
  for (const char* line : {
           "tarmac_cache_function_hits_total{cache=\"c\",function=\"area\"} 2\n",
           "tarmac_cache_function_misses_total{cache=\"c\",function=\"area\"} 1\n",
           "tarmac_cache_function_duration_seconds_count{cache=\"c\",function=\"area\"} 1\n",
           "tarmac_cache_function_duration_seconds_sum{cache=\"c\",function=\"area\"} 2\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(PrometheusExporter, ShowsWhatACacheHasBeside) {
  ScriptedCache cache("c");
  ScriptedCache other("d");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto watch_other = exporter.watch(other);
  const auto read = [] {
    return std::vector<ExtraFigure>{
        {"tarmac_cache_l2_errors_total", "Errors.", true, 3, {}},
        {"tarmac_cache_l1_heard", "Whether it is.", false, 1, {{"by", "test"}}}};
  };
  cache.extra_figures().set(read);
  other.extra_figures().set(read);
  const auto text = exporter.render();
  EXPECT_THAT(text, HasSubstr("# TYPE tarmac_cache_l2_errors_total counter\n"
                              "tarmac_cache_l2_errors_total{cache=\"c\"} 3\n"
                              "tarmac_cache_l2_errors_total{cache=\"d\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE tarmac_cache_l1_heard gauge\n"
                              "tarmac_cache_l1_heard{cache=\"c\",by=\"test\"} 1\n"));
  cache.extra_figures().set(nullptr);
  EXPECT_THAT(exporter.render(), Not(HasSubstr("l2_errors_total{cache=\"c\"")));
}

TEST(PrometheusExporter, ShowsTheLogOfADurableCacheAndOfNoOther) {
  ScriptedCache plain("plain");
  ScriptedCache cache("c");
  auto stats = distinct_stats();
  stats.durable = true;
  stats.wal_errors = 401;
  stats.journal = {.appended_records = 402,
                   .appended_bytes = 403,
                   .syncs = 404,
                   .sync_failures = 405,
                   .compactions = 406,
                   .compaction_failures = 407,
                   .log_bytes = 408,
                   .segments = 409,
                   .appended = 500,
                   .durable = 90,
                   .degraded = true};
  stats.recovery = {.records = 411,
                    .image_entries = 412,
                    .expired = 413,
                    .torn_bytes = 414,
                    .elapsed = std::chrono::milliseconds(1500)};
  cache.set_stats(stats);
  PrometheusExporter exporter;
  const auto watch_plain = exporter.watch(plain);
  const auto watch = exporter.watch(cache);
  const auto text = exporter.render();
  EXPECT_THAT(text, Not(HasSubstr("_wal_errors_total{cache=\"plain\"}")));
  for (const char* figure :
       {"wal_errors_total{cache=\"c\"} 401\n", "wal_records_total{cache=\"c\"} 402\n",
        "wal_appended_bytes_total{cache=\"c\"} 403\n", "wal_syncs_total{cache=\"c\"} 404\n",
        "wal_sync_failures_total{cache=\"c\"} 405\n", "wal_compactions_total{cache=\"c\"} 406\n",
        "wal_compaction_failures_total{cache=\"c\"} 407\n", "wal_bytes{cache=\"c\"} 408\n",
        "wal_segments{cache=\"c\"} 409\n", "wal_unsynced_records{cache=\"c\"} 410\n",
        "wal_degraded{cache=\"c\"} 1\n", "recovery_records{cache=\"c\"} 411\n",
        "recovery_image_entries{cache=\"c\"} 412\n", "recovery_expired{cache=\"c\"} 413\n",
        "recovery_torn_bytes{cache=\"c\"} 414\n", "recovery_seconds{cache=\"c\"} 1.5\n"}) {
    EXPECT_THAT(text, HasSubstr("tarmac_cache_" + std::string(figure)));
  }
}

TEST(PrometheusExporter, LeavesOutTheBoundsOfAnUnboundedCache) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  EXPECT_THAT(exporter.render(), Not(HasSubstr("tarmac_cache_max_")));
}

TEST(PrometheusExporter, CountsRareEventsAndListensToNoOthers) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  for (const auto type : {EventType::entry_get_hit, EventType::entry_get_miss, EventType::entry_set,
                          EventType::entry_deleted, EventType::entry_evicted,
                          EventType::entry_expired, EventType::metrics_updated}) {
    EXPECT_FALSE(cache.events().has_slots(type)) << to_string(type);
  }
  cache.emit(EventType::flushed);
  cache.emit(EventType::flushed);
  cache.emit(EventType::store_error);
  const auto text = exporter.render();
  EXPECT_THAT(text, HasSubstr("events_total{cache=\"c\",type=\"flushed\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("events_total{cache=\"c\",type=\"store_error\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("events_total{cache=\"c\",type=\"command_undone\"} 0\n"));
}

// Trap L3.
TEST(PrometheusExporter, LeavesNoDeadSeriesBehindHoweverOftenPartsAreSwapped) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto lines = lines_of(exporter.render());
  for (int i = 0; i < 100; ++i) {
    cache.describe_as({.name = "c",
                       .strategy = "strategy" + std::to_string(i),
                       .write_policy = i % 2 == 0 ? "none" : "write_back",
                       .store = "memory",
                       .capacity = {},
                       .shards = 1});
    cache.emit(EventType::strategy_swapped);
    const auto text = exporter.render();
    ASSERT_EQ(lines_of(text), lines);
    ASSERT_EQ(count_of(text, "tarmac_cache_info{"), 1);
    ASSERT_THAT(text, HasSubstr("strategy=\"strategy" + std::to_string(i) + "\""));
  }
}

TEST(PrometheusExporter, ForgetsACacheThatIsGoneAndShowsItsSuccessor) {
  PrometheusExporter exporter;
  auto cache = std::make_optional<ScriptedCache>("c");
  const auto first = exporter.watch(*cache);
  EXPECT_THAT(exporter.render(), HasSubstr("cache=\"c\""));
  cache.reset();
  EXPECT_THAT(exporter.render(), Not(HasSubstr("cache=\"c\"")));
  cache.emplace("c");
  const auto second = exporter.watch(*cache);
  EXPECT_THAT(exporter.render(), HasSubstr("cache=\"c\""));
}

TEST(PrometheusExporter, StopsShowingACacheWithItsWatch) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  {
    const auto watch = exporter.watch(cache);
    EXPECT_NE(cache.events().slot_count(), 0U);
  }
  EXPECT_EQ(cache.events().slot_count(), 0U);
  EXPECT_THAT(exporter.render(), Not(HasSubstr("cache=\"c\"")));
}

TEST(PrometheusExporter, LetsItsWatchesOutliveIt) {
  ScriptedCache cache("c");
  CacheWatch watch;
  {
    PrometheusExporter exporter;
    watch = exporter.watch(cache);
  }
  cache.emit(EventType::flushed);
  watch.stop();
  EXPECT_EQ(cache.events().slot_count(), 0U);
}

TEST(PrometheusExporter, RefusesTwoLivingCachesOfOneName) {
  ScriptedCache one("c");
  ScriptedCache two("c");
  ScriptedCache other("d");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(one);
  EXPECT_THROW(static_cast<void>(exporter.watch(two)), ConfigError);
  const auto third = exporter.watch(other);
  EXPECT_EQ(count_of(exporter.render(), "tarmac_cache_items{"), 2);
}

TEST(PrometheusExporter, ShowsTheOthersWhenOneCacheCannotBeRead) {
  ScriptedCache broken("broken");
  ScriptedCache well("well");
  PrometheusExporter exporter;
  const auto first = exporter.watch(broken);
  const auto second = exporter.watch(well);
  broken.break_stats(true);
  EXPECT_THAT(exporter.render(), AllOf(HasSubstr("cache=\"well\""), Not(HasSubstr("\"broken\"")),
                                       HasSubstr("tarmac_exporter_errors_total 1\n")));
  broken.break_stats(false);
  EXPECT_THAT(exporter.render(), HasSubstr("cache=\"broken\""));
}

TEST(PrometheusExporter, TellsWhoeverListensThatMetricsWereUpdated) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  static_cast<void>(exporter.render());
  int told = 0;
  std::string nested = "not asked";
  const auto connection =
      cache.events().connect(EventType::metrics_updated, [&](const Event& event) {
        EXPECT_EQ(event.cache, "c");
        ++told;
        nested = exporter.render();  // Would wait for itself if it looked at caches.
      });
  EXPECT_THAT(exporter.render(), HasSubstr("cache=\"c\""));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(nested, "");
}

TEST(PrometheusExporter, IsNotHarmedByASlotThatThrows) {
  ScriptedCache cache("c");
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto connection = cache.events().connect(
      EventType::metrics_updated, [](const Event&) { throw std::runtime_error("on purpose"); });
  EXPECT_THAT(exporter.render(), HasSubstr("cache=\"c\""));
  EXPECT_EQ(cache.events().slot_failures(), 1U);
  EXPECT_THAT(exporter.render(),
              HasSubstr("tarmac_cache_events_total{cache=\"c\",type=\"observer_error\"} 1\n"));
}

// Goal: for the sanitizers. Method: scrapes while caches come and go in another thread.
TEST(PrometheusExporter, MayScrapeWhileCachesComeAndGo) {
  PrometheusExporter exporter;
  std::thread owner([&] {
    for (int i = 0; i < 300; ++i) {
      ScriptedCache cache("c");
      const auto watch = exporter.watch(cache);
      cache.emit(EventType::flushed);
    }
  });
  for (int i = 0; i < 300; ++i) {
    EXPECT_THAT(exporter.render(), HasSubstr("tarmac_exporter_errors_total 0\n"));
  }
  owner.join();
}

TEST(PrometheusExporter, GivesPromtoolNothingToSay) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "tarmac_promtool";
  std::filesystem::create_directories(folder);
  ScriptedCache cache("c");
  cache.set_stats(distinct_stats());
  cache.describe_as({.name = "c",
                     .strategy = "lru",
                     .write_policy = "none",
                     .store = "",
                     .capacity = {.max_entries = 1, .max_bytes = 2},
                     .shards = 1});
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  std::ofstream(folder / "metrics") << exporter.render();
  const auto command = "promtool check metrics < '" + (folder / "metrics").string() + "' > '" +
                       (folder / "said").string() + "' 2>&1";
  const int status = std::system(command.c_str());
  std::ostringstream text;
  text << std::ifstream(folder / "said").rdbuf();
  EXPECT_EQ(status, 0) << "is the package prometheus installed?";
  EXPECT_EQ(text.str(), "");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tarmac
