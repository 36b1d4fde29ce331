// The bound: what a look-up costs where nothing is ever evicted, shared or expired.
#include <boost/unordered/unordered_flat_map.hpp>

#include <optional>

#include "cells.h"
#include "transparent_hash.h"

namespace tarmac::bench {
namespace {

template <class K, class V>
class FlatMap {
 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = false;
  static constexpr bool kUpdates = false;
  static constexpr int kThreads = 2;  // Only reads.

  explicit FlatMap(std::size_t capacity) { map_.reserve(capacity); }

  std::optional<V> get(Wanted<K> key) {
    const auto found = map_.find(key);
    return found == map_.end() ? std::nullopt : std::optional<V>(found->second);
  }
  template <class Function>
  bool visit(Wanted<K> key, Function function) {
    const auto found = map_.find(key);
    if (found == map_.end()) return false;
    function(found->second);
    return true;
  }
  void set(Wanted<K> key, V value) { map_.insert_or_assign(K(key), std::move(value)); }
  [[nodiscard]] std::size_t size() const { return map_.size(); }

 private:
  boost::unordered_flat_map<K, V, HashOf<K, boost::hash<Wanted<K>>>, std::equal_to<>> map_;
};

template <class K, class V>
Subject<FlatMap<K, V>> bound() {
  return {"bound", "", [](std::size_t n) { return std::make_unique<FlatMap<K, V>>(n); }};
}

}  // namespace

void enter_bound(std::vector<Entrant>& entrants) { entrants.push_back(entrant<FlatMap>("bound")); }

void add_yardstick_ints() {
  const auto subject = bound<std::uint64_t, std::uint64_t>();
  Cells(subject).lasting("resident_get", 1, &resident_get<FlatMap<std::uint64_t, std::uint64_t>>);
}
void add_yardstick_texts() {
  const auto subject = bound<std::string, std::string>();
  Cells(subject).lasting("resident_get", 1, &resident_get<FlatMap<std::string, std::string>>);
}

}  // namespace tarmac::bench
