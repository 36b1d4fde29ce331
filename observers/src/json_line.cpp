#include "json_line.h"

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <cstdio>

namespace tarmac::internal {

EventRecord::EventRecord(const Event& event, bool with_key)
    : type(event.type),
      cache(event.cache),
      cause(event.cause),
      stamp(event.stamp),
      weight(event.weight),
      count(event.count),
      wall_time(event.wall_time),
      duration_nanoseconds(event.duration_nanoseconds),
      detail(event.detail) {
  if (with_key && event.has_key()) key = event.key();
}

std::string rfc3339(WallNanos time) {
  using namespace std::chrono;
  const sys_time<nanoseconds> point{nanoseconds(time)};
  const auto day = floor<days>(point);
  const year_month_day date(day);
  const hh_mm_ss clock(point - day);
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string to_json_line(const EventRecord& record) {
  nlohmann::ordered_json line;
  line["time"] = rfc3339(record.wall_time);
  line["type"] = to_string(record.type);
  line["cache"] = record.cache;
  if (record.key) line["key"] = *record.key;
  if (record.cause) line["cause"] = to_string(*record.cause);
  if (record.stamp != 0) line["stamp"] = record.stamp;
  if (record.weight != 0) line["weight"] = record.weight;
  if (record.count != 1) line["count"] = record.count;
  if (record.duration_nanoseconds != 0) {
    line["duration_seconds"] = static_cast<double>(record.duration_nanoseconds) / 1e9;
  }
  if (!record.detail.empty()) line["detail"] = record.detail;
  // Escapes all but ASCII, and replaces what is not UTF-8 instead of throwing.
  return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace tarmac::internal
