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
      : batch(one), hold(shard, lock, one.key, hash) {}

  static void apply_all(Engine& engine, std::deque<BatchStep>& steps,
                        std::deque<EffectsType>& effects);
  void apply(Engine& engine);

  BatchWrite<K, V>& batch;
  KeyHold hold;
  LoggedWrite logged;
  /// What the store has, where the cache has nothing.
  std::optional<Version<V>> stored;
};

// All keys are held, in the order of their shards and hashes, so that two batches do not wait for
// each other, and each shard's lock is taken twice, however many keys are its own.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::write_batch(std::vector<BatchWrite<K, V>>& writes) {
  using Place = std::pair<std::size_t, std::uint64_t>;
  std::vector<std::pair<Place, BatchWrite<K, V>*>> order;
  order.reserve(writes.size());
  for (auto& one : writes) {
    const auto hash = hash_of(one.key);
    order.emplace_back(Place(shard_index(hash), hash), &one);
  }
  std::ranges::sort(order, {}, [](const auto& one) { return one.first; });
  bool applied = false;
  std::deque<EffectsType> effects;  // Before the holds: a value's destructor may write their keys.
  try {
    std::deque<BatchStep> steps;
    {
      std::unique_lock<std::mutex> lock;
      for (auto& [place, one] : order) {
        auto& shard = *shards_[place.first];
        if (lock.mutex() != &shard.mutex) {
          lock = {};  // Never two at once.
          lock = std::unique_lock(shard.mutex);
        }
        steps.emplace_back(*one, shard, lock, place.second);
      }
    }
    const Gate::Passage passage(gate_);
    for (auto& step : steps) step.batch.intent.next.stamp = step.hold.stamp_inside();
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
  for (std::size_t i = 0; i < order.size();) {
    const auto index = order[i].first.first;
    SteadyNanos deadline = kNever;
    bool removes = false;
    for (; i < order.size() && order[i].first.first == index; ++i) {
      const auto& next = order[i].second->intent.next;
      deadline = std::min(deadline, next.deadline);
      removes = removes || !next;
    }
    if (removes) reclaim(*shards_[index]);
    after_unlock(*shards_[index], deadline);
  }
  return true;
}

// Requires: the keys are held, and the gate was passed.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::write_steps(std::deque<BatchStep>& steps,
                                     std::deque<EffectsType>& effects) {
  auto* policy = active_policy_.load(std::memory_order_relaxed);
  std::vector<JournalRecord> records;
  records.reserve(steps.size());
  for (auto& step : steps) {
    const auto& key = step.batch.key;
    auto& intent = step.batch.intent;
    std::optional<Version<V>> present;
    if (intent.expected || policy != nullptr) present = peek(key);
    if (intent.expected && *intent.expected != (present ? present->stamp : 0)) return false;
    intent.expected.reset();
    // Also what nobody wants to undo: if a later step is refused, the store is to get it back.
    if (policy != nullptr && !present) step.stored = load_stored(*policy, key);
    if (policy != nullptr && !policy->keeps_written_values()) intent.leave_to_store();
    if (intent.keeps() && is_to_be_made(step.hold.shard(), key, step.hold.hash())) {
      step.hold.spare = make_entry(key, step.hold.hash(), intent.next);
    }
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
  BatchStep::apply_all(*this, steps, effects);
  return true;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::BatchStep::apply_all(Engine& engine, std::deque<BatchStep>& steps,
                                              std::deque<EffectsType>& effects) {
  for (auto step = steps.begin(); step != steps.end();) {
    auto& shard = step->hold.shard();
    const std::lock_guard lock(shard.mutex);
    for (; step != steps.end() && &step->hold.shard() == &shard; ++step) step->apply(engine);
    // All that is free: a batch replaces more values than a write lets go.
    shard.finish(effects.emplace_back(), true);
  }
}

// Requires: the lock of the key's shard.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::BatchStep::apply(Engine& engine) {
  const auto early = hold.early_state();
  auto& mutation = batch.mutation;
  mutation = engine.apply(hold.shard(), batch.key, hold.hash(), batch.intent,
                          early ? *early : logged.state, hold.spare);
  hold.release();
  if (!batch.intent.want_before || mutation.before || !stored) return;
  mutation.before = std::move(stored);
  mutation.loaded = true;
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
    const auto former =
        i <= brought ? step.logged.former : log_->debts().of(std::string(step.logged.record.key));
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
