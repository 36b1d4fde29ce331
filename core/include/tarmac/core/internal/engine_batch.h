// Engine: writes of many keys of a durable cache, all in the log or none. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <algorithm>
#include <deque>

namespace tarmac::internal {

/// One key of a batch: what it is to become, and then what has become of it.
template <class K, class V>
struct BatchWrite {
  K key;
  WriteIntent<V> intent;
  Mutation<V> mutation;
};

// One key of a batch on its way.
template <class K, class V, class H, class E>
struct Engine<K, V, H, E>::BatchStep {
  BatchStep(BatchWrite<K, V>& one, ShardType& shard, std::unique_lock<std::mutex>& lock,
            std::uint64_t hash)
      : batch(one), hold(shard, lock, one.key, hash) {
    one.intent.next.stamp = hold.stamp();
  }

  BatchWrite<K, V>& batch;
  KeyHold hold;
  Ref<EntryType> spare;
  LoggedWrite logged;
  /// What the store has, where the cache has nothing.
  std::optional<Version<V>> stored;
};

// All keys are held, in the order of their hashes, so that two batches do not wait for each other.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::write_batch(std::vector<BatchWrite<K, V>>& writes) {
  std::vector<std::pair<std::uint64_t, BatchWrite<K, V>*>> order;
  order.reserve(writes.size());
  for (auto& one : writes) order.emplace_back(hash_of(one.key), &one);
  std::ranges::sort(order, {}, [](const auto& one) { return one.first; });
  bool applied = false;
  std::deque<EffectsType> effects;  // Before the holds: a value's destructor may write their keys.
  try {
    std::deque<BatchStep> steps;
    for (auto& [hash, one] : order) {
      auto& shard = shard_of(hash);
      std::unique_lock lock(shard.mutex);
      steps.emplace_back(*one, shard, lock, hash);
    }
    const Gate::Passage passage(gate_);
    applied = write_steps(steps, effects);
  } catch (const StoreError& error) {
    announce(EventType::store_error, error.what(), 1, 0);
    throw;
  } catch (const DurabilityError& error) {
    announce(EventType::durability_error, error.what(), 1, 0);
    throw;
  }
  tend_log();
  if (!applied) return false;
  for (auto& [hash, one] : order) {
    auto& shard = shard_of(hash);
    if (!one->intent.next) reclaim(shard);
    after_unlock(shard, one->intent.next.deadline);
  }
  return true;
}

// Requires: the keys are held, and the gate was passed.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::write_steps(std::deque<BatchStep>& steps,
                                     std::deque<EffectsType>& effects) {
  auto* policy = active_policy_.load(std::memory_order_relaxed);
  std::vector<JournalRecord> records;
  for (auto& step : steps) {
    const auto& key = step.batch.key;
    auto& intent = step.batch.intent;
    const auto present = peek(key);
    if (intent.expected && *intent.expected != (present ? present->stamp : 0)) return false;
    intent.expected.reset();
    // Also what nobody wants to undo: if a later step is refused, the store is to get it back.
    if (policy != nullptr && !present) step.stored = load_stored(*policy, key);
    if (policy != nullptr && !policy->keeps_written_values()) intent.leave_to_store();
    if (intent.keeps()) step.spare = make_entry(key, step.hold.hash(), intent.next);
    make_logged(step.logged, key, step.hold.hash(), intent, policy);
    records.push_back(step.logged.record);
  }
  log_->commit(records);
  std::size_t brought = 0;
  try {
    for (; brought < steps.size(); ++brought) bring_to_store(steps[brought].logged, policy);
  } catch (...) {
    take_back(steps, brought, policy);
    throw;
  }
  for (auto& step : steps) {
    auto& shard = step.hold.shard();
    const std::lock_guard lock(shard.mutex);
    const auto early = step.hold.early_state();
    auto& mutation = step.batch.mutation;
    mutation = apply(shard, step.batch.key, step.hold.hash(), step.batch.intent,
                     early ? *early : step.logged.state, step.spare);
    shard.finish(effects.emplace_back());
    if (step.batch.intent.want_before && !mutation.before && step.stored) {
      mutation.before = std::move(step.stored);
      mutation.loaded = true;
    }
  }
  return true;
}

// The store has the first `brought` steps and has refused the next. What it does not take back now,
// it is owed.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::take_back(std::deque<BatchStep>& steps, std::size_t brought,
                                   WritePolicy* policy) {
  std::deque<LoggedWrite> mendings;
  std::vector<JournalRecord> records;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    auto& step = steps[i];
    auto& mending = mendings.emplace_back();
    const auto former = i <= brought ? step.logged.former : log_->debts().of(step.logged.write.key);
    make_mending(mending, step.hold, step.batch.key, former, step.stored);
    if (i < brought) mending.record.dirty = true;
    records.push_back(mending.record);
  }
  commit_mending(records);
  for (std::size_t i = 0; i < brought; ++i) {
    mendings[i].owes = true;
    try {
      bring_to_store(mendings[i], policy);
    } catch (const StoreError& error) {
      log_->report(error.what());
    }
  }
}

}  // namespace tarmac::internal
