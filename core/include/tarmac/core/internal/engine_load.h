// Engine: values that loaders give, one call for a key at a time. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

// How a thread came to a key that it did not find.
template <class K, class V, class H, class E>
struct Engine<K, V, H, E>::Boarding {
  /// It is there after all.
  Content<V> present;
  std::shared_ptr<Flight> flight;
  bool leads = false;
  /// The store does not show yet what the write policy owes it, so neither may a loader.
  std::optional<StoreWrite> owed;
};

template <class K, class V, class H, class E>
auto Engine<K, V, H, E>::board(Key key) -> Boarding {
  const auto hash = hash_of(key);
  auto& shard = shard_of(hash);
  Boarding boarding;
  auto mine = std::make_shared<Flight>(K(key), hash);
  std::string bytes;  // Even without a policy: one may come before the lock does.
  if constexpr (Encodable<K> && Encodable<V>) bytes = Codec<K>::encode(mine->key);
  const std::lock_guard lock(shard.mutex);
  auto* entry = shard.find(key, hash);
  if (entry != nullptr && !shard.is_expired(*entry, clock_->steady_now())) {
    boarding.present = entry->cell.content();
    return boarding;
  }
  boarding.flight = shard.flights.find(key, hash);
  if (boarding.flight) return boarding;
  if (const auto* policy = active_policy_.load(std::memory_order_relaxed)) {
    boarding.owed = policy->pending(bytes);
  }
  shard.flights.begin(mine);
  boarding.flight = std::move(mine);
  boarding.leads = true;
  return boarding;
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::owed_content(const Boarding& boarding) const {
  if constexpr (Encodable<V>) {
    const auto& owed = boarding.owed;
    const bool expired = owed && owed->expires_at && *owed->expires_at <= clock_->wall_now();
    if (owed && owed->value && !expired) return Content<V>(Codec<V>::decode(*owed->value));
  }
  return {};
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::land(const Flight& flight, WriteIntent<V>& intent) {
  auto& shard = shard_of(flight.hash);
  Ref<EntryType> spare;
  if (intent.keeps()) spare = make_entry(flight.key, flight.hash, intent.next);
  StoreWrite logged;
  EffectsType effects;  // Before the passage: a value's destructor may write.
  std::optional<Gate::Passage> passage;
  if (log_) {
    logged = encode(flight.key, flight.hash, intent.next);
    passage.emplace(gate_);
  }
  const std::lock_guard lock(shard.mutex);
  if (!shard.flights.end(flight)) return;
  // Whoever holds the key has already decided on what it was without this value.
  if (shard.key_locks.is_held(flight.key, flight.hash)) return;
  intent.next.stamp = ++shard.last_stamp;
  intent.expected = 0;
  if (log_ && !note_loaded(logged, intent, flight.key)) return;
  static_cast<void>(apply(shard, flight.key, flight.hash, intent, EntryState::clean, spare));
  shard.finish(effects);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::settle(const Boarding& boarding, std::optional<WriteIntent<V>> intent) {
  auto& flight = *boarding.flight;
  auto& shard = shard_of(flight.hash);
  if (intent && !boarding.owed) {
    try {
      land(flight, *intent);
    } catch (...) {
      abandon(boarding);
      throw;
    }
  } else {
    const std::lock_guard lock(shard.mutex);
    shard.flights.end(flight);
  }
  flight.publish(intent ? intent->next.content : Content<V>());
  if (log_) tend_log();
  after_unlock(shard, intent ? intent->next.deadline : kNever);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::abandon(const Boarding& boarding) noexcept {
  auto& shard = shard_of(boarding.flight->hash);
  {
    const std::lock_guard lock(shard.mutex);
    shard.flights.end(*boarding.flight);
  }
  boarding.flight->fail(std::current_exception());
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::supersede_loads() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->flights.supersede_all();
  }
}

template <class K, class V, class H, class E>
template <class Load>
auto Engine<K, V, H, E>::timed(Load&& load) {
  const auto began = clock_->steady_now();
  try {
    auto loaded = load();
    load_durations_.record(clock_->steady_now() - began);
    counters_.add(Counter::loads);
    return loaded;
  } catch (...) {
    load_durations_.record(clock_->steady_now() - began);
    counters_.add(Counter::load_failures);
    throw;
  }
}

template <class K, class V, class H, class E>
template <class Load>
Content<V> Engine<K, V, H, E>::load(Key key, Load&& load) {
  const auto boarding = board(key);
  if (!boarding.flight) return boarding.present;
  if (!boarding.leads) {
    counters_.add(Counter::coalesced_loads);
    return boarding.flight->wait();
  }
  std::optional<WriteIntent<V>> intent;
  try {
    if (auto owed = owed_content(boarding)) {
      intent.emplace().next.content = std::move(owed);
    } else {
      intent = timed(load);
    }
  } catch (...) {
    abandon(boarding);
    throw;
  }
  Content<V> content = intent ? intent->next.content : Content<V>();
  settle(boarding, std::move(intent));
  return content;
}

}  // namespace tarmac::internal
