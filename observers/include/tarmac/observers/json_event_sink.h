// Writes what happens in caches as lines of JSON.
#pragma once

#include <tarmac/core/cache_base.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <vector>

namespace tarmac {

struct JsonEventSinkOptions {
  /// Which events to write; empty for all but entry_get_hit and entry_get_miss, which would make
  /// every look-up pay for the sink.
  std::vector<EventType> types;
  /// Whether to write keys. They are users' data, so they stay out unless asked for.
  bool keys = false;
  /// Events that may wait for the writer. What comes while the queue is full is dropped and
  /// counted.
  std::size_t queue_max = 8'192;
};

/// One event, one line: `{"time":"…Z","type":"entry_evicted","cache":"c","cause":"evicted",…}`. A
/// field that says nothing about its event is left out. Text is ASCII: other characters are
/// escaped, and bytes that are not UTF-8 become U+FFFD.
///
/// - Cost to the cache: copying the event into a queue. A thread of the sink makes the text and
///   writes it, so a slow disk slows down nobody; it loses events instead (dropped()).
/// - Failures: a line that the stream does not take is counted (failed()) and the next is tried.
/// The
///   first of a row is told as observer_error on the buses of the caches. Nothing reaches the
///   cache.
/// - Order: that of the events of a key; of different keys, that of delivery.
/// - Thread-safety: all members may be called from any thread.
class JsonEventSink {
 public:
  /// Writes to `out`, which must outlive the sink and be used by nobody else meanwhile. Throws
  /// ConfigError for options that cannot work.
  explicit JsonEventSink(std::ostream& out, JsonEventSinkOptions options = {});
  /// Appends to `file`. Throws ConfigError if it cannot be opened.
  explicit JsonEventSink(const std::filesystem::path& file, JsonEventSinkOptions options = {});
  /// Writes what was accepted, and lets go of the caches.
  ~JsonEventSink();
  JsonEventSink(const JsonEventSink&) = delete;
  JsonEventSink& operator=(const JsonEventSink&) = delete;

  /// Writes the events of `cache` too, from now on. Either may be destroyed first.
  void watch(CacheBase& cache);
  /// Waits until all that was accepted so far is written or has failed.
  void drain();

  [[nodiscard]] std::uint64_t written() const noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept;
  [[nodiscard]] std::uint64_t failed() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarmac
