// Engine: what loads remember, when they are refreshed, how long one waits. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine_load.h>

#include <cmath>
#include <limits>

namespace tarmac::internal {

// Requires: the shard's lock. The memos may be as many, and hold as much, as the entries.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::allow_memos(ShardType& shard, const LoadOptions& options) {
  constexpr std::uint64_t kWithoutBound = 65'536;
  const auto capacity = engine_.budget_.capacity();
  const auto share = [shards = engine_.shards_.size()](std::uint64_t all) {
    return all / shards + 1;
  };
  shard.flights.memos.allow(
      capacity.max_entries ? share(*capacity.max_entries) : kWithoutBound,
      capacity.max_bytes ? share(*capacity.max_bytes) : std::numeric_limits<std::uint64_t>::max(),
      options.stale_if_error ? options.stale_if_error->count() : 0, engine_.seed_);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::keep_expired(const LoadOptions& options) {
  if (!options.stale_if_error) return;
  auto& longest = engine_.load_figures_.keeps_expired_for;
  if (longest.load(std::memory_order_relaxed) >= options.stale_if_error->count()) return;
  for (auto& shard : engine_.shards_) {
    const std::lock_guard lock(shard->mutex);
    allow_memos(*shard, options);
  }
  longest.store(options.stale_if_error->count(), std::memory_order_relaxed);
}

// Requires: the shard's lock.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::Loads::recall(ShardType& shard, Key key, const LoadRules& rules,
                                       Boarding& boarding) {
  if (shard.flights.memos.empty()) return false;
  const auto* memo = shard.flights.memos.find(key, engine_.hash_of(key));
  if (memo == nullptr) return false;
  const auto now = engine_.clock_->steady_now();
  boarding.known_absent = rules.may_be_nothing && memo->absent_until > now;
  if (memo->error_until > now) boarding.error = memo->error;
  return boarding.decided();
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::known(Key key, const Boarding& boarding,
                                            const LoadOptions& options) {
  if (boarding.present) return boarding.present;
  if (boarding.known_absent) {
    ++engine_.load_figures_.negative_hits;
    return {};
  }
  ++engine_.load_figures_.error_hits;
  if (auto stand_in = stale(key, options)) return stand_in;
  std::rethrow_exception(boarding.error);
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::stale(Key key, const LoadOptions& options) {
  if (!options.stale_if_error) return {};
  const auto hash = engine_.hash_of(key);
  auto& shard = engine_.shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  const auto now = engine_.clock_->steady_now();
  const auto may_stand_in = [&](SteadyNanos expired_at) {
    return deadline_after(expired_at, options.stale_if_error->count()) > now;
  };
  Content<V> found;
  auto* entry = shard.find(key, hash);  // Not swept yet, or landed meanwhile.
  if (entry != nullptr && may_stand_in(shard.expiry_of(*entry))) {
    found = entry->cell.content();
  } else if (const auto* memo = shard.flights.memos.find(key, hash);
             entry == nullptr && memo != nullptr && memo->expired) {
    if (may_stand_in(memo->expired_at)) found = memo->expired;
  }
  if (found) ++engine_.load_figures_.stale_served;
  return found;
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::await(Flight& flight, const LoadRules& rules) {
  const auto& options = rules.options;
  auto& clock = *engine_.clock_;
  const auto began = clock.steady_now();
  try {
    if (options.soft_timeout &&
        !flight.wait_until(clock, deadline_after(began, options.soft_timeout->count()))) {
      if (auto stand_in = stale(flight.key, options)) {
        ++engine_.load_figures_.timeouts;
        return stand_in;
      }
    }
    if (!options.hard_timeout ||
        flight.wait_until(clock, deadline_after(began, options.hard_timeout->count()))) {
      return flight.wait();
    }
  } catch (const UsageError&) {
    throw;
  } catch (...) {
    if (auto stand_in = stale(flight.key, options)) return stand_in;
    throw;
  }
  ++engine_.load_figures_.timeouts;
  if (auto stand_in = stale(flight.key, options)) return stand_in;
  throw LoadTimeout("cache \"" + engine_.options_.name +
                    "\": a load took longer than hard_timeout; it goes on, so ask again later");
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::get(Key key, LoadCall<V> load, const LoadRules& rules) {
  auto boarding = board(key, rules);
  while (!boarding.decided() && !boarding.leads) {
    count(Counter::coalesced_loads);
    auto content = await(*boarding.flight, rules);
    if (content || rules.may_be_nothing) return content;
    boarding = board(key, rules);  // Another's loader found nothing; this one always finds.
  }
  if (boarding.decided()) return known(key, boarding, rules.options);
  try {
    return lead(boarding, load, rules.options);
  } catch (const UsageError&) {
    throw;
  } catch (...) {
    if (auto stand_in = stale(key, rules.options)) return stand_in;
    throw;
  }
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::load(Key key, LoadCall<V> load) {
  return loads().get(key, load, {options_.loading, true});
}

// Requires: the shard's lock.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::Loads::is_due(ShardType& shard, const EntryType& entry,
                                       const LoadOptions& options) {
  const auto now = engine_.clock_->steady_now();
  const auto* memo = shard.flights.memos.find(entry.key, entry.hash);
  if (memo != nullptr && (memo->error_until > now || memo->refresh_of == entry.stamp)) return false;
  if (options.refresh_after &&
      now >= deadline_after(entry.created_at, options.refresh_after->count())) {
    return true;
  }
  const auto deadline = entry.deadline();
  if (options.early_refresh <= 0 || deadline == kNever || memo == nullptr) return false;
  // XFetch (Vattani, Chierichetti, Lowenstein: VLDB 2015): the gap is exponentially distributed.
  const double gap = -std::log(shard.flights.memos.chance()) * options.early_refresh *
                     static_cast<double>(memo->cost);
  return gap >= static_cast<double>(deadline - now);
}

template <class K, class V, class H, class E>
std::uint64_t Engine<K, V, H, E>::Loads::due_for_refresh(Key key, const LoadOptions& options) {
  const auto hash = engine_.hash_of(key);
  auto& shard = engine_.shard_of(hash);
  EffectsType effects;
  const std::lock_guard lock(shard.mutex);
  const auto* entry = shard.find(key, hash);
  if (entry == nullptr || shard.flights.find(key, hash) || !is_due(shard, *entry, options)) {
    return 0;
  }
  if (options.executor) {
    allow_memos(shard, options);
    shard.flights.memos.at(key, hash).refresh_of = entry->stamp;
    shard.finish(effects);
  }
  return entry->stamp;
}

template <class K, class V, class H, class E>
auto Engine<K, V, H, E>::Loads::board_refresh(Key key, std::uint64_t stamp) -> Boarding {
  const auto hash = engine_.hash_of(key);
  auto& shard = engine_.shard_of(hash);
  Boarding boarding;
  auto mine = std::make_shared<Flight>(K(key), hash);
  const std::string bytes = store_key(mine->key);
  engine_.hand_over_all(shard);  // Lest there be much to search under the lock.
  const std::lock_guard lock(shard.mutex);
  const auto* entry = shard.find(key, hash);
  if (entry == nullptr || entry->stamp != stamp || shard.flights.find(key, hash)) return boarding;
  const auto* policy = engine_.active_policy_.load(std::memory_order_relaxed);
  if (policy != nullptr && (shard.aside.find(bytes, hash) || policy->pending(bytes))) {
    return boarding;  // The store is behind.
  }
  boarding.refreshes = true;
  begin(shard, boarding, std::move(mine));
  return boarding;
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::refresh(Key key, std::uint64_t stamp, LoadCall<V> load,
                                              const LoadOptions& options) {
  const auto boarding = board_refresh(key, stamp);
  if (options.executor) cancel_refresh(key, stamp);  // Now the flight keeps others away.
  if (!boarding.leads) return {};
  ++engine_.load_figures_.refreshes;
  try {
    return lead(boarding, load, options);
  } catch (...) {
    return {};  // It is counted as a failed load, and the old value stays.
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::cancel_refresh(Key key, std::uint64_t stamp) noexcept {
  const auto hash = engine_.hash_of(key);
  auto& shard = engine_.shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  auto* memo = shard.flights.memos.find(key, hash);
  if (memo != nullptr && memo->refresh_of == stamp) memo->refresh_of = 0;
}

}  // namespace tarmac::internal
