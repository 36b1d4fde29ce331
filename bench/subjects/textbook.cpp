// The cache of the textbooks: a hash map into a list in order of use, under one mutex.
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "cells.h"
#include "transparent_hash.h"

namespace tarmac::bench {
namespace {

template <class K, class V>
class Textbook {
 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = true;
  static constexpr bool kUpdates = true;
  static constexpr int kThreads = 2;

  explicit Textbook(std::size_t capacity) : capacity_(capacity) { index_.reserve(capacity); }

  std::optional<V> get(Wanted<K> key) {
    std::optional<V> copy;
    visit(key, [&copy](const V& value) { copy = value; });
    return copy;
  }
  template <class Function>
  bool visit(Wanted<K> key, Function function) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return false;
    order_.splice(order_.begin(), order_, found->second);
    function(found->second->second);
    return true;
  }
  void set(Wanted<K> key, V value) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) {
      found->second->second = std::move(value);
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    if (index_.size() == capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(K(key), std::move(value));
    index_.emplace(K(key), order_.begin());
  }
  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  using Order = std::list<std::pair<K, V>>;
  std::size_t capacity_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<K, typename Order::iterator, HashOf<K, std::hash<Wanted<K>>>, std::equal_to<>>
      index_;
};

}  // namespace

void enter_textbook(std::vector<Entrant>& entrants) {
  entrants.push_back(entrant<Textbook>("textbook"));
}

}  // namespace tarmac::bench
