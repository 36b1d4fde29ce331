// What an engine is made of, apart from its shards: nothing here knows the types of key and value.
#pragma once

#include <tarmac/core/cache_options.h>
#include <tarmac/core/error.h>
#include <tarmac/core/event_bus.h>
#include <tarmac/core/internal/budget.h>
#include <tarmac/core/internal/durable_log.h>
#include <tarmac/core/internal/gate.h>
#include <tarmac/core/internal/load_memos.h>
#include <tarmac/core/internal/strategy_choice.h>
#include <tarmac/core/stats.h>
#include <tarmac/core/write_policy.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

namespace tarmac::internal {

/// How many shards a cache gets: at most what the machine can use, and no more than leaves each one
/// enough entries to evict by its own judgement.
[[nodiscard]] std::size_t choose_shard_count(const CacheOptions& options);

/// Of the store that `policy` writes to; all zero without one.
[[nodiscard]] BreakerStats breaker_of(const WritePolicy& policy);

class EngineState {
 protected:
  EngineState(CacheOptions options, EventBus& events);
  /// Requires: names_mutex_ is held.
  void fill_breaker(Stats& stats) const;

  [[nodiscard]] StrategyChoice strategy() const;
  /// What the options name.
  [[nodiscard]] StrategyChoice configured() const;
  /// Throws DurabilityError. Requires: there is a log.
  void log_swap(const StrategyChoice& choice);
  /// Goes on with what was swapped to before the restart, or sees to it that this is forgotten.
  void revive_strategy(const LoggedSwap& swap);

  const CacheOptions options_;
  const std::shared_ptr<Clock> clock_;
  const std::uint64_t seed_;
  EventBus& events_;
  StripedCounters counters_;
  DurationRecorder flush_durations_;
  DurationRecorder load_durations_;
  LoadFigures load_figures_;
  Budget budget_;

  /// Serialises changes of the whole. Before the gate, which is before the shards' locks.
  mutable std::mutex admin_mutex_;
  Gate gate_;
  mutable std::mutex names_mutex_;
  StrategyChoice strategy_;
  std::shared_ptr<WritePolicy> policy_;
  /// policy_ if it writes to a store, else null. Changed with the gate closed and all shards
  /// locked, so it holds still for whoever passes the gate or has a shard's lock.
  std::atomic<WritePolicy*> active_policy_{nullptr};
  /// Of active_policy_, if writes may be set aside for it. Changed as that is.
  std::atomic<WriteIntake*> intake_{nullptr};
  /// Whether a write has to hold its key: it goes to a store, or to the log. Changed as
  /// active_policy_ is.
  std::atomic<bool> writes_out_{false};
  /// Figures of policies that were swapped away: counters never fall.
  WritePolicyStats former_policies_;
  /// The same of their stores' breakers, and what the one at work had counted before it came here.
  std::uint64_t former_breaker_opens_ = 0;
  std::uint64_t breaker_opens_before_ = 0;

  /// The shard that hands over first.
  std::atomic<std::size_t> next_handed_{0};

  std::mutex jitter_mutex_;
  std::mt19937_64 jitter_;

  /// Of a durable cache; null else. Set before anybody uses the cache.
  std::unique_ptr<DurableLog> log_;
  std::optional<RecoveryReport> recovery_;
  /// One image at a time. Before admin_mutex_.
  mutable std::mutex image_mutex_;
  /// In a row; only the compactor's thread uses it.
  std::uint64_t compaction_failures_ = 0;
  std::atomic<SteadyNanos> next_compaction_{0};
};

}  // namespace tarmac::internal
