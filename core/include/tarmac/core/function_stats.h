// What memoize() counts for each function.
#pragma once

#include <tarmac/core/stats.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tarmac {

/// A reading of the figures of one memoized function. The counters never fall.
struct FunctionStats {
  std::string name;
  /// Calls that were answered without calling the function.
  std::uint64_t hits = 0;
  /// Calls of the function itself, with those that threw, and how long they took.
  std::uint64_t misses = 0;
  DurationHistogram durations;
};

/// Thread-safety: all members may be called from any thread.
class FunctionFigures {
 public:
  void add_hit() noexcept { counters_.add(Counter::hits); }
  void add_miss(std::int64_t nanoseconds) noexcept;
  [[nodiscard]] FunctionStats read(const std::string& name) const;

 private:
  StripedCounters counters_;
  DurationRecorder durations_;
};

/// The functions in front of which a cache is, by name.
/// Thread-safety: all members may be called from any thread.
class FunctionTable {
 public:
  /// The figures of `name`; the same ones for every function of this name.
  [[nodiscard]] std::shared_ptr<FunctionFigures> figures_of(const std::string& name);
  /// By name.
  [[nodiscard]] std::vector<FunctionStats> read() const;

 private:
  mutable std::mutex mutex_;
  /// Shared with the functions, which may outlive the cache.
  std::map<std::string, std::shared_ptr<FunctionFigures>> figures_;
};

}  // namespace tarmac
