// Nodes of a map made beforehand, so that what has to be put into it later cannot fail.
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// - Thread-safety: not synchronised.
/// - Exceptions: only reserve() throws (std::bad_alloc), and nothing is lost then.
template <class Map>
class SpareNodes {
 public:
  /// Makes sure that so many put() find their memory.
  void reserve(std::size_t count) {
    nodes_.reserve(count);
    while (nodes_.size() < count) {
      Map one;
      one.emplace();
      nodes_.push_back(one.extract(one.begin()));
    }
  }
  /// Requires: the above; the key is not in `map`.
  void put(Map& map, const typename Map::key_type& key, typename Map::mapped_type mapped) noexcept {
    auto node = std::move(nodes_.back());
    nodes_.pop_back();
    node.key() = key;
    node.mapped() = std::move(mapped);
    map.insert(std::move(node));
  }
  /// Takes one out of `map` and keeps its memory, if there is a place. Returns what comes after it.
  typename Map::iterator take(Map& map, typename Map::iterator at) noexcept {
    const auto next = std::next(at);
    auto node = map.extract(at);
    if (nodes_.size() < nodes_.capacity()) nodes_.push_back(std::move(node));
    return next;
  }

 private:
  std::vector<typename Map::node_type> nodes_;
};

}  // namespace tarmac::internal
