// oneTBB's concurrent_lru_cache, a preview that has to be switched on. It has one call: the value
// of a key, made by a function if it is not there. Nothing can be replaced, so it takes no part in
// the mixes.
#include <tbb/concurrent_lru_cache.h>

#include <optional>

#include "cells.h"

namespace tarmac::bench {
namespace {

template <class K, class V>
class OneTbb {
 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = true;
  static constexpr bool kUpdates = false;
  static constexpr int kThreads = 2;

  explicit OneTbb(std::size_t capacity) : capacity_(capacity), cache_(&make, capacity) {}

  /// Only for keys that are there: it would make the others.
  std::optional<V> get(Wanted<K> key) { return cache_[K(key)].value(); }
  template <class Function>
  bool visit(Wanted<K> key, Function function) {
    auto handle = cache_[K(key)];
    function(static_cast<const V&>(handle.value()));
    return true;
  }
  /// Whether it hit cannot be seen from outside; the function that makes values tells.
  bool get_or_insert(Wanted<K> key) {
    made() = false;
    auto value = get(key);
    benchmark::DoNotOptimize(value);
    return !made();
  }
  void set(Wanted<K> key, const V& /*value*/) { get_or_insert(key); }
  /// There is no way to ask; it is only asked when full.
  [[nodiscard]] std::size_t size() const { return capacity_; }

 private:
  static V make(K key) {
    made() = true;
    return value_of(Wanted<K>(key));
  }
  static bool& made() {
    thread_local bool flag = false;
    return flag;
  }

  std::size_t capacity_;
  tbb::concurrent_lru_cache<K, V> cache_;
};

}  // namespace

void enter_onetbb(std::vector<Entrant>& entrants) {
  entrants.push_back(entrant<OneTbb>("onetbb_lru"));
}

}  // namespace tarmac::bench
