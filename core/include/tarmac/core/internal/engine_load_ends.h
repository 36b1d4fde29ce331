// Engine: how a load ends. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine_load.h>

namespace tarmac::internal {

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::land(const Boarding& boarding, WriteIntent<V>& intent,
                                     const LoadOptions& options, std::int64_t cost) {
  const auto& flight = *boarding.flight;
  auto& shard = engine_.shard_of(flight.hash);
  Ref<EntryType> spare;
  if (intent.keeps()) spare = engine_.make_entry(flight.key, flight.hash, intent.next);
  StoreWrite logged;
  EffectsType effects;  // Before the passage: a value's destructor may write.
  std::optional<Gate::Passage> passage;
  if (engine_.log_) {
    logged = engine_.encode(flight.key, flight.hash, intent.next);
    passage.emplace(engine_.gate_);
  }
  const std::lock_guard lock(shard.mutex);
  if (!shard.flights.end(flight)) return;
  // Whoever holds the key has already decided on what it was without this value.
  if (shard.key_locks.is_held(flight.key, flight.hash)) return;
  intent.next.stamp = ++shard.last_stamp;
  // The value that a refresh began with is still there, or evicted: its writers end the flight.
  intent.expected.reset();
  if (!boarding.refreshes) intent.expected = 0;
  if (engine_.log_ && !engine_.note_loaded(logged, intent, flight.key)) return;
  const auto done = engine_.apply(shard, flight.key, flight.hash, intent, EntryState::clean, spare);
  if (done.stamp != 0 && options.early_refresh > 0) {
    allow_memos(shard, options);
    shard.flights.memos.at(flight.key, flight.hash).cost = cost;
  }
  shard.finish(effects);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::end_without_value(const Boarding& boarding, bool found,
                                                  const LoadOptions& options) {
  const auto& flight = *boarding.flight;
  auto& shard = engine_.shard_of(flight.hash);
  WriteIntent<V> gone;  // There no longer is what the cache still has.
  gone.removal_cause = RemovalCause::expired;
  StoreWrite logged;
  EffectsType effects;  // Before the passage: a value's destructor may write.
  std::optional<Gate::Passage> passage;
  if (engine_.log_ && boarding.refreshes) {
    logged = engine_.encode(flight.key, flight.hash, gone.next);
    passage.emplace(engine_.gate_);
  }
  const std::lock_guard lock(shard.mutex);
  if (!shard.flights.end(flight) || found || boarding.owed) return;
  if (boarding.refreshes && !shard.key_locks.is_held(flight.key, flight.hash)) {
    gone.next.stamp = ++shard.last_stamp;
    if (engine_.log_ && !engine_.note_loaded(logged, gone, flight.key)) return;
    Ref<EntryType> spare;
    engine_.apply(shard, flight.key, flight.hash, gone, EntryState::clean, spare);
  }
  if (options.negative_ttl) {
    allow_memos(shard, options);
    shard.flights.memos.drop(flight.key, flight.hash);
    shard.flights.memos.at(flight.key, flight.hash).absent_until =
        deadline_after(engine_.clock_->steady_now(), options.negative_ttl->count());
  }
  shard.finish(effects);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::settle(const Boarding& boarding,
                                       std::optional<WriteIntent<V>> intent,
                                       const LoadOptions& options, std::int64_t cost) {
  auto& flight = *boarding.flight;
  try {
    if (intent && !boarding.owed) {
      land(boarding, *intent, options, cost);
    } else {
      end_without_value(boarding, intent.has_value(), options);
    }
  } catch (...) {
    abandon(boarding, {});
    throw;
  }
  flight.publish(intent ? intent->next.content : Content<V>());
  if (engine_.log_) engine_.tend_log();
  engine_.after_unlock(engine_.shard_of(flight.hash), intent ? intent->next.deadline : kNever);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::abandon(const Boarding& boarding, const LoadOptions& options,
                                        const std::exception_ptr& error) noexcept {
  const auto& flight = *boarding.flight;
  auto& shard = engine_.shard_of(flight.hash);
  try {
    EffectsType effects;
    const std::lock_guard lock(shard.mutex);
    if (shard.flights.end(flight) && options.error_ttl) {
      allow_memos(shard, options);
      auto& memo = shard.flights.memos.at(flight.key, flight.hash);
      memo.error = error;
      memo.error_until = deadline_after(engine_.clock_->steady_now(), options.error_ttl->count());
    }
    shard.finish(effects);
  } catch (const std::bad_alloc&) {
    // Then it is not remembered, and the next call loads again.
  }
  boarding.flight->fail(error);
}

}  // namespace tarmac::internal
