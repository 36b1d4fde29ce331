// What a shard holds, apart from it: how a restore builds the new and disposes of the old.
#pragma once

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/core/internal/access_log.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/limbo.h>
#include <tarmac/core/internal/node_table.h>
#include <tarmac/core/internal/timing_wheel.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// The content of one shard, built aside; after the exchange, what the shard held before.
template <class K, class V>
struct ShardContent {
  explicit ShardContent(SteadyNanos now)
      : wheel(std::make_unique<TimingWheel>(now)), begun_at(now) {}
  ShardContent(const ShardContent&) = delete;
  ShardContent& operator=(const ShardContent&) = delete;
  ~ShardContent() {
    strategy.reset();  // Before the entries that it knows.
    Remains<K, V> remains;
    table.for_each([&](EntryNode& node) { remains.add(static_cast<Entry<K, V>&>(node)); });
  }

  void add(Ref<Entry<K, V>> entry, std::uint64_t expected) {
    static_cast<void>(table.make_room(expected));  // No reader knows it yet.
    weight += entry->weight;
    last_stamp = std::max(last_stamp, entry->stamp);
    if (entry->timer) wheel->schedule(*entry->timer);
    const WordPair pair = words_of(*entry);
    const bool may_expire = entry->timer != nullptr;
    table.insert(*entry.release_ownership(), pair, may_expire, begun_at);
  }
  void remove(Entry<K, V>& entry) {
    table.erase(entry);
    if (entry.timer) wheel->cancel(*entry.timer);
    weight -= entry.weight;
    static_cast<void>(Ref<Entry<K, V>>::adopt(&entry));
  }
  /// Ends the building: the strategy gets the entries, the one to go first in front.
  void rank(std::unique_ptr<EvictionStrategy> made) {
    if (!order.empty()) last_tick = order.back()->accessed_at;
    strategy = std::move(made);
    strategy->take_over(order);
  }

  NodeTable<kIsPaired<K, V>> table;
  std::unique_ptr<AccessLog> hits = std::make_unique<AccessLog>();
  std::unique_ptr<TimingWheel> wheel;
  SteadyNanos begun_at;
  std::unique_ptr<EvictionStrategy> strategy;
  std::vector<EntryNode*> order;  ///< the one to go first in front
  std::uint64_t weight = 0;
  std::uint32_t last_tick = 0;
  /// Of the entries; those of another cache's snapshot may be ahead of this cache's.
  std::uint64_t last_stamp = 0;
};

}  // namespace tarmac::internal
