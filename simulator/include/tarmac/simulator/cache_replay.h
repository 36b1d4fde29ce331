// Replays a trace through a live cache, the same requests as replay.h plays through a bare
// strategy.
#pragma once

#include <tarmac/core/cache_options.h>
#include <tarmac/simulator/replay_result.h>
#include <tarmac/simulator/trace_reader.h>

#include <cstdint>
#include <limits>
#include <optional>

namespace tarmac {

/// What of a request the cache is told. By default nothing but the key: every object counts one and
/// lives for ever, as in published miss ratios.
struct CacheReplayOptions {
  /// The request's size becomes the entry's weight, held at 2^32 - 1.
  bool sizes_are_weights = false;
  /// The request's TTL becomes the entry's. Trace seconds then pass on the cache's clock, which the
  /// replay does not move.
  bool with_ttl = false;
  /// Stops after as many requests; nullopt for all of the trace.
  std::optional<std::uint64_t> requests_max = std::nullopt;
  ReplayReport report;
};

namespace internal {

[[nodiscard]] inline SetOptions set_options(const Request& request,
                                            const CacheReplayOptions& options) {
  constexpr std::uint64_t kWeightMax = std::numeric_limits<std::uint32_t>::max();
  SetOptions result;
  if (options.sizes_are_weights) {
    result.weight = request.size < kWeightMax ? request.size : kWeightMax;
  }
  if (options.with_ttl && request.ttl.count() > 0) result.ttl = request.ttl;
  return result;
}

}  // namespace internal

/// Plays one request: a look-up, and after a miss a set() of what `make_value` returns for the
/// request. Counts it in `result` and says whether it hit.
///
/// `Cache` has `get(key)`, whose result is true in a condition if the key is there, and
/// `set(key, value, SetOptions)` returning SetOutcome: CacheManager<std::uint64_t, Value>, or a
/// test double. Each is called outside any lock, so that several threads may play into one cache,
/// each with a result of its own.
template <class Cache, class MakeValue>
bool play_request(Cache& cache, const Request& request, MakeValue&& make_value,
                  const CacheReplayOptions& options, ReplayResult& result) {
  ++result.requests;
  result.bytes += request.size;
  if (cache.get(request.key)) {
    ++result.hits;
    return true;
  }
  ++result.misses;
  result.missed_bytes += request.size;
  const SetOutcome outcome =
      cache.set(request.key, make_value(request), internal::set_options(request, options));
  if (outcome == SetOutcome::too_large) ++result.bypassed;
  return false;
}

/// Plays the rest of `trace` (or `requests_max` of it) through `cache`. Throws what the reader, the
/// cache, `make_value` and the report throw; the cache keeps what has been played until then.
template <class Cache, class MakeValue>
[[nodiscard]] ReplayResult replay_through(Cache& cache, TraceReader& trace, MakeValue&& make_value,
                                          const CacheReplayOptions& options = {}) {
  ReplayResult result;
  Request request;
  while ((!options.requests_max || result.requests < *options.requests_max) &&
         trace.next(request)) {
    play_request(cache, request, make_value, options, result);
    options.report.at_interval(result, trace);
  }
  options.report.at_end(result, trace);
  return result;
}

}  // namespace tarmac
