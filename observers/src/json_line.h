// One event as one line of JSON.
#pragma once

#include <tarmac/core/event.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tarmac::internal {

/// What is kept of an Event after its slot has returned.
struct EventRecord {
  EventRecord(const Event& event, bool with_key);

  EventType type;
  std::string cache;
  std::optional<std::string> key;
  std::optional<RemovalCause> cause;
  std::uint64_t stamp;
  std::uint64_t weight;
  std::uint64_t count;
  WallNanos wall_time;
  std::int64_t duration_nanoseconds;
  std::string detail;
};

/// ASCII, without the line's end.
[[nodiscard]] std::string to_json_line(const EventRecord& record);

/// `2026-01-31T23:59:59.123456789Z`.
[[nodiscard]] std::string rfc3339(WallNanos time);

}  // namespace tarmac::internal
