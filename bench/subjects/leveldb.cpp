// LevelDB's LRU cache: 16 shards, each a mutex.
#include <leveldb/cache.h>

#include <memory>
#include <optional>

#include "cells.h"
#include "handles.h"

namespace tarmac::bench {
namespace {

template <class K, class V>
class LevelDb {
  using Box = Boxed<V, leveldb::Slice>;
  using Bytes = KeyBytes<K, leveldb::Slice, 8>;

 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = true;
  static constexpr bool kUpdates = true;
  static constexpr int kThreads = 2;

  explicit LevelDb(std::size_t capacity) : cache_(leveldb::NewLRUCache(capacity)) {}

  std::optional<V> get(Wanted<K> key) {
    std::optional<V> copy;
    visit(key, [&copy](const V& value) { copy = value; });
    return copy;
  }
  template <class Function>
  bool visit(Wanted<K> key, Function function) {
    auto* handle = cache_->Lookup(Bytes(key));
    if (handle == nullptr) return false;
    Box::unbox(cache_->Value(handle), function);
    cache_->Release(handle);
    return true;
  }
  void set(Wanted<K> key, V value) {
    cache_->Release(cache_->Insert(Bytes(key), Box::box(std::move(value)), 1, &Box::free));
  }
  [[nodiscard]] std::size_t size() const { return cache_->TotalCharge(); }

 private:
  std::unique_ptr<leveldb::Cache> cache_;
};

}  // namespace

void enter_leveldb(std::vector<Entrant>& entrants) {
  entrants.push_back(entrant<LevelDb>("leveldb_lru"));
}

}  // namespace tarmac::bench
