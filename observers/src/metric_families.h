// The families of metrics: names, help and types in one table.
#pragma once

#include <tarmac/core/cache_base.h>

#include <prometheus/metric_family.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tarmac::internal {

/// The event types that are counted through the bus: those no Stats counter tells, and rare enough
/// that a slot costs nothing that matters.
inline constexpr std::array kRareEvents{
    EventType::strategy_swapped,
    EventType::write_policy_swapped,
    EventType::snapshot_taken,
    EventType::snapshot_restored,
    EventType::flushed,
    EventType::command_executed,
    EventType::command_undone,
    EventType::command_redone,
    EventType::write_dead_lettered,
    EventType::recovered,
    EventType::durability_error,
    EventType::store_error,
    EventType::observer_error,
};
using EventCounts = std::array<std::uint64_t, kRareEvents.size()>;

/// What one scrape knows of one cache.
struct CacheSample {
  CacheDescription description;
  Stats stats;
  std::vector<FunctionStats> functions;
  std::vector<ExtraFigure> extra;
  EventCounts events{};
};

/// All families, each with the series of all samples. `exporter_errors` is what the exporter could
/// not read so far.
[[nodiscard]] std::vector<prometheus::MetricFamily> make_families(
    std::span<const CacheSample> samples, std::uint64_t exporter_errors);

}  // namespace tarmac::internal
