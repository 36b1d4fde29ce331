// RocksDB's block caches: LRU, and HyperClockCache, which reads without locks. Each entry is
// charged 1, so that the capacity is a number of entries. They choose their number of shards by a
// capacity in bytes, which this is not; so they get the most they ever choose.
#include <rocksdb/cache.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cells.h"
#include "handles.h"

namespace tarmac::bench {
namespace {

constexpr int kShardBits = 6;

std::shared_ptr<rocksdb::Cache> make_lru(std::size_t capacity) {
  rocksdb::LRUCacheOptions options;
  options.capacity = capacity;
  options.num_shard_bits = kShardBits;
  options.metadata_charge_policy = rocksdb::kDontChargeCacheMetadata;
  return rocksdb::NewLRUCache(options);
}

std::shared_ptr<rocksdb::Cache> make_hyper_clock(std::size_t capacity) {
  constexpr std::size_t kEstimatedCharge = 1;
  return rocksdb::HyperClockCacheOptions(capacity, kEstimatedCharge, kShardBits, false, nullptr,
                                         rocksdb::kDontChargeCacheMetadata)
      .MakeSharedCache();
}

template <class K, class V>
class RocksDb {
  using Box = Boxed<V, rocksdb::Slice>;
  using Bytes = KeyBytes<K, rocksdb::Slice, 16>;

 public:
  using Key = K;
  using Value = V;
  static constexpr bool kEvicts = true;
  static constexpr bool kUpdates = true;
  static constexpr int kThreads = 2;

  RocksDb(std::shared_ptr<rocksdb::Cache> cache, bool insert_replaces)
      : cache_(std::move(cache)), insert_replaces_(insert_replaces) {}

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
    const auto status = cache_->Insert(Bytes(key), Box::box(std::move(value)), 1, &Box::free);
    if (!status.ok()) throw std::runtime_error("RocksDB: " + status.ToString());
  }
  void replace(Wanted<K> key, V value) {
    if (!insert_replaces_) cache_->Erase(Bytes(key));
    set(key, std::move(value));
  }
  [[nodiscard]] std::size_t size() const { return cache_->GetUsage(); }

 private:
  std::shared_ptr<rocksdb::Cache> cache_;
  bool insert_replaces_;
};

template <class K, class V>
Subject<RocksDb<K, V>> lru() {
  return {"rocksdb_lru", "", [](std::size_t capacity) {
            return std::make_unique<RocksDb<K, V>>(make_lru(capacity), true);
          }};
}

/// Keeps the value that it has: to replace one, it has to be erased first.
template <class K, class V>
Subject<RocksDb<K, V>> hyper_clock() {
  return {"rocksdb_hyperclock", "", [](std::size_t capacity) {
            return std::make_unique<RocksDb<K, V>>(make_hyper_clock(capacity), false);
          }};
}

}  // namespace

void enter_rocksdb(std::vector<Entrant>& entrants) {
  entrants.push_back(entrant(lru<std::uint64_t, std::uint64_t>(), lru<std::string, std::string>()));
  entrants.push_back(entrant(hyper_clock<std::uint64_t, std::uint64_t>(),
                             hyper_clock<std::string, std::string>()));
}

}  // namespace tarmac::bench
