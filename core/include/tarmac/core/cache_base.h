// The part of a cache that does not depend on its key and value types: what observers work with.
#pragma once

#include <tarmac/core/cache_options.h>
#include <tarmac/core/event_bus.h>
#include <tarmac/core/extra_figures.h>
#include <tarmac/core/function_stats.h>

#include <functional>
#include <memory>
#include <string>

namespace tarmac {

/// Names of the parts at work, as metrics and snapshots show them.
struct CacheDescription {
  std::string name;
  std::string strategy;
  std::string write_policy;
  /// Empty without a store.
  std::string store;
  Capacity capacity;
  std::size_t shards = 1;
};

class CacheProbe;

/// Common face of all CacheManagers.
/// Thread-safety: all members may be called from any thread.
class CacheBase {
 public:
  CacheBase(const CacheBase&) = delete;
  CacheBase& operator=(const CacheBase&) = delete;
  virtual ~CacheBase();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Takes no shard lock; costs the adding up of the counters.
  [[nodiscard]] virtual Stats stats() const = 0;
  [[nodiscard]] virtual CacheDescription describe() const = 0;
  [[nodiscard]] EventBus& events() noexcept { return *events_; }
  /// The bus, for an observer that may outlive the cache.
  [[nodiscard]] const std::shared_ptr<EventBus>& shared_events() const noexcept { return events_; }
  /// The figures of the functions that memoize() has put this cache in front of.
  [[nodiscard]] FunctionTable& functions() noexcept { return functions_; }
  /// What is to be shown of it beside stats().
  [[nodiscard]] ExtraFigures& extra_figures() noexcept { return extra_figures_; }
  /// A handle that stays safe to ask when the cache is gone.
  [[nodiscard]] const std::shared_ptr<CacheProbe>& probe() const noexcept { return probe_; }

 protected:
  explicit CacheBase(std::string name);
  /// To be the first act of the most derived destructor: from then on the probe answers nothing.
  void detach_probe() noexcept;

 private:
  std::string name_;
  FunctionTable functions_;
  ExtraFigures extra_figures_;
  std::shared_ptr<EventBus> events_ = std::make_shared<EventBus>();
  std::shared_ptr<CacheProbe> probe_;
};

/// Lets an observer with a thread of its own look at a cache that another thread may destroy.
/// Thread-safety: all members may be called from any thread. The cache's destructor waits for a
/// look that is under way.
class CacheProbe {
 public:
  explicit CacheProbe(CacheBase& cache) : cache_(&cache) {}

  /// Calls `look` with the cache and returns true, or returns false if it is gone.
  bool with_cache(const std::function<void(CacheBase&)>& look);

 private:
  friend class CacheBase;
  void detach() noexcept;

  std::mutex mutex_;
  CacheBase* cache_;
};

}  // namespace tarmac
