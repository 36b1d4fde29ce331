// What an operation costs, strategy by strategy, beside two peers in the same run: a flat hash map
// that never evicts and has no lock (the bound), and the textbook's map, list and mutex.
// Only ratios within one run mean anything.
#include <benchmark/benchmark.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "zipf.h"

namespace tarmac::bench {
namespace {

constexpr std::size_t kKeys = 1U << 18U;
constexpr std::size_t kRequests = 1U << 20U;

const std::vector<std::uint64_t>& requests() {
  static const auto made = zipf_requests(kKeys, 0.99, kRequests, 42);
  return made;
}

/// The bound: what a look-up costs where nothing is ever evicted, shared or expired.
class FlatMap {
 public:
  FlatMap(const std::string& strategy, std::size_t capacity) {
    static_cast<void>(strategy);
    map_.reserve(capacity);
  }
  std::optional<std::uint64_t> get(std::uint64_t key) {
    const auto found = map_.find(key);
    return found == map_.end() ? std::nullopt : std::optional(found->second);
  }
  void set(std::uint64_t key, std::uint64_t value) { map_.insert_or_assign(key, value); }

 private:
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> map_;
};

class TextbookLru {
 public:
  TextbookLru(const std::string& strategy, std::size_t capacity) : capacity_(capacity) {
    static_cast<void>(strategy);
  }
  std::optional<std::uint64_t> get(std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }
  void set(std::uint64_t key, std::uint64_t value) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) {
      found->second->second = value;
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    if (index_.size() == capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, value);
    index_.emplace(key, order_.begin());
  }

 private:
  using Order = std::list<std::pair<std::uint64_t, std::uint64_t>>;
  std::size_t capacity_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<std::uint64_t, Order::iterator> index_;
};

class Tarmac {
 public:
  Tarmac(const std::string& strategy, std::size_t capacity) : cache_(options(strategy, capacity)) {}
  auto get(std::uint64_t key) { return cache_.get(key); }
  void set(std::uint64_t key, std::uint64_t value) { cache_.set(key, value); }

 private:
  static CacheOptions options(const std::string& strategy, std::size_t capacity) {
    CacheOptions options;
    options.eviction = strategy;
    options.max_entries = capacity;
    return options;
  }
  CacheManager<std::uint64_t, std::uint64_t> cache_;
};

/// One cache for all threads of a benchmark.
template <class Cache>
class Shared {
 public:
  Cache& of(const std::string& strategy, std::size_t capacity, bool filled) {
    const std::lock_guard lock(mutex_);
    if (users_++ == 0) {
      cache_ = std::make_unique<Cache>(strategy, capacity);
      for (std::uint64_t key = 0; filled && key < kKeys; ++key) cache_->set(key, key);
    }
    return *cache_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) cache_.reset();
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<Cache> cache_;
  int users_ = 0;
};

template <class Cache>
void resident_reads(benchmark::State& state, const std::string& strategy) {
  static Shared<Cache> shared;
  auto& cache = shared.of(strategy, 2 * kKeys, true);
  const auto& keys = requests();
  auto next = static_cast<std::size_t>(state.thread_index()) * kRequests / 2;
  for (auto _ : state) benchmark::DoNotOptimize(cache.get(keys[next++ % kRequests]));
  state.SetItemsProcessed(state.iterations());
  shared.leave();
}

template <class Cache>
void get_or_insert(benchmark::State& state, const std::string& strategy) {
  static Shared<Cache> shared;
  auto& cache = shared.of(strategy, kKeys / 10, false);
  const auto& keys = requests();
  auto next = static_cast<std::size_t>(state.thread_index()) * kRequests / 2;
  std::uint64_t hits = 0;
  for (auto _ : state) {
    const auto key = keys[next++ % kRequests];
    if (cache.get(key)) {
      ++hits;
    } else {
      cache.set(key, key);
    }
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["hit_ratio"] =
      benchmark::Counter(static_cast<double>(hits) / static_cast<double>(state.iterations()),
                         benchmark::Counter::kAvgThreads);
  shared.leave();
}

template <class Cache>
void insert_with_eviction(benchmark::State& state, const std::string& strategy) {
  Cache cache(strategy, kKeys / 10);
  std::uint64_t key = 0;
  for (auto _ : state) {
    cache.set(key, key);
    ++key;
  }
  state.SetItemsProcessed(state.iterations());
}

void write_back_set(benchmark::State& state) {
  CacheManager<std::uint64_t, std::uint64_t> cache;
  if (state.range(0) == 1) cache.set_write_policy(write_back(make_memory_store()));
  std::uint64_t key = 0;
  for (auto _ : state) {
    cache.set(key % 10'000, key);
    ++key;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(write_back_set)->ArgName("write_back")->Arg(0)->Arg(1);

template <class Cache>
void add_all(const std::string& who, const std::string& strategy, bool evicts, bool shareable) {
  const auto add = [&](const std::string& what, auto* function) {
    return benchmark::RegisterBenchmark((what + "/" + who).c_str(), function, strategy);
  };
  const int threads = shareable ? 2 : 1;
  add("resident_reads", &resident_reads<Cache>)->ThreadRange(1, threads)->UseRealTime();
  if (!evicts) return;
  add("get_or_insert", &get_or_insert<Cache>)->ThreadRange(1, threads)->UseRealTime();
  add("insert_with_eviction", &insert_with_eviction<Cache>);
}

const bool registered = [] {
  add_all<FlatMap>("bound:flat_map", "", false, false);
  add_all<TextbookLru>("peer:textbook_lru", "", true, true);
  for (const auto& row : catalog()) {
    const std::string name(row.name);
    add_all<Tarmac>("tarmac:" + name, name, true, true);
  }
  return true;
}();

}  // namespace
}  // namespace tarmac::bench
