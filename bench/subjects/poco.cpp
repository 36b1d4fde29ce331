// Poco's LRUCache: a std::map of shared pointers and an event for each call, under one mutex.
#include <Poco/LRUCache.h>

#include <optional>

#include "cells.h"

namespace tarmac::bench {
namespace {

template <class K, class V>
class PocoLru {
 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = true;
  static constexpr bool kUpdates = true;
  static constexpr int kThreads = 2;

  explicit PocoLru(std::size_t capacity) : cache_(capacity) {}

  std::optional<V> get(Wanted<K> key) {
    std::optional<V> copy;
    visit(key, [&copy](const V& value) { copy = value; });
    return copy;
  }
  template <class Function>
  bool visit(Wanted<K> key, Function function) {
    const auto found = cache_.get(K(key));
    if (found.isNull()) return false;
    function(*found);
    return true;
  }
  /// update() replaces, where add() would remove and add.
  void set(Wanted<K> key, const V& value) { cache_.update(K(key), value); }
  [[nodiscard]] std::size_t size() { return cache_.size(); }

 private:
  Poco::LRUCache<K, V> cache_;
};

}  // namespace

void enter_poco(std::vector<Entrant>& entrants) {
  entrants.push_back(entrant<PocoLru>("poco_lru"));
}

}  // namespace tarmac::bench
