// Exporter and sink on real caches: what they show, and that they wait for nobody.
#include <gmock/gmock.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/observers/json_event_sink.h>
#include <tarmac/observers/prometheus_exporter.h>
#include <tarmac/policies/catalog.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/faulty_store.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

namespace tarmac {
namespace {

using ::testing::HasSubstr;
using Cache = CacheManager<std::string, std::string>;

CacheOptions options_of(std::string name) {
  CacheOptions options;
  options.name = std::move(name);
  options.max_entries = 2;
  return options;
}

std::ptrdiff_t line_count(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

TEST(LiveCache, ShowsWhatItsCacheHasDone) {
  Cache cache(options_of("live"));
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  cache.set_write_policy(
      write_back(make_memory_store(), {.loss_window_max = std::chrono::hours(1)}));
  for (const auto* key : {"a", "b", "c"}) cache.set(key, "v");
  EXPECT_TRUE(cache.get("c"));
  EXPECT_FALSE(cache.get("none"));
  auto text = exporter.render();
  for (const char* line : {
           "tarmac_cache_hits_total{cache=\"live\"} 1\n",
           "tarmac_cache_misses_total{cache=\"live\"} 1\n",
           "tarmac_cache_sets_total{cache=\"live\"} 3\n",
           "tarmac_cache_items{cache=\"live\"} 2\n",
           "tarmac_cache_max_items{cache=\"live\"} 2\n",
           "tarmac_cache_evictions_total{cache=\"live\",cause=\"size\"} 1\n",
           "tarmac_cache_dirty_writes_pending{cache=\"live\"} 3\n",
           "write_policy=\"write_back\",store=\"memory\"} 1\n",
           "tarmac_cache_events_total{cache=\"live\",type=\"write_policy_swapped\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_TRUE(cache.flush().complete());
  text = exporter.render();
  EXPECT_THAT(text, HasSubstr("tarmac_cache_dirty_writes_pending{cache=\"live\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("tarmac_cache_flushed_writes_total{cache=\"live\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("tarmac_cache_flush_duration_seconds_count{cache=\"live\"} 1\n"));
}

// Trap L3 with the real parts.
TEST(LiveCache, KeepsItsNumberOfSeriesThroughAHundredSwaps) {
  Cache cache(options_of("live"));
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto lines = line_count(exporter.render());
  for (int i = 0; i < 100; ++i) {
    cache.swap_strategy(i % 2 == 0 ? "lfu" : "lru");
    EXPECT_EQ(line_count(exporter.render()), lines);
  }
  EXPECT_THAT(exporter.render(),
              HasSubstr("tarmac_cache_strategy_swaps_total{cache=\"live\"} 100\n"));
}

// Trap L4: a scrape takes no lock of the cache that an operation may hold for long. Method: scrape
// from inside compute(), and while a set() hangs in its store.
TEST(LiveCache, IsScrapedWhileItsOperationsHang) {
  Cache cache(options_of("live"));
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const std::function<std::optional<std::string>(std::optional<std::string>)> scrape =
      [&](const std::optional<std::string>&) -> std::optional<std::string> {
    EXPECT_THAT(exporter.render(), HasSubstr("tarmac_cache_items{cache=\"live\"} 0\n"));
    return "v";
  };
  EXPECT_EQ(cache.compute("k", scrape), "v");
  const auto store = std::make_shared<testing::FaultyStore>(make_memory_store());
  cache.set_write_policy(write_through(store));
  store->block_writes();
  std::thread writer([&] { cache.set("slow", "v"); });
  store->await_blocked();
  EXPECT_THAT(exporter.render(), HasSubstr("tarmac_cache_items{cache=\"live\"} 1\n"));
  store->release_writes();
  writer.join();
}

TEST(LiveCache, GoesOnWhenASlotOfItsMetricsThrowsOrUsesIt) {
  Cache cache(options_of("live"));
  PrometheusExporter exporter;
  const auto watch = exporter.watch(cache);
  const auto first = cache.events().connect(
      EventType::metrics_updated, [](const Event&) { throw std::runtime_error("on purpose"); });
  const auto second = cache.events().connect(EventType::metrics_updated,
                                             [&](const Event&) { cache.set("from a slot", "v"); });
  EXPECT_THAT(exporter.render(), HasSubstr("cache=\"live\""));
  EXPECT_TRUE(cache.contains("from a slot"));
  EXPECT_EQ(cache.stats().observer_errors, 1U);
}

TEST(LiveCache, LogsItsLifeAsLinesOfJson) {
  std::ostringstream out;
  {
    JsonEventSink sink(out, {.types = {}, .keys = true});
    Cache cache(options_of("live"));
    sink.watch(cache);
    for (const auto* key : {"a", "b", "c"}) cache.set(key, "v");
    cache.erase("c");
    cache.swap_strategy("fifo");
  }
  const auto text = out.str();
  EXPECT_THAT(text, HasSubstr("\"type\":\"entry_set\",\"cache\":\"live\",\"key\":\"a\""));
  EXPECT_THAT(text, HasSubstr("\"type\":\"entry_evicted\""));
  EXPECT_THAT(text, HasSubstr("\"type\":\"entry_deleted\",\"cache\":\"live\",\"key\":\"c\""));
  EXPECT_THAT(text, HasSubstr("lru -> fifo"));
}

}  // namespace
}  // namespace tarmac
