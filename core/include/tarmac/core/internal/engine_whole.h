// Engine: its making, and what happens to the cache as a whole. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

template <class K, class V, class H, class E>
Engine<K, V, H, E>::Engine(CacheOptions options, EventBus& events)
    : EngineState(std::move(options), events) {
  const ShardServices services{
      options_.name, *clock_,
      events_,       counters_,
      budget_,       options_.expire_after_access ? options_.expire_after_access->count() : 0};
  // Stamps go on growing over restarts, so that a store can tell an older write from a newer one;
  // the machine's clock has its say because an injected one may begin anywhere.
  const auto first_stamp = static_cast<std::uint64_t>(
      std::max<WallNanos>({1, clock_->wall_now(), system_clock()->wall_now()}));
  const auto count = choose_shard_count(options_);
  for (std::size_t i = 0; i < count; ++i) {
    shards_.push_back(std::make_unique<ShardType>(services, first_stamp));
  }
  shard_mask_ = count - 1;
  auto strategies = make_strategies(strategy_.factory);
  for (std::size_t i = 0; i < count; ++i) shards_[i]->set_strategy(strategies[i]);
  share_capacity();
  if (options_.background_expiry) {
    sweeper_ = std::make_unique<Sweeper>(clock_, options_.sweep_interval.count(),
                                         [this] { return sweep(nullptr); });
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::shut_down() {
  if (sweeper_) sweeper_->stop();
  if (compactor_) compactor_->stop();
  std::shared_ptr<WritePolicy> last;
  {
    const std::lock_guard lock(names_mutex_);
    last.swap(policy_);
    active_policy_.store(nullptr, std::memory_order_relaxed);
    intake_.store(nullptr, std::memory_order_relaxed);
    if (last) retire(*last);
  }
  last.reset();  // Writes what it still owes; its reports, and slots, still find the cache.
  log_.reset();
}

template <class K, class V, class H, class E>
Engine<K, V, H, E>::~Engine() {
  if (sweeper_) sweeper_->stop();  // It is running still if the log could not be opened.
  for (auto& shard : shards_) {
    EffectsType effects;
    shard->drain_all();  // A value's destructor may make the next drain, when the entries are gone.
    shard->table.for_each([&](EntryNode& node) {
      auto& entry = static_cast<EntryType&>(node);
      shard->strategy->on_remove(entry, RemovalCause::cleared);
      if (entry.timer) shard->wheel->cancel(*entry.timer);
      effects.remains.add(entry);
    });
    shard->limbo.take_all(effects.remains);
    typename ShardType::Table none;  // A value's destructor may still ask the cache.
    shard->table.swap(none);
  }
}

template <class K, class V, class H, class E>
std::vector<std::unique_lock<std::mutex>> Engine<K, V, H, E>::lock_all() const {
  std::vector<std::unique_lock<std::mutex>> locks;
  locks.reserve(shards_.size());
  for (const auto& shard : shards_) locks.emplace_back(shard->mutex);  // Always in this order.
  return locks;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::refuse_inside_compute(const char* call) const {
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    if (!shard->key_locks.held_by_this_thread()) continue;
    throw UsageError("cache \"" + options_.name +
                     "\": a function given to compute() must not call " + call +
                     " on its own cache");
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::clear() {
  refuse_inside_compute("clear()");
  if (log_) {
    clear_logged();
  } else {
    for (auto& shard : shards_) {
      EffectsType effects;
      clear_shard(*shard, effects);
      shard->events.deliver(events_);
    }
  }
  reclaim();
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::clear_shard(ShardType& shard, EffectsType& effects) {
  const std::lock_guard lock(shard.mutex);
  const auto now = clock_->steady_now();
  std::vector<EntryType*> all;
  all.reserve(shard.table.size());
  shard.table.for_each([&all](EntryNode& node) { all.push_back(static_cast<EntryType*>(&node)); });
  ++shard.epoch;
  for (auto* entry : all) {
    const bool expired = shard.is_expired(*entry, now);
    shard.remove(*entry, expired ? RemovalCause::expired : RemovalCause::cleared, now);
  }
  shard.flights.supersede_all();  // After what has just expired was kept.
  shard.finish(effects, true);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::for_each_version(FunctionRef<void(const K&, const Version<V>&)> visit) {
  struct Seen {
    Ref<EntryType> key_owner;
    Version<V> version;
  };
  for (auto& shard : shards_) {
    std::vector<Seen> seen;
    {
      const std::lock_guard lock(shard->mutex);
      const auto now = clock_->steady_now();
      seen.reserve(shard->table.size());
      shard->table.for_each([&](EntryNode& node) {
        auto& entry = static_cast<EntryType&>(node);
        if (shard->expiry_of(entry) > now)
          seen.push_back({Ref<EntryType>(&entry), entry.version()});
      });
    }
    for (const auto& one : seen) visit(one.key_owner->key, one.version);
  }
}

template <class K, class V, class H, class E>
SteadyNanos Engine<K, V, H, E>::sweep(std::uint64_t* removed) {
  // At most so many expired entries leave under one hold of a shard's lock.
  constexpr std::uint64_t kSweepBatch = 256;
  SteadyNanos next = kNever;
  for (auto& shard : shards_) {
    bool more = true;
    while (more) {
      EffectsType effects;
      {
        const std::lock_guard lock(shard->mutex);
        const auto now = clock_->steady_now();
        std::uint64_t batch = 0;
        for (; batch < kSweepBatch; ++batch) {
          if (!shard->remove_due(now)) break;
        }
        shard->flights.memos.drop_dead(now);
        shard->finish(effects);
        more = batch == kSweepBatch;
        if (removed != nullptr) *removed += batch;
        if (!more) next = std::min(next, shard->wheel->next_due());
      }
      shard->events.deliver(events_);
    }
  }
  return next;
}

template <class K, class V, class H, class E>
std::uint64_t Engine<K, V, H, E>::purge_expired() {
  std::uint64_t removed = 0;
  sweep(&removed);
  return removed;
}

template <class K, class V, class H, class E>
std::uint64_t Engine<K, V, H, E>::live_entries() {
  sweep(nullptr);
  return budget_.entries();
}

template <class K, class V, class H, class E>
std::uint64_t Engine<K, V, H, E>::live_weight() {
  sweep(nullptr);
  return budget_.weight();
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::fill_stats(Stats& stats) const {
  const auto read = [this](Counter counter) { return counters_.read(counter); };
  stats.hits = read(Counter::hits);
  stats.misses = read(Counter::misses);
  stats.evictions = read(Counter::evictions);
  stats.expirations = read(Counter::expirations);
  stats.sets = read(Counter::sets);
  stats.deletes = read(Counter::deletes);
  stats.rejected = read(Counter::rejected);
  stats.loads = read(Counter::loads);
  stats.load_failures = read(Counter::load_failures);
  stats.coalesced_loads = read(Counter::coalesced_loads);
  const auto& figures = load_figures_;
  stats.load_refreshes = figures.refreshes.load(std::memory_order_relaxed);
  stats.load_stale_served = figures.stale_served.load(std::memory_order_relaxed);
  stats.load_negative_hits = figures.negative_hits.load(std::memory_order_relaxed);
  stats.load_error_hits = figures.error_hits.load(std::memory_order_relaxed);
  stats.load_timeouts = figures.timeouts.load(std::memory_order_relaxed);
  stats.strategy_swaps = read(Counter::strategy_swaps);
  stats.write_policy_swaps = read(Counter::write_policy_swaps);
  stats.snapshots_taken = read(Counter::snapshots_taken);
  stats.snapshots_restored = read(Counter::snapshots_restored);
  stats.observer_errors = events_.slot_failures();
  stats.current_items = budget_.entries();
  stats.total_bytes = budget_.weight();
  stats.load_durations = load_durations_.read();
  stats.flush_durations = flush_durations_.read();
  for (const auto& shard : shards_) hand_over_all(*shard);  // What waits is counted by keys.
  const std::lock_guard lock(names_mutex_);
  const auto now = policy_ ? policy_->stats() : WritePolicyStats{};
  stats.dirty_writes_pending = now.dirty_pending;
  stats.flushed_writes = former_policies_.flushed + now.flushed;
  stats.store_errors = former_policies_.store_errors + now.store_errors;
  stats.retries = former_policies_.retries + now.retries;
  stats.dead_letters = former_policies_.dead_letters + now.dead_letters;
  stats.backpressure_seconds =
      in_seconds(former_policies_.backpressure_nanoseconds + now.backpressure_nanoseconds);
  stats.oldest_dirty_seconds = in_seconds(now.oldest_dirty_nanoseconds);
  fill_breaker(stats);
  if (log_) fill_log_stats(stats);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::announce(EventType type, std::string_view detail, std::uint64_t count,
                                  std::int64_t nanoseconds) {
  if (!events_.has_slots(type)) return;
  Event event;
  event.type = type;
  event.cache = options_.name;
  event.count = count;
  event.at = clock_->steady_now();
  event.wall_time = clock_->wall_now();
  event.duration_nanoseconds = nanoseconds;
  event.detail = detail;
  events_.emit(event);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::wake_sweeper(SteadyNanos deadline) {
  if (sweeper_ && deadline != kNever) sweeper_->wake(deadline);
}

}  // namespace tarmac::internal
