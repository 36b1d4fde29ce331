// Engine: mementos. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>
#include <tarmac/core/internal/shard_content.h>
#include <tarmac/core/snapshot.h>

#include <algorithm>

namespace tarmac::internal {

/// The typed content behind a Snapshot.
template <class K, class V>
struct SnapshotData final : SnapshotBase {
  std::vector<ShardCopy<K, V>> shards;
  StrategyChoice choice;
  /// What the store held, and for which store that means anything.
  std::shared_ptr<const StoreImage> store_image;
  std::weak_ptr<BackingStore> image_of;
};

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::order_copies(SnapshotData<K, V>& data) {
  data.shards.resize(shards_.size());
  const auto locks = lock_all();
  const auto now = clock_->steady_now();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    data.shards[i].taken_at = now;
    data.shards[i].records.reserve(shards_[i]->table.size());
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    shards_[i]->due_copy.store(&data.shards[i], std::memory_order_release);
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::make_copies() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->copy_if_due();
  }
}

// One point in time: while all shards are locked, each is only told that it owes a copy. Whoever
// changes a shard first, or this thread if nobody does, makes that shard's copy.
template <class K, class V, class H, class E>
std::shared_ptr<const SnapshotData<K, V>> Engine<K, V, H, E>::take_snapshot() {
  auto data = std::make_shared<SnapshotData<K, V>>();
  const auto began = clock_->steady_now();
  {
    const auto admin = lock_admin();
    {
      const Gate::Closure closed(gate_);
      order_copies(*data);
      // No write is between cache and store now, so the image belongs to the same moment. A store
      // that fails must not leave shards that owe a copy to a snapshot which is no more.
      std::exception_ptr failure;
      try {
        data->taken_at = clock_->wall_now();
        data->cache_name = options_.name;
        const auto now_policy = policy();
        data->write_policy = now_policy ? now_policy->name() : "none";
        if (now_policy && now_policy->store()) {
          data->store = now_policy->store()->name();
          data->store_image = now_policy->image();
          data->image_of = now_policy->store();
        }
      } catch (...) {
        failure = std::current_exception();
      }
      make_copies();
      if (failure) std::rethrow_exception(failure);
    }
    const std::lock_guard names(names_mutex_);
    data->strategy = strategy_.name;
    data->choice = strategy_;
  }
  for (const auto& shard : data->shards) data->size += shard.records.size();
  counters_.add(Counter::snapshots_taken);
  announce(EventType::snapshot_taken, data->strategy, data->size, clock_->steady_now() - began);
  return data;
}

template <class K, class V, class H, class E>
Ref<Entry<K, V>> Engine<K, V, H, E>::revive(Key key, std::uint64_t hash,
                                            const SnapshotRecord<K, V>& record,
                                            SteadyNanos now) const {
  auto entry = make_entry(key, hash, record.version);
  entry->inserted_at = record.inserted_at;
  entry->accessed_at = record.accessed_at;
  entry->visits = record.visits;
  entry->expires_at = record.expires_at;
  if (record.expires_at != kNever && !entry->timer) {
    entry->timer = std::make_unique<EntryTimer>(*entry);
  }
  if (entry->timer) {
    auto& timer = *entry->timer;
    timer.deadline = record.version.deadline;
    if (options_.expire_after_access) {
      const auto idle = options_.expire_after_access->count();
      timer.seen_at = std::min(record.expires_at - idle, now);
      entry->expires_at = std::min(record.version.deadline, deadline_after(timer.seen_at, idle));
    }
    timer.expires_at = entry->expires_at;
  }
  return entry;
}

template <class K, class V, class H, class E>
auto Engine<K, V, H, E>::build_aside(const SnapshotData<K, V>& snapshot, SteadyNanos now) const
    -> std::vector<std::shared_ptr<ShardContent<K, V>>> {
  std::vector<std::shared_ptr<ShardContent<K, V>>> contents;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    contents.push_back(std::make_shared<ShardContent<K, V>>(now));
  }
  for (const auto& shard : snapshot.shards) {
    for (const auto& record : shard.records) {
      if (record.expires_at <= now) continue;
      const K& key = record.key_owner->key;
      auto entry = revive(key, hash_of(key), record, now);
      auto& content = *contents[shard_index(entry->hash)];
      content.order.push_back(entry.get());
      content.add(std::move(entry), snapshot.size / shards_.size());
    }
  }
  auto strategies = make_strategies(snapshot.choice.factory);
  const auto goes_first = [](const EntryNode* a, const EntryNode* b) {
    return is_older(a->accessed_at, b->accessed_at);
  };
  for (std::size_t i = 0; i < contents.size(); ++i) {
    auto& order = contents[i]->order;
    std::stable_sort(order.begin(), order.end(), goes_first);
    contents[i]->rank(std::move(strategies[i]));
  }
  return contents;
}

// The store goes first, so that a store that refuses leaves everything as it was.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::restore_store(const SnapshotData<K, V>& snapshot,
                                       std::vector<std::shared_ptr<ShardContent<K, V>>>& contents) {
  auto* active = active_policy_.load(std::memory_order_relaxed);
  if (active == nullptr) return;
  if (snapshot.store_image && snapshot.image_of.lock() == active->store()) {
    active->put_back(*snapshot.store_image);
    return;
  }
  // No image of this store: what is restored is written like any other write, with new stamps; if
  // the store refuses in the middle, what it held is put back, where it can tell what that was.
  const auto before = active->image();
  try {
    write_contents(*active, contents);
  } catch (...) {
    if (before) active->put_back(*before);
    throw;
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::write_contents(
    WritePolicy& policy, const std::vector<std::shared_ptr<ShardContent<K, V>>>& contents) {
  for (std::size_t i = 0; i < contents.size(); ++i) {
    for (auto* node : contents[i]->order) {
      auto& entry = static_cast<EntryType&>(*node);
      {
        const std::lock_guard lock(shards_[i]->mutex);
        entry.stamp = ++shards_[i]->last_stamp;
        shards_[i]->stamps_renewed.fetch_add(1, std::memory_order_relaxed);
      }
      static_cast<void>(policy.on_write(encode(entry.key, entry.hash, entry.version())));
    }
  }
}

// Whether a restored entry is dirty, the policy's queue knows; asked under the shard's lock, so
// that the report of a flush that ends now comes after.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::mark_dirty_entries() {
  if constexpr (Encodable<K> && Encodable<V>) {
    auto* active = active_policy_.load(std::memory_order_relaxed);
    if (active == nullptr || active->stats().dirty_pending == 0) return;
    for (auto& shard : shards_) {
      const std::lock_guard lock(shard->mutex);
      shard->table.for_each([&](EntryNode& node) {
        auto& entry = static_cast<EntryType&>(node);
        const auto owed = active->pending(Codec<K>::encode(entry.key));
        if (owed && entry.life.state() == EntryState::clean) entry.life.move_to(EntryState::dirty);
      });
    }
  }
}

// Builds the new content aside; then, with everything stopped, store and shards change at once.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::restore_snapshot(const SnapshotData<K, V>& snapshot) {
  refuse_inside_compute("restore_snapshot()");
  auto contents = build_aside(snapshot, clock_->steady_now());
  replace_content(snapshot, contents);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::replace_content(
    const SnapshotData<K, V>& snapshot,
    std::vector<std::shared_ptr<ShardContent<K, V>>>& contents) {
  const auto began = clock_->steady_now();
  std::uint64_t restored = 0;
  SteadyNanos next_due = kNever;
  {
    std::unique_lock<std::mutex> image;
    if (log_) image = lock_whole(image_mutex_);
    const auto admin = lock_admin();
    const Gate::Closure closed(gate_);
    if (log_) {
      restore_logged(snapshot, contents);
    } else {
      restore_store(snapshot, contents);
    }
    {
      const auto locks = lock_all();
      restored = install(contents);
      for (auto& shard : shards_) next_due = std::min(next_due, shard->wheel->next_due());
      const std::lock_guard names(names_mutex_);
      strategy_ = snapshot.choice;
    }
    mark_dirty_entries();
  }
  contents.clear();
  reclaim();
  relieve(nullptr);  // The capacity may have shrunk since.
  wake_sweeper(next_due);
  if (log_) tend_log();
  counters_.add(Counter::snapshots_restored);
  announce(EventType::snapshot_restored, snapshot.strategy, restored, clock_->steady_now() - began);
}

}  // namespace tarmac::internal
