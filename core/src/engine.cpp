#include <tarmac/core/hash.h>
#include <tarmac/core/internal/engine_state.h>

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

namespace tarmac::internal {

std::size_t choose_shard_count(const CacheOptions& options) {
  if (options.shards) return *options.shards;
  constexpr std::uint64_t kEntriesPerShard = 8'192;
  constexpr std::uint64_t kBytesPerShard = 1U << 20U;
  const std::uint64_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::uint64_t most = 8 * threads;
  if (options.max_entries) most = std::min(most, *options.max_entries / kEntriesPerShard);
  if (options.max_bytes) most = std::min(most, *options.max_bytes / kBytesPerShard);
  return static_cast<std::size_t>(std::bit_floor(std::clamp<std::uint64_t>(most, 1, 32)));
}

BreakerStats breaker_of(const WritePolicy& policy) {
  const auto store = policy.store();
  return store ? store->breaker().value_or(BreakerStats{}) : BreakerStats{};
}

EngineState::EngineState(CacheOptions options, EventBus& events)
    : options_(std::move(options)),
      clock_(options_.clock ? options_.clock : system_clock()),
      seed_(options_.seed ? *options_.seed : random_seed()),
      events_(events),
      budget_({options_.max_entries, options_.max_bytes}),
      strategy_(registered_strategy(options_.eviction, options_.eviction_parameters)),
      jitter_(seed_) {}

void EngineState::fill_breaker(Stats& stats) const {
  stats.breaker_opens = former_breaker_opens_;
  const auto store = policy_ ? policy_->store() : nullptr;
  const auto breaker = store ? store->breaker() : std::nullopt;
  if (!breaker) return;
  stats.breaker = breaker->state;
  stats.breaker_opens += breaker->opens - breaker_opens_before_;
}

StrategyChoice EngineState::strategy() const {
  const std::lock_guard lock(names_mutex_);
  return strategy_;
}

StrategyChoice EngineState::configured() const {
  return registered_strategy(options_.eviction, options_.eviction_parameters);
}

void EngineState::log_swap(const StrategyChoice& choice) {
  const auto now = configured();
  JournalRecord record;
  record.kind = JournalRecord::Kind::strategy;
  record.key = choice.spelling;
  record.value = now.spelling;
  log_->commit({&record, 1});
}

void EngineState::revive_strategy(const LoggedSwap& swap) {
  if (auto revived = revive_swap(swap, strategy_)) {
    const std::lock_guard lock(names_mutex_);
    strategy_ = *std::move(revived);
    return;
  }
  if (swap.chosen.empty() || swap.chosen == swap.configured) return;
  // The options have changed since, or what was swapped to cannot be made. Logged, so that the old
  // swap does not come back with the old options.
  JournalRecord record;
  record.kind = JournalRecord::Kind::strategy;
  record.key = strategy_.spelling;
  record.value = strategy_.spelling;
  static_cast<void>(log_->note(record));
}

}  // namespace tarmac::internal
