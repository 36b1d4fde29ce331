// How a cache loads: what it remembers of loads besides values, when it loads ahead, and how long
// it waits.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace tarmac {

/// Runs what it is given, now or later, in any thread. What it throws is passed to whoever asked
/// for the load, or counted where nobody waits; a task that it drops instead of running fails
/// alone.
using Executor = std::function<void(std::function<void()> task)>;

/// For all loads of a cache (CacheOptions::loading) or for one call. Everything is off by default,
/// and costs get() nothing whatever is on.
struct LoadOptions {
  /// Remembers for so long that a loader found nothing: calls that accept nothing get it without a
  /// loader, until the key is written. Not an entry: get() misses.
  std::optional<std::chrono::nanoseconds> negative_ttl = std::nullopt;
  /// Remembers for so long what a loader has thrown, and throws it again without calling one.
  std::optional<std::chrono::nanoseconds> error_ttl = std::nullopt;
  /// A value older than this is loaded anew when it is asked for. With an executor the new load
  /// runs there and everybody gets the old value meanwhile; without, the caller who came first
  /// loads, and the others get the old value.
  std::optional<std::chrono::nanoseconds> refresh_after = std::nullopt;
  /// Refreshes before the end of the TTL by chance, the likelier the nearer it is and the longer
  /// the load took (XFetch): 1 is a good value, more is earlier, 0 is off.
  double early_refresh = 0;
  /// A value that expired no longer ago than this stands in when the loader fails or a wait ends.
  /// The cache keeps expired values for the longest time that was asked for so far.
  std::optional<std::chrono::nanoseconds> stale_if_error = std::nullopt;
  /// How long a call waits for a load if such a value can stand in, and if none can: then it throws
  /// LoadTimeout. The load goes on, for the others and for the cache. A call that runs the loader
  /// itself cannot stop waiting for it: with an executor, no call does.
  std::optional<std::chrono::nanoseconds> soft_timeout = std::nullopt;
  std::optional<std::chrono::nanoseconds> hard_timeout = std::nullopt;
  /// Where loaders run for refreshes, and for calls with a time-out. Then they outlive the call:
  /// they are copied, must not refer to the caller's locals, and the cache must outlive them.
  Executor executor = nullptr;

  /// Throws ConfigError for the first setting that cannot work; `where` begins its message.
  void validate(const std::string& where) const;
  /// Whether a hit of get_or_load() has to look at the entry's age.
  [[nodiscard]] bool may_refresh() const noexcept { return refresh_after || early_refresh > 0; }
  [[nodiscard]] bool may_time_out() const noexcept { return soft_timeout || hard_timeout; }
};

}  // namespace tarmac
