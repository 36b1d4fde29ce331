// What the tests of the core share: quiet options, and a log of everything a cache tells.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/testing/manual_clock.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarmac::core_tests {

using StringCache = CacheManager<std::string, std::string>;
using tarmac::testing::ManualClock;

/// One shard, no thread, and a clock that a test moves.
inline CacheOptions quiet_options(const std::shared_ptr<Clock>& clock) {
  CacheOptions options;
  options.name = "test";
  options.shards = 1;
  options.seed = 1;
  options.background_expiry = false;
  options.clock = clock;
  return options;
}

/// A copy of an event.
struct SeenEvent {
  EventType type;
  std::string key;
  std::optional<RemovalCause> cause;
  std::uint64_t stamp;
  std::uint64_t weight;
  std::uint64_t count;
  SteadyNanos at;
  std::string detail;

  /// "entry_evicted a evicted": the type, the key and the cause, as far as there are any.
  [[nodiscard]] std::string line() const {
    std::string text(to_string(type));
    if (!key.empty()) text += " " + key;
    if (cause) text += " " + std::string(to_string(*cause));
    return text;
  }
};

/// Remembers every event of a cache. Thread-safe.
class EventLog {
 public:
  explicit EventLog(CacheBase& cache) {
    for (const EventType type : all_event_types()) {
      connections_.push_back(cache.events().connect(type, [this](const Event& event) {
        const std::lock_guard lock(mutex_);
        seen_.push_back({event.type, event.key(), event.cause, event.stamp, event.weight,
                         event.count, event.at, std::string(event.detail)});
      }));
    }
  }

  /// What came since the last take.
  [[nodiscard]] std::vector<SeenEvent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(seen_, {});
  }
  [[nodiscard]] std::vector<std::string> take_lines() {
    std::vector<std::string> lines;
    for (const auto& event : take()) lines.push_back(event.line());
    return lines;
  }

 private:
  std::mutex mutex_;
  std::vector<SeenEvent> seen_;
  std::vector<EventConnection> connections_;
};

}  // namespace tarmac::core_tests
