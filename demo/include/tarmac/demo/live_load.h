// A load that goes on until it is stopped, so that there is something to watch.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/core/clock.h>
#include <tarmac/demo/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tarmac::demo {

class Observation;

struct LiveLoadOptions {
  /// Over all caches and threads; looks-up and writes.
  std::uint64_t operations_per_second = 2'000;
  unsigned threads = 2;
  std::uint64_t seed = 1;
  std::shared_ptr<Clock> clock = system_clock();
  /// Called once, by a thread of the load, when it cannot go on; stop() then throws what happened.
  std::function<void()> on_failure = [] {};
};

/// Makes the caches of a cache file and uses all of them: popular keys and rare ones, writes, short
/// and long lives; and once a second one rare thing, in turn: a snapshot, a restore, a swap of the
/// strategy or of the write policy, a command undone and redone, a flush. Every metric moves.
///
/// - Ownership: owns caches and threads. `observation` must outlive it.
/// - Thread-safety: stop() from one thread; figures() from any.
/// - Exceptions: the constructor throws what making and filling the caches throws.
class LiveLoad {
 public:
  LiveLoad(const Config& config, Observation& observation, const LiveLoadOptions& options = {});
  /// Stops, if nobody has; what fails then is not told.
  ~LiveLoad();
  LiveLoad(const LiveLoad&) = delete;
  LiveLoad& operator=(const LiveLoad&) = delete;

  /// Ends the threads and flushes every cache. Throws what has stopped a thread, and StoreError if
  /// a flush is not complete. Does nothing when called again.
  void stop();
  [[nodiscard]] std::vector<CacheFigures> figures() const;
  /// Operations done so far, without those that filled the caches at the start.
  [[nodiscard]] std::uint64_t operations() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarmac::demo
