// Engine: capacity, strategies and write policies at work, and their exchange. Included by
// engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <limits>

namespace tarmac::internal {

template <class K, class V, class H, class E>
std::vector<std::unique_ptr<EvictionStrategy>> Engine<K, V, H, E>::make_strategies(
    const StrategyFactory& factory) const {
  std::vector<std::unique_ptr<EvictionStrategy>> made;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    made.push_back(factory());
    if (!made.back()) throw ConfigError("a strategy factory must not return null");
    made.back()->on_resize(budget_.share(shards_.size()));
  }
  return made;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::swap_strategy(const StrategyChoice& choice) {
  try {
    change_strategy(choice);
  } catch (const DurabilityError& error) {
    announce(EventType::durability_error, error.what(), 1, 0);
    throw;
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::change_strategy(const StrategyChoice& choice) {
  const auto began = clock_->steady_now();
  std::string detail;
  std::uint64_t handed = 0;
  {
    const auto admin = lock_admin();
    auto made = make_strategies(choice.factory);  // Throws before anything is changed.
    detail = strategy_name() + " -> " + choice.name;
    // Before the first is changed, too; a shard may still grow a little until its turn.
    std::vector<std::vector<EntryNode*>> orders(shards_.size());
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const std::lock_guard lock(shards_[i]->mutex);
      orders[i].reserve(shards_[i]->table.size() * 9 / 8 + 64);
    }
    if (log_) log_swap(choice);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      auto& shard = *shards_[i];
      const std::lock_guard lock(shard.mutex);
      auto& order = orders[i];
      order.resize(shard.table.size());
      const BusyMark mark(shard.busy);
      shard.drain_all();
      pass_on(*shard.strategy, *made[i], order);
      shard.set_strategy(made[i]);
      handed += order.size();
    }
    const std::lock_guard lock(names_mutex_);
    strategy_ = choice;
  }
  counters_.add(Counter::strategy_swaps);
  announce(EventType::strategy_swapped, detail, handed, clock_->steady_now() - began);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::resize(const Capacity& capacity) {
  auto checked = options_;
  checked.max_entries = capacity.max_entries;
  checked.max_bytes = capacity.max_bytes;
  checked.validate();
  {
    const auto admin = lock_admin();
    budget_.set_capacity(capacity);
    for (auto& shard : shards_) {
      const std::lock_guard lock(shard->mutex);
      shard->strategy->on_resize(budget_.share(shards_.size()));
    }
    share_capacity();
  }
  relieve(nullptr);  // Without the lock above: slots may change the whole, too.
  reclaim();
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::share_capacity() {
  const auto most = budget_.max_entries();
  const auto share = most / shards_.size();
  // The hash spreads them unevenly.
  const auto uneven = shards_.size() == 1 ? 1 : 4 * std::sqrt(static_cast<double>(share));
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->expected_entries = most == std::numeric_limits<std::uint64_t>::max()
                                  ? most
                                  : share + static_cast<std::uint64_t>(uneven);
    shard->arena->expect(shard->expected_entries);
  }
}

template <class K, class V, class H, class E>
std::shared_ptr<WritePolicy> Engine<K, V, H, E>::policy() const {
  const std::lock_guard lock(names_mutex_);
  return policy_;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::set_write_policy(std::unique_ptr<WritePolicy> made,
                                          std::chrono::nanoseconds limit) {
  if (!made) throw UsageError("set_write_policy() needs a policy; use no_write_policy() for none");
  const bool writes = made->store() != nullptr;
  if constexpr (!Encodable<K> || !Encodable<V>) {
    if (writes) {
      throw UsageError("cache \"" + options_.name +
                       "\": a write policy needs a tarmac::Codec for the key and value types; "
                       "specialise it (see <tarmac/core/codec.h>)");
    }
  }
  const auto began = clock_->steady_now();
  made->attach(*this);
  std::string detail;
  std::shared_ptr<WritePolicy> old;  // Destroyed after the locks are released.
  {
    const auto admin = lock_admin();
    old = policy();
    detail = std::string(old ? old->name() : "none") + " -> " + std::string(made->name());
    if (old) static_cast<void>(old->flush(limit));  // Most of it, while writers go on.
    const Gate::Closure closed(gate_);
    if (old) {
      const FlushReport rest = old->flush(limit);
      if (!rest.complete()) {
        throw StoreError("cache \"" + options_.name + "\": swap of the write policy " + detail +
                         ": " + std::to_string(rest.still_dirty) +
                         " writes could not be flushed, so the old policy stays: " + rest.error);
      }
    }
    if (log_ && writes) hand_over_debts(*made);
    const auto locks = lock_all();
    const std::lock_guard names(names_mutex_);
    if (old) retire(*old);
    for (const auto& shard : shards_) TARMAC_ASSERT(shard->aside.oldest_since() == kNever);
    policy_ = std::move(made);
    breaker_opens_before_ = breaker_of(*policy_).opens;
    active_policy_.store(writes ? policy_.get() : nullptr, std::memory_order_relaxed);
    // What goes to the log as well is written there at once.
    const bool takes_later = writes && !log_ && policy_->keeps_written_values();
    intake_.store(takes_later ? policy_->intake() : nullptr, std::memory_order_relaxed);
    writes_out_.store(writes || log_, std::memory_order_relaxed);
  }
  counters_.add(Counter::write_policy_swaps);
  announce(EventType::write_policy_swapped, detail, 1, clock_->steady_now() - began);
}

// Requires: names_mutex_. Keeps the figures of a policy that goes: counters never fall.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::retire(const WritePolicy& policy) {
  const auto last = policy.stats();
  former_policies_.flushed += last.flushed;
  former_policies_.store_errors += last.store_errors;
  former_policies_.retries += last.retries;
  former_policies_.dead_letters += last.dead_letters;
  former_policies_.backpressure_nanoseconds += last.backpressure_nanoseconds;
  former_breaker_opens_ += breaker_of(policy).opens - breaker_opens_before_;
}

template <class K, class V, class H, class E>
FlushReport Engine<K, V, H, E>::flush(std::chrono::nanoseconds limit) {
  const auto current = policy();
  return current ? current->flush(limit) : FlushReport{};
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::on_flush_state(const StoreWrite& write, EntryState state) noexcept {
  on_flush_states({&write, 1}, state);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::on_flushed(std::uint64_t writes, std::int64_t nanoseconds) noexcept {
  const Gate::PolicyThread inside;
  flush_durations_.record(nanoseconds);
  announce(EventType::flushed, "", writes, nanoseconds);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::on_store_error(std::string_view message) noexcept {
  const Gate::PolicyThread inside;
  announce(EventType::store_error, message, 1, 0);
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::on_dead_letter(std::string_view message) noexcept {
  const Gate::PolicyThread inside;
  announce(EventType::write_dead_lettered, message, 1, 0);
}

// A slot that a policy's own thread calls must not wait for a change of the whole that waits for
// that thread.
template <class K, class V, class H, class E>
std::unique_lock<std::mutex> Engine<K, V, H, E>::lock_whole(std::mutex& mutex) const {
  if (!Gate::PolicyThread::is_this_thread()) return std::unique_lock(mutex);
  std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) {
    throw UsageError("cache \"" + options_.name +
                     "\": a slot on flushed or store_error called for a change of the whole cache "
                     "while another is under way: do it later, from another thread");
  }
  return lock;
}

}  // namespace tarmac::internal
