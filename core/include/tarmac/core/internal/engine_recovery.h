// Engine: how a durable cache begins. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <string>

namespace tarmac::internal {

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::recover() {
  if (!options_.durability) return;
  if constexpr (!Encodable<K> || !Encodable<V>) {
    throw ConfigError("cache \"" + options_.name +
                      "\": a durable cache needs a tarmac::Codec for the key and value types; "
                      "specialise it (see <tarmac/core/codec.h>)");
  } else {
    const auto began = clock_->steady_now();
    log_ = std::make_unique<DurableLog>(options_.name, *options_.durability);
    Replay replay(*this);
    std::optional<ImageHeader> header;
    auto report = log_->recover([&replay](const JournalRecord& one) { replay(one); }, header);
    if (!replay.swap && header) {
      replay.swap = {header->strategy_spelling, header->configured_spelling};
    }
    revive_strategy(replay.swap.value_or(LoggedSwap{}));
    auto contents = replay.finish(strategy_.factory);
    report.expired += replay.expired;
    {
      const auto locks = lock_all();
      static_cast<void>(install(contents));
      for (auto& shard : shards_) {
        shard->last_stamp = std::max(shard->last_stamp, replay.newest_stamp);
      }
    }
    contents.clear();
    log_->debts().replace(replay.debts.take());
    reclaim();
    relieve(nullptr);  // The capacity may have been made smaller.
    reclaim();
    counters_.reset();  // What was replayed was counted when it happened.
    compactor_ = std::make_unique<Sweeper>(clock_, 0, [this] { return compact_in_background(); });
    writes_out_.store(true, std::memory_order_relaxed);
    for (auto& shard : shards_) wake_sweeper(shard->wheel->next_due());
    report.elapsed = std::chrono::nanoseconds(clock_->steady_now() - began);
    recovery_ = report;
    const auto now = strategy_name();
    const auto& usual = options_.eviction;
    tell_recovered(now == usual ? "" : ", strategy " + now + " instead of " + usual);
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::tell_recovered(const std::string& about_strategy) {
  Event event;
  event.type = EventType::recovered;
  event.cache = options_.name;
  event.count = budget_.entries();
  event.at = clock_->steady_now();
  event.wall_time = clock_->wall_now();
  event.duration_nanoseconds = recovery_->elapsed.count();
  const auto detail = std::to_string(recovery_->image_entries) + " entries of the image, " +
                      std::to_string(recovery_->records) + " records of the log, " +
                      std::to_string(recovery_->expired) + " expired, " +
                      std::to_string(recovery_->torn_bytes) + " bytes torn" + about_strategy;
  event.detail = detail;
  events_.keep(event);
}

template <class K, class V, class H, class E>
std::uint64_t Engine<K, V, H, E>::install(
    std::vector<std::shared_ptr<ShardContent<K, V>>>& contents) {
  std::uint64_t installed = 0;
  for (auto& shard : shards_) shard->limbo.reserve();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    auto& shard = *shards_[i];
    auto& content = *contents[i];
    budget_.subtract(shard.table.size(), shard.weight);
    budget_.add(content.table.size(), content.weight);
    installed += content.table.size();
    shard.exchange(content.table, content.hits);
    shard.wheel.swap(content.wheel);
    shard.set_strategy(content.strategy);
    // Readers may be in the middle of what was there before.
    shard.limbo.retire(std::shared_ptr<const void>(contents[i]), shard.weight);
    std::swap(shard.weight, content.weight);
    shard.tick = content.last_tick;
    shard.last_stamp = std::max(shard.last_stamp, content.last_stamp);
    ++shard.epoch;
    shard.flights.supersede_all();
  }
  return installed;
}

// The policy takes over what was owed before the restart. Requires: the gate is closed.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::hand_over_debts(WritePolicy& policy) {
  for (auto& debt : log_->debts().all()) {
    if (debt.expires_at && *debt.expires_at <= clock_->wall_now()) debt.value.reset();
    if (policy.on_write(debt) == EntryState::clean) on_flush_state(debt, EntryState::clean);
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::fill_log_stats(Stats& stats) const {
  stats.durable = true;
  stats.journal = log_->stats();
  stats.wal_errors = log_->errors();
  if (active_policy_.load(std::memory_order_relaxed) == nullptr) {
    stats.dirty_writes_pending = log_->debts().count();
  }
  if (recovery_) stats.recovery = *recovery_;
}

}  // namespace tarmac::internal
