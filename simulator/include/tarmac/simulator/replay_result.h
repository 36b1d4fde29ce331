// What a replay counts, and how it tells of its progress.
#pragma once

#include <tarmac/simulator/trace_reader.h>

#include <cstdint>
#include <functional>

namespace tarmac {

/// Counts of a replay so far. `hits + misses == requests`, always.
struct ReplayResult {
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  /// Misses whose object was larger than the whole cache and so was not kept.
  std::uint64_t bypassed = 0;
  /// Objects that gave way to others; not counted by a replay through a live cache, whose own
  /// statistics tell.
  std::uint64_t evictions = 0;
  /// Bytes of all requests, and of those that missed.
  std::uint64_t bytes = 0;
  std::uint64_t missed_bytes = 0;

  /// Between 0 and 1; 0 before the first request.
  [[nodiscard]] double miss_ratio() const noexcept { return ratio(misses, requests); }
  [[nodiscard]] double byte_miss_ratio() const noexcept { return ratio(missed_bytes, bytes); }

 private:
  static double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

/// Called every `interval` requests and once at the end, on the replaying thread, for a progress
/// bar or for work to be done now and then. Throwing ends the replay.
struct ReplayReport {
  std::function<void(const ReplayResult&, const TraceProgress&)> call;
  std::uint64_t interval = 65'536;

  /// Calls if the number of requests is a multiple of the interval.
  void at_interval(const ReplayResult& result, const TraceReader& trace) const {
    if (call && interval > 0 && result.requests % interval == 0) call(result, trace.progress());
  }
  void at_end(const ReplayResult& result, const TraceReader& trace) const {
    if (call) call(result, trace.progress());
  }
};

}  // namespace tarmac
