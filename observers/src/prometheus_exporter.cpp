#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>
#include <tarmac/observers/prometheus_exporter.h>

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "metric_families.h"

namespace tarmac {
namespace {

/// Counts events in slots, which may run on after their connection has ended.
struct EventCounters {
  std::array<std::atomic<std::uint64_t>, internal::kRareEvents.size()> counts{};

  [[nodiscard]] internal::EventCounts read() const noexcept {
    internal::EventCounts result{};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      result.at(i) = counts.at(i).load(std::memory_order_relaxed);
    }
    return result;
  }
};

struct WatchedCache {
  std::string name;
  /// The other owner is the cache.
  std::shared_ptr<CacheProbe> probe;
  /// The other owners are the slots.
  std::shared_ptr<EventCounters> counters = std::make_shared<EventCounters>();
  std::vector<EventConnection> connections;
};

std::shared_ptr<WatchedCache> make_watch(CacheBase& cache) {
  auto watched = std::make_shared<WatchedCache>();
  watched->name = cache.name();
  watched->probe = cache.probe();
  for (std::size_t i = 0; i < internal::kRareEvents.size(); ++i) {
    watched->connections.push_back(cache.events().connect(
        internal::kRareEvents.at(i), [counters = watched->counters, i](const Event&) {
          counters->counts.at(i).fetch_add(1, std::memory_order_relaxed);
        }));
  }
  return watched;
}

/// Set while this thread looks at a cache: a slot of metrics_updated that scrapes would wait for
/// the very look that called it.
thread_local bool looking = false;

class LookGuard {
 public:
  LookGuard() noexcept { looking = true; }
  ~LookGuard() { looking = false; }
  LookGuard(const LookGuard&) = delete;
  LookGuard& operator=(const LookGuard&) = delete;
};

void tell_updated(CacheBase& cache) {
  if (!cache.events().has_slots(EventType::metrics_updated)) return;
  Event event;
  event.type = EventType::metrics_updated;
  event.cache = cache.name();
  event.at = system_clock()->steady_now();
  event.wall_time = system_clock()->wall_now();
  cache.events().emit(event);
}

}  // namespace

class PrometheusExporter::Impl final : public prometheus::Collectable {
 public:
  CacheWatch watch(CacheBase& cache) {
    const std::lock_guard lock(mutex_);
    std::erase_if(watches_, [](const auto& one) { return one.expired(); });
    for (const auto& one : watches_) {
      const auto other = one.lock();
      if (other && other->name == cache.name() && is_alive(*other)) {
        throw ConfigError("a cache named \"" + cache.name() +
                          "\" is exported already; give one of the two another name");
      }
    }
    auto watched = make_watch(cache);
    watches_.push_back(watched);
    return CacheWatch(std::move(watched));
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    if (looking) return {};
    try {
      const LookGuard guard;
      const auto watches = living_watches();
      std::vector<internal::CacheSample> samples;
      for (const auto& one : watches) look_at(*one, samples);
      auto families = internal::make_families(samples, errors_.load(std::memory_order_relaxed));
      for (const auto& one : watches) guarded([&] { one->probe->with_cache(tell_updated); });
      return families;
    } catch (...) {
      // The server would end the process; the next scrape shows the counter.
      errors_.fetch_add(1, std::memory_order_relaxed);
      return {};
    }
  }

 private:
  static bool is_alive(const WatchedCache& watched) {
    return watched.probe->with_cache([](CacheBase&) {});
  }

  [[nodiscard]] std::vector<std::shared_ptr<WatchedCache>> living_watches() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<WatchedCache>> result;
    for (const auto& one : watches_) {
      if (auto watched = one.lock()) result.push_back(std::move(watched));
    }
    return result;
  }

  void look_at(const WatchedCache& watched, std::vector<internal::CacheSample>& samples) const {
    guarded([&] {
      watched.probe->with_cache([&](CacheBase& cache) {
        samples.push_back({cache.describe(), cache.stats(), cache.functions().read(),
                           cache.extra_figures().read(), watched.counters->read()});
      });
    });
  }

  /// One cache that cannot be read takes nothing from the others.
  template <class Act>
  void guarded(Act act) const {
    try {
      act();
    } catch (...) {
      errors_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  mutable std::mutex mutex_;
  /// Guarded by mutex_. Owned by the CacheWatches.
  std::vector<std::weak_ptr<WatchedCache>> watches_;
  mutable std::atomic<std::uint64_t> errors_{0};
};

PrometheusExporter::PrometheusExporter() : impl_(std::make_shared<Impl>()) {}
PrometheusExporter::~PrometheusExporter() = default;

CacheWatch PrometheusExporter::watch(CacheBase& cache) { return impl_->watch(cache); }

std::shared_ptr<prometheus::Collectable> PrometheusExporter::collectable() const { return impl_; }

std::string PrometheusExporter::render() const {
  return prometheus::TextSerializer().Serialize(impl_->Collect());
}

}  // namespace tarmac
