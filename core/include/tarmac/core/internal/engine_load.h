// Engine: values that loaders give, one call for a key at a time. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>
#include <tarmac/core/load_options.h>

#include <array>
#include <exception>

namespace tarmac::internal {

/// How one call loads.
struct LoadRules {
  const LoadOptions& options;
  /// The caller takes nothing for an answer.
  bool may_be_nothing = false;
};

/// The loading of single keys. Cheap to make for each call.
/// Thread-safety: as the engine. No `load` is called under a lock.
template <class K, class V, class H, class E>
class Engine<K, V, H, E>::Loads {
 public:
  explicit Loads(Engine& engine) noexcept : engine_(engine) {}

  /// How a thread came to a key that it did not find.
  struct Boarding {
    [[nodiscard]] bool decided() const noexcept { return present || known_absent || error; }

    /// It is there after all.
    Content<V> present;
    /// A loader found nothing, or threw this, not long ago.
    bool known_absent = false;
    std::exception_ptr error;
    std::shared_ptr<Flight> flight;
    bool leads = false;
    /// Of a value that is there.
    bool refreshes = false;
    /// The store does not show yet what the write policy owes it, so neither may a loader.
    std::optional<StoreWrite> owed;
  };

  /// What the cache has, or what one call of `load()` gives to all who ask. The value lands in the
  /// cache unless the key was written meanwhile.
  Content<V> get(Key key, LoadCall<V> load, const LoadRules& rules);
  /// Without `may_lead`, neither decided nor with a flight if nobody loads the key. Throws
  /// UsageError in a loader of this very key.
  [[nodiscard]] Boarding board(Key key, const LoadRules& rules, bool may_lead = true);
  /// Requires: `boarding.leads`. Ends its flight, whatever happens.
  Content<V> lead(const Boarding& boarding, LoadCall<V> load, const LoadOptions& options);
  /// Waits for another thread's load, for as long as `rules` say.
  [[nodiscard]] Content<V> await(Flight& flight, const LoadRules& rules);
  /// What was boarded without a flight. Throws what a loader threw, unless something stands in.
  [[nodiscard]] Content<V> known(Key key, const Boarding& boarding, const LoadOptions& options);
  /// The value that may stand in for `key` where its loader gives none.
  [[nodiscard]] Content<V> stale(Key key, const LoadOptions& options);
  /// Has expired values kept, if `options` want them. To be called before a look-up removes one.
  void keep_expired(const LoadOptions& options);

  /// The stamp of the entry of `key` if it should be loaded anew and nobody does; else 0. With an
  /// executor in `options` the caller has then to give it a refresh().
  [[nodiscard]] std::uint64_t due_for_refresh(Key key, const LoadOptions& options);
  /// Loads it anew. Without a content if it is no longer to be, or cannot be.
  Content<V> refresh(Key key, std::uint64_t stamp, LoadCall<V> load, const LoadOptions& options);
  /// The executor did not take the refresh.
  void cancel_refresh(Key key, std::uint64_t stamp) noexcept;

  // The steps of lead(), for loads of many keys.

  /// What the write policy owes: then it need not be loaded.
  [[nodiscard]] Content<V> owed_content(const Boarding& boarding) const;
  /// Counts the calls of `load`. `cost`: how many nanoseconds it took.
  template <class Load>
  auto timed(Load&& load, std::int64_t& cost);
  void settle(const Boarding& boarding, std::optional<WriteIntent<V>> intent,
              const LoadOptions& options, std::int64_t cost);
  /// Gives `error` to all who wait.
  void abandon(const Boarding& boarding, const LoadOptions& options,
               const std::exception_ptr& error = std::current_exception()) noexcept;
  void count(Counter counter) { engine_.counters_.add(counter); }

 private:
  void land(const Boarding& boarding, WriteIntent<V>& intent, const LoadOptions& options,
            std::int64_t cost);
  void end_without_value(const Boarding& boarding, bool found, const LoadOptions& options);
  [[nodiscard]] bool recall(ShardType& shard, Key key, const LoadRules& rules, Boarding& boarding);
  void begin(ShardType& shard, Boarding& boarding, std::shared_ptr<Flight> mine);
  [[nodiscard]] std::string store_key(const K& key) const;
  [[nodiscard]] bool is_due(ShardType& shard, const EntryType& entry, const LoadOptions& options);
  [[nodiscard]] Boarding board_refresh(Key key, std::uint64_t stamp);
  void allow_memos(ShardType& shard, const LoadOptions& options);

  Engine& engine_;
};

template <class K, class V, class H, class E>
auto Engine<K, V, H, E>::loads() noexcept -> Loads {
  return Loads(*this);
}

template <class K, class V, class H, class E>
std::string Engine<K, V, H, E>::Loads::store_key(const K& key) const {
  if constexpr (Encodable<K> && Encodable<V>) return Codec<K>::encode(key);
  return {};
}

// Requires: the shard's lock.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::Loads::begin(ShardType& shard, Boarding& boarding,
                                      std::shared_ptr<Flight> mine) {
  shard.flights.begin(mine);
  boarding.flight = std::move(mine);
  boarding.leads = true;
}

template <class K, class V, class H, class E>
auto Engine<K, V, H, E>::Loads::board(Key key, const LoadRules& rules, bool may_lead) -> Boarding {
  const auto hash = engine_.hash_of(key);
  auto& shard = engine_.shard_of(hash);
  Boarding boarding;
  auto mine = std::make_shared<Flight>(K(key), hash);
  const std::string bytes = store_key(mine->key);  // Even without a policy: one may come first.
  engine_.hand_over_all(shard);                    // Lest there be much to search under the lock.
  const std::lock_guard lock(shard.mutex);
  auto* entry = shard.find(key, hash);
  if (entry != nullptr && !shard.is_expired(*entry, engine_.clock_->steady_now())) {
    boarding.present = entry->cell.content();
    return boarding;
  }
  boarding.flight = shard.flights.find(key, hash);
  if (boarding.flight || recall(shard, key, rules, boarding) || !may_lead) return boarding;
  const bool own = LoaderMark::any(&engine_, [&](const void* flight) {
    const auto& led = *static_cast<const Flight*>(flight);
    return led.hash == hash && E{}(led.key, key);
  });
  if (own) {
    throw UsageError("cache \"" + engine_.options_.name +
                     "\": a loader must not load the key that it is called for, not even after "
                     "erasing it: return the value instead");
  }
  if (const auto* policy = engine_.active_policy_.load(std::memory_order_relaxed)) {
    boarding.owed = shard.aside.find(bytes, hash);
    if (!boarding.owed) boarding.owed = policy->pending(bytes);
  }
  begin(shard, boarding, std::move(mine));
  return boarding;
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::owed_content(const Boarding& boarding) const {
  if constexpr (Encodable<V>) {
    const auto& owed = boarding.owed;
    const bool expired =
        owed && owed->expires_at && *owed->expires_at <= engine_.clock_->wall_now();
    if (owed && owed->value && !expired) return Content<V>(Codec<V>::decode(*owed->value));
  }
  return {};
}

template <class K, class V, class H, class E>
template <class Load>
auto Engine<K, V, H, E>::Loads::timed(Load&& load, std::int64_t& cost) {
  const auto began = engine_.clock_->steady_now();
  const auto record = [&] {
    cost = engine_.clock_->steady_now() - began;
    engine_.load_durations_.record(cost);
  };
  try {
    auto loaded = load();
    record();
    engine_.counters_.add(Counter::loads);
    return loaded;
  } catch (...) {
    record();
    engine_.counters_.add(Counter::load_failures);
    throw;
  }
}

template <class K, class V, class H, class E>
Content<V> Engine<K, V, H, E>::Loads::lead(const Boarding& boarding, LoadCall<V> load,
                                           const LoadOptions& options) {
  std::optional<WriteIntent<V>> intent;
  std::int64_t cost = 0;
  try {
    if (auto owed = owed_content(boarding)) {
      intent.emplace().next.content = std::move(owed);
    } else {
      const std::array<const void*, 1> led{boarding.flight.get()};
      const LoaderMark mark(&engine_, led);
      intent = timed(load, cost);
    }
  } catch (...) {
    abandon(boarding, options);
    throw;
  }
  Content<V> content = intent ? intent->next.content : Content<V>();
  settle(boarding, std::move(intent), options, cost);
  return content;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::supersede_loads() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->flights.supersede_all();
  }
}

}  // namespace tarmac::internal

#include <tarmac/core/internal/engine_load_ends.h>
#include <tarmac/core/internal/engine_load_more.h>
