// The example of an event log in docs/metrics.md, compiled and run.
#include <gtest/gtest.h>
#include <tarmac/tarmac.h>

#include <string>

// clang-format off
// [event-log]
#include <tarmac/observers/json_event_sink.h>
// [/event-log]
// clang-format on

namespace {

TEST(MetricsPage, WritesEventsAsLines) {
  tarmac::CacheOptions options;
  options.name = "logged";
  tarmac::CacheManager<std::string, int> cache(options);
  // clang-format off
  // [event-log]
  tarmac::JsonEventSink sink("events.jsonl");        // or a std::ostream
  sink.watch(cache);
  // [/event-log]
  // clang-format on
  cache.set("k", 1);
  sink.drain();
  EXPECT_EQ(sink.written(), 1U);
  EXPECT_EQ(sink.failed(), 0U);
}

}  // namespace
