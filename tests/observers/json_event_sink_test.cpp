// The JSON event sink: its lines, and that neither a slow nor a broken stream harms a cache.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/observers/json_event_sink.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <thread>
#include <vector>

#include "scripted_cache.h"

namespace tarmac {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<nlohmann::json> records_of(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::string render_key(const void* key) { return *static_cast<const std::string*>(key); }

/// Takes nothing until it is mended, or waits until it is opened.
class ObstinateBuffer final : public std::streambuf {
 public:
  void refuse(bool refuses) {
    const std::lock_guard lock(mutex_);
    refuses_ = refuses;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  void await_writer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }
  [[nodiscard]] std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
    waiting_ = false;
    if (refuses_) return 0;
    text_.append(data, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type c) override {
    const std::lock_guard lock(mutex_);
    if (refuses_) return traits_type::eof();
    text_.push_back(traits_type::to_char_type(c));
    return c;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool refuses_ = false;
  bool closed_ = false;
  bool waiting_ = false;
  std::string text_;
};

TEST(JsonEventSink, WritesOneLineForEachEvent) {
  std::ostringstream out;
  ScriptedCache cache("c");
  JsonEventSink sink(out);
  sink.watch(cache);
  Event event;
  event.type = EventType::entry_evicted;
  event.cache = "c";
  event.cause = RemovalCause::evicted;
  event.stamp = 7;
  event.weight = 42;
  event.wall_time = 1'700'000'000'123'456'789;
  event.detail = "lru";
  event.duration_nanoseconds = 1'500'000'000;
  event.count = 3;
  cache.events().emit(event);
  cache.emit(EventType::flushed);
  sink.drain();
  EXPECT_EQ(sink.written(), 2U);
  const auto text = out.str();
  EXPECT_THAT(text,
              HasSubstr("{\"time\":\"2023-11-14T22:13:20.123456789Z\",\"type\":\"entry_evicted\","
                        "\"cache\":\"c\",\"cause\":\"evicted\",\"stamp\":7,\"weight\":42,"
                        "\"count\":3,\"duration_seconds\":1.5,\"detail\":\"lru\"}\n"));
  EXPECT_EQ(records_of(text).at(1).at("type"), "flushed");
}

TEST(JsonEventSink, EscapesWhatWouldBreakALine) {
  std::ostringstream out;
  ScriptedCache cache("c");
  JsonEventSink sink(out, {.types = {}, .keys = true});
  sink.watch(cache);
  std::string key = "a\nb\0c\x7f\"\\\xff\xc3\xa9\xe2\x80\xa8";
  key += std::string("\0\x1b[31m", 6);
  Event event;
  event.cache = "c";
  event.set_key(&key, render_key);
  event.detail = "two\r\nlines \xc0\xaf";
  cache.events().emit(event);
  sink.drain();
  const auto text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  for (const char c : text) {
    EXPECT_TRUE(c == '\n' || (c >= ' ' && c < '\x7f')) << static_cast<int>(c);
  }
  const auto line = records_of(text).at(0);
  EXPECT_EQ(line.at("detail"), "two\r\nlines \xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_THAT(line.at("key").get<std::string>(), HasSubstr("a\nb"));
}

TEST(JsonEventSink, WritesKeysOnlyWhenAsked) {
  const std::string key = "private";
  Event event;
  event.cache = "c";
  event.set_key(&key, render_key);
  for (const bool asked : {false, true}) {
    std::ostringstream out;
    ScriptedCache cache("c");
    JsonEventSink sink(out, {.types = {}, .keys = asked});
    sink.watch(cache);
    cache.events().emit(event);
    sink.drain();
    EXPECT_EQ(records_of(out.str()).at(0).contains("key"), asked);
  }
}

TEST(JsonEventSink, ListensToTheChosenTypesOnly) {
  std::ostringstream out;
  ScriptedCache cache("c");
  JsonEventSink sink(out,
                     {.types = {EventType::flushed, EventType::entry_get_hit, EventType::flushed}});
  sink.watch(cache);
  for (const auto type : all_event_types()) {
    const bool chosen = type == EventType::flushed || type == EventType::entry_get_hit;
    EXPECT_EQ(cache.events().has_slots(type), chosen) << to_string(type);
    cache.emit(type);
  }
  sink.drain();
  EXPECT_EQ(sink.written(), 2U);
}

TEST(JsonEventSink, LeavesLookUpsAloneUnlessAsked) {
  std::ostringstream out;
  ScriptedCache cache("c");
  JsonEventSink sink(out);
  sink.watch(cache);
  for (const auto type : all_event_types()) {
    const bool look_up = type == EventType::entry_get_hit || type == EventType::entry_get_miss;
    EXPECT_EQ(cache.events().has_slots(type), !look_up) << to_string(type);
  }
}

TEST(JsonEventSink, DropsAndCountsWhatASlowStreamCannotTake) {
  ObstinateBuffer buffer;
  std::ostream out(&buffer);
  ScriptedCache cache("c");
  JsonEventSink sink(out, {.types = {}, .keys = false, .queue_max = 4});
  sink.watch(cache);
  buffer.close();
  cache.emit(EventType::flushed);
  buffer.await_writer();  // It holds the first; the queue is empty again.
  for (int i = 0; i < 10; ++i) cache.emit(EventType::flushed);
  EXPECT_EQ(sink.dropped(), 6U);
  buffer.open();
  sink.drain();
  EXPECT_EQ(sink.written(), 5U);
  EXPECT_EQ(records_of(buffer.text()).size(), 5U);
}

TEST(JsonEventSink, CountsAndTellsWhatABrokenStreamDoesNotTake) {
  ObstinateBuffer buffer;
  std::ostream out(&buffer);
  ScriptedCache cache("c");
  std::mutex mutex;
  std::vector<std::string> told;
  const auto connection =
      cache.events().connect(EventType::observer_error, [&](const Event& event) {
        const std::lock_guard lock(mutex);
        told.emplace_back(event.detail);
      });
  JsonEventSink sink(out, {.types = {EventType::flushed}});
  sink.watch(cache);
  buffer.refuse(true);
  for (int i = 0; i < 5; ++i) {
    cache.emit(EventType::flushed);
    sink.drain();
  }
  EXPECT_EQ(sink.failed(), 5U);
  EXPECT_EQ(sink.written(), 0U);
  buffer.refuse(false);
  cache.emit(EventType::flushed);
  sink.drain();
  EXPECT_EQ(sink.written(), 1U);
  EXPECT_EQ(sink.failed(), 5U);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(told, ElementsAre(HasSubstr("did not take 1 lines"))) << "once for a row of failures";
}

TEST(JsonEventSink, ToleratesAStreamThatThrows) {
  ObstinateBuffer buffer;
  std::ostream out(&buffer);
  out.exceptions(std::ios::badbit | std::ios::failbit);
  ScriptedCache cache("c");
  JsonEventSink sink(out, {.types = {EventType::flushed}});
  sink.watch(cache);
  buffer.refuse(true);
  cache.emit(EventType::flushed);
  sink.drain();
  EXPECT_EQ(sink.failed(), 1U);
  EXPECT_EQ(cache.events().slot_failures(), 0U);
}

TEST(JsonEventSink, WritesEverythingAcceptedBeforeItDies) {
  std::ostringstream out;
  ScriptedCache cache("c");
  {
    JsonEventSink sink(out);
    sink.watch(cache);
    for (int i = 0; i < 1'000; ++i) cache.emit(EventType::flushed);
  }
  EXPECT_EQ(records_of(out.str()).size(), 1'000U);
  EXPECT_EQ(cache.events().slot_count(), 0U);
  cache.emit(EventType::flushed);
}

TEST(JsonEventSink, OutlivesItsCaches) {
  std::ostringstream out;
  JsonEventSink sink(out);
  for (int i = 0; i < 3; ++i) {
    ScriptedCache cache("c" + std::to_string(i));
    sink.watch(cache);
    cache.emit(EventType::flushed);
  }
  sink.drain();
  EXPECT_EQ(sink.written(), 3U);
  EXPECT_THAT(out.str(), HasSubstr("\"c2\""));
}

TEST(JsonEventSink, AppendsToAFile) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "tarmac_events.jsonl";
  std::filesystem::remove(file);
  ScriptedCache cache("c");
  for (int i = 0; i < 2; ++i) {
    JsonEventSink sink(file);
    sink.watch(cache);
    cache.emit(EventType::flushed);
  }
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(records_of(text.str()).size(), 2U);
  std::filesystem::remove(file);
}

TEST(JsonEventSink, RefusesWhatCannotWork) {
  EXPECT_THROW(JsonEventSink(std::filesystem::path("/nonexistent/folder/events")), ConfigError);
  std::ostringstream out;
  EXPECT_THROW(JsonEventSink(out, {.types = {}, .keys = false, .queue_max = 0}), ConfigError);
}

// Goal: for the thread sanitizer. Method: many writers, several caches, one sink that dies first.
TEST(JsonEventSink, TakesEventsFromManyThreads) {
  std::ostringstream out;
  ScriptedCache one("one");
  ScriptedCache two("two");
  std::uint64_t accepted = 0;
  {
    JsonEventSink sink(out, {.types = {}, .keys = false, .queue_max = 100'000});
    sink.watch(one);
    sink.watch(two);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i) (t % 2 == 0 ? one : two).emit(EventType::flushed);
      });
    }
    for (auto& thread : threads) thread.join();
    sink.drain();
    EXPECT_EQ(sink.dropped(), 0U);
    accepted = sink.written();
  }
  EXPECT_EQ(accepted, 2'000U);
  EXPECT_EQ(records_of(out.str()).size(), 2'000U);
}

}  // namespace
}  // namespace tarmac
