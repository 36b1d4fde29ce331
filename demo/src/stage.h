// What a scenario plays on: its clock, its caches, and what has been heard of them.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/demo/demo_clock.h>
#include <tarmac/demo/observation.h>
#include <tarmac/demo/play.h>
#include <tarmac/demo/scenario.h>
#include <tarmac/demo/scratch_folder.h>

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tarmac::demo {

using DemoCache = CacheManager<std::string, std::string>;
using Content = std::map<std::string, std::string>;

/// The entries of `cache`, looked at without being counted. O(n log n).
[[nodiscard]] Content content_of(DemoCache& cache);

/// What the events of one cache have said so far.
struct Heard {
  struct Line {
    std::chrono::nanoseconds at;
    std::string type;
    std::string key;
    std::string detail;
  };
  /// In lists of keys: beyond as many, keys are only counted.
  static constexpr std::size_t kKeysMax = 10'000;
  static constexpr std::size_t kRecentMax = 12;

  std::array<std::uint64_t, kEventTypeCount> counts{};
  std::vector<std::string> evicted;
  std::vector<std::string> expired;
  std::vector<std::string> deleted;
  /// The last ones, but for hits and misses.
  std::deque<Line> recent;
};

/// One cache of the scenario, wired to the stage.
class StageCache {
 public:
  StageCache(CacheConfig config, std::shared_ptr<DemoClock> clock, Observation* observation);

  struct Kept {
    Snapshot snapshot;
    Content content;
  };

  [[nodiscard]] DemoCache& cache() noexcept { return *cache_; }
  [[nodiscard]] const std::string& name() const noexcept { return config_.options.name; }
  /// A cache over the files as they are now: what kill -9 would leave. Requires: it is durable, and
  /// has no store. History, figures and whatever else was in memory alone are gone.
  void crash();
  /// What stands behind the cache, whichever policy writes to it; null without.
  [[nodiscard]] const std::shared_ptr<BackingStore>& store() const noexcept { return store_; }
  [[nodiscard]] Heard heard() const;
  /// Snapshots by the name their step gave them.
  [[nodiscard]] std::map<std::string, Kept>& snapshots() noexcept { return snapshots_; }

 private:
  struct Ears {
    std::mutex mutex;
    Heard heard;
  };

  void open();
  void listen();

  CacheConfig config_;
  std::shared_ptr<DemoClock> clock_;
  Observation* observation_;
  /// Of the log: each life of the cache has a folder in it.
  std::optional<ScratchFolder> scratch_;
  std::size_t lives_ = 0;
  std::shared_ptr<BackingStore> store_;
  /// Shared with the slots, one of which may still run when the stage is cleared.
  std::shared_ptr<Ears> ears_ = std::make_shared<Ears>();
  std::map<std::string, Kept> snapshots_;
  std::unique_ptr<DemoCache> cache_;
  std::shared_ptr<void> watch_;
  std::vector<EventConnection> connections_;
};

class Stage {
 public:
  Stage(const Scenario& scenario, PlayListener* listener, Observation* observation);

  [[nodiscard]] DemoClock& clock() noexcept { return *clock_; }
  [[nodiscard]] StageCache& cache(std::size_t index) { return *caches_.at(index); }
  [[nodiscard]] const std::vector<std::unique_ptr<StageCache>>& caches() const noexcept {
    return caches_;
  }
  void progress(std::string_view what, double fraction) const {
    if (listener_ != nullptr) listener_->on_progress(what, fraction);
  }

 private:
  std::shared_ptr<DemoClock> clock_ = std::make_shared<DemoClock>();
  PlayListener* listener_;
  std::vector<std::unique_ptr<StageCache>> caches_;
};

}  // namespace tarmac::demo
