// Tarmac, once with each strategy of its catalogue.
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <optional>

#include "cells.h"
#include "strategies.h"

namespace tarmac::bench {
namespace {

template <class K, class V>
class Tarmac {
 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = true;
  static constexpr bool kUpdates = true;
  static constexpr int kThreads = 2;

  Tarmac(const std::string& strategy, std::size_t capacity) : cache_(options(strategy, capacity)) {}

  std::optional<V> get(Wanted<K> key) { return cache_.get(key); }
  template <class Function>
  bool visit(Wanted<K> key, Function function) {
    return cache_.visit(key, function);
  }
  void set(Wanted<K> key, V value) { cache_.set(key, std::move(value)); }
  [[nodiscard]] std::size_t size() { return cache_.size(); }

 private:
  static CacheOptions options(const std::string& strategy, std::size_t capacity) {
    CacheOptions options;
    options.eviction = strategy;
    options.max_entries = capacity;
    return options;
  }
  CacheManager<K, V> cache_;
};

template <class K, class V>
Subject<Tarmac<K, V>> with(const std::string& strategy, const std::string& tracking) {
  return {"tarmac:" + strategy, tracking, [strategy](std::size_t capacity) {
            return std::make_unique<Tarmac<K, V>>(strategy, capacity);
          }};
}

}  // namespace

void enter_tarmac(std::vector<Entrant>& entrants) {
  for (const auto& row : catalog()) {
    const std::string strategy(row.name);
    const std::string tracking = tracking_of(row);
    entrants.push_back(entrant(with<std::uint64_t, std::uint64_t>(strategy, tracking),
                               with<std::string, std::string>(strategy, tracking)));
  }
}

}  // namespace tarmac::bench
