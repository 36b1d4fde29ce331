#include "metric_families.h"

#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace tarmac::internal {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Figure = std::uint64_t Stats::*;

struct Row {
  const char* name;
  const char* help;
  Figure figure;
};

struct SecondsRow {
  const char* name;
  const char* help;
  double Stats::*figure;
  MetricType type;
};

constexpr SecondsRow kSeconds[] = {
    {"tarmac_cache_backpressure_seconds_total",
     "How long writes have waited for room in the queue of the write policy.",
     &Stats::backpressure_seconds, MetricType::Counter},
    {"tarmac_cache_oldest_dirty_age_seconds",
     "How long the oldest write has waited that the backing store is still owed.",
     &Stats::oldest_dirty_seconds, MetricType::Gauge},
};

constexpr Row kCounters[] = {
    {"tarmac_cache_hits_total", "Look-ups that found a value.", &Stats::hits},
    {"tarmac_cache_misses_total", "Look-ups that found none.", &Stats::misses},
    {"tarmac_cache_expirations_total", "Entries whose time to live was over.", &Stats::expirations},
    {"tarmac_cache_sets_total", "Values set.", &Stats::sets},
    {"tarmac_cache_deletes_total", "Entries deleted on request.", &Stats::deletes},
    {"tarmac_cache_rejected_total", "Values larger than the whole cache, which were not kept.",
     &Stats::rejected},
    {"tarmac_cache_loads_total", "Loader calls that did not fail.", &Stats::loads},
    {"tarmac_cache_load_failures_total", "Loader calls that failed.", &Stats::load_failures},
    {"tarmac_cache_coalesced_loads_total", "Calls that waited for another call's loader.",
     &Stats::coalesced_loads},
    {"tarmac_cache_load_refreshes_total", "Loads of values that were still there.",
     &Stats::load_refreshes},
    {"tarmac_cache_load_stale_served_total", "Expired values that stood in for a load.",
     &Stats::load_stale_served},
    {"tarmac_cache_load_negative_hits_total", "Calls that got a remembered nothing.",
     &Stats::load_negative_hits},
    {"tarmac_cache_load_error_hits_total", "Calls that got a remembered error.",
     &Stats::load_error_hits},
    {"tarmac_cache_load_timeouts_total", "Calls that stopped waiting for a load.",
     &Stats::load_timeouts},
    {"tarmac_cache_flushed_writes_total", "Writes that the backing store has taken.",
     &Stats::flushed_writes},
    {"tarmac_cache_store_errors_total", "Calls of the backing store that failed.",
     &Stats::store_errors},
    {"tarmac_cache_store_retries_total",
     "Calls of the backing store with writes that failed before.", &Stats::retries},
    {"tarmac_cache_dead_letters_total", "Writes given up and put into the dead-letter file.",
     &Stats::dead_letters},
    {"tarmac_cache_store_breaker_opens_total", "Times that the store's breaker has opened.",
     &Stats::breaker_opens},
    {"tarmac_cache_strategy_swaps_total", "Changes of the eviction strategy.",
     &Stats::strategy_swaps},
    {"tarmac_cache_write_policy_swaps_total", "Changes of the write policy.",
     &Stats::write_policy_swaps},
    {"tarmac_cache_snapshots_taken_total", "Snapshots taken.", &Stats::snapshots_taken},
    {"tarmac_cache_snapshots_restored_total", "Snapshots restored.", &Stats::snapshots_restored},
    {"tarmac_cache_observer_errors_total", "Exceptions thrown by event slots.",
     &Stats::observer_errors},
};

constexpr Row kGauges[] = {
    {"tarmac_cache_dirty_writes_pending", "Writes that the backing store is still owed.",
     &Stats::dirty_writes_pending},
    {"tarmac_cache_items", "Entries held now.", &Stats::current_items},
    {"tarmac_cache_bytes", "Weight of the entries held now, in bytes unless weighed otherwise.",
     &Stats::total_bytes},
    {"tarmac_cache_undo_depth", "Commands that can be undone.", &Stats::undo_depth},
    {"tarmac_cache_redo_depth", "Commands that can be redone.", &Stats::redo_depth},
    {"tarmac_cache_undo_bytes", "Bytes of values kept for undo and redo.", &Stats::undo_bytes},
};

/// Of durable caches alone.
struct LogRow {
  const char* name;
  const char* help;
  MetricType type;
  double (*figure)(const Stats&);
};

constexpr LogRow kLogRows[] = {
    {"tarmac_cache_wal_records_total", "Records appended to the log.", MetricType::Counter,
     [](const Stats& s) { return static_cast<double>(s.journal.appended_records); }},
    {"tarmac_cache_wal_appended_bytes_total", "Bytes appended to the log.", MetricType::Counter,
     [](const Stats& s) { return static_cast<double>(s.journal.appended_bytes); }},
    {"tarmac_cache_wal_syncs_total", "Times that the log was brought to the disk.",
     MetricType::Counter, [](const Stats& s) { return static_cast<double>(s.journal.syncs); }},
    {"tarmac_cache_wal_sync_failures_total", "Times that this failed.", MetricType::Counter,
     [](const Stats& s) { return static_cast<double>(s.journal.sync_failures); }},
    {"tarmac_cache_wal_errors_total", "Writes and images that the log has refused.",
     MetricType::Counter, [](const Stats& s) { return static_cast<double>(s.wal_errors); }},
    {"tarmac_cache_wal_compactions_total", "Images that have replaced the log before them.",
     MetricType::Counter,
     [](const Stats& s) { return static_cast<double>(s.journal.compactions); }},
    {"tarmac_cache_wal_compaction_failures_total", "Images that could not be made.",
     MetricType::Counter,
     [](const Stats& s) { return static_cast<double>(s.journal.compaction_failures); }},
    {"tarmac_cache_wal_bytes", "Size of the log now.", MetricType::Gauge,
     [](const Stats& s) { return static_cast<double>(s.journal.log_bytes); }},
    {"tarmac_cache_wal_segments", "Files that the log has now.", MetricType::Gauge,
     [](const Stats& s) { return static_cast<double>(s.journal.segments); }},
    {"tarmac_cache_wal_unsynced_records", "Records that the disk is not known to have.",
     MetricType::Gauge,
     [](const Stats& s) { return static_cast<double>(s.journal.appended - s.journal.durable); }},
    {"tarmac_cache_wal_degraded", "1 while the log cannot be written.", MetricType::Gauge,
     [](const Stats& s) { return s.journal.degraded ? 1.0 : 0.0; }},
    {"tarmac_cache_recovery_records", "Records of the log that the last start replayed.",
     MetricType::Gauge, [](const Stats& s) { return static_cast<double>(s.recovery.records); }},
    {"tarmac_cache_recovery_image_entries", "Entries of the image that the last start read.",
     MetricType::Gauge,
     [](const Stats& s) { return static_cast<double>(s.recovery.image_entries); }},
    {"tarmac_cache_recovery_expired", "Entries that had expired by then.", MetricType::Gauge,
     [](const Stats& s) { return static_cast<double>(s.recovery.expired); }},
    {"tarmac_cache_recovery_torn_bytes", "Bytes at the log's end that were never acknowledged.",
     MetricType::Gauge, [](const Stats& s) { return static_cast<double>(s.recovery.torn_bytes); }},
    {"tarmac_cache_recovery_seconds", "How long the last start took to recover.", MetricType::Gauge,
     [](const Stats& s) { return std::chrono::duration<double>(s.recovery.elapsed).count(); }},
};

struct HistogramRow {
  const char* name;
  const char* help;
  DurationHistogram Stats::*histogram;
};

constexpr HistogramRow kHistograms[] = {
    {"tarmac_cache_load_duration_seconds", "How long loader calls took.", &Stats::load_durations},
    {"tarmac_cache_flush_duration_seconds", "How long the backing store took for a batch.",
     &Stats::flush_durations},
};

ClientMetric series_of(const CacheSample& sample) {
  ClientMetric series;
  series.label.push_back({"cache", sample.description.name});
  return series;
}

ClientMetric counter(const CacheSample& sample, std::uint64_t value) {
  auto series = series_of(sample);
  series.counter.value = static_cast<double>(value);
  return series;
}

ClientMetric gauge(const CacheSample& sample, std::uint64_t value) {
  auto series = series_of(sample);
  series.gauge.value = static_cast<double>(value);
  return series;
}

ClientMetric histogram(const CacheSample& sample, const DurationHistogram& durations) {
  auto series = series_of(sample);
  auto& target = series.histogram;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < durations.counts.size(); ++i) {
    total += durations.counts.at(i);
    const auto bound = i < DurationHistogram::kBounds.size()
                           ? DurationHistogram::kBounds.at(i)
                           : std::numeric_limits<double>::infinity();
    target.bucket.push_back({total, bound});
  }
  target.sample_count = total;
  target.sample_sum = durations.sum_seconds;
  return series;
}

MetricFamily family(const char* name, const char* help, MetricType type) {
  return {.name = name, .help = help, .type = type, .metric = {}};
}

void add_tables(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  for (const auto& row : kCounters) {
    auto& one = families.emplace_back(family(row.name, row.help, MetricType::Counter));
    for (const auto& sample : samples)
      one.metric.push_back(counter(sample, sample.stats.*row.figure));
  }
  for (const auto& row : kGauges) {
    auto& one = families.emplace_back(family(row.name, row.help, MetricType::Gauge));
    for (const auto& sample : samples)
      one.metric.push_back(gauge(sample, sample.stats.*row.figure));
  }
  for (const auto& row : kSeconds) {
    auto& one = families.emplace_back(family(row.name, row.help, row.type));
    for (const auto& sample : samples) {
      auto& series = one.metric.emplace_back(series_of(sample));
      const double seconds = sample.stats.*row.figure;
      (row.type == MetricType::Counter ? series.counter.value : series.gauge.value) = seconds;
    }
  }
  for (const auto& row : kHistograms) {
    auto& one = families.emplace_back(family(row.name, row.help, MetricType::Histogram));
    for (const auto& sample : samples) {
      one.metric.push_back(histogram(sample, sample.stats.*row.histogram));
    }
  }
}

void add_logs(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  for (const auto& row : kLogRows) {
    auto& one = families.emplace_back(family(row.name, row.help, row.type));
    for (const auto& sample : samples) {
      if (!sample.stats.durable) continue;
      auto series = series_of(sample);
      (row.type == MetricType::Counter ? series.counter.value : series.gauge.value) =
          row.figure(sample.stats);
      one.metric.push_back(std::move(series));
    }
  }
}

void add_evictions(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  auto& one = families.emplace_back(family("tarmac_cache_evictions_total",
                                           "Entries that had to make room.", MetricType::Counter));
  for (const auto& sample : samples) {
    auto series = counter(sample, sample.stats.evictions);
    series.label.push_back({"cause", "size"});
    one.metric.push_back(std::move(series));
  }
}

/// One series for each state, of which one is 1. None where no breaker stands before the store.
void add_breakers(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  constexpr std::array<std::pair<BreakerState, const char*>, 3> kStates{
      {{BreakerState::closed, "closed"},
       {BreakerState::open, "open"},
       {BreakerState::half_open, "half_open"}}};
  auto& one = families.emplace_back(family(
      "tarmac_cache_store_breaker", "1 for the state of the store's breaker.", MetricType::Gauge));
  for (const auto& sample : samples) {
    if (!sample.stats.breaker) continue;
    for (const auto& [state, name] : kStates) {
      auto series = gauge(sample, *sample.stats.breaker == state ? 1 : 0);
      series.label.push_back({"state", name});
      one.metric.push_back(std::move(series));
    }
  }
}

/// An unbounded cache has no series: a made-up number would spoil every ratio.
void add_bound(std::span<const CacheSample> samples, MetricFamily bound,
               std::optional<std::uint64_t> Capacity::*which, std::vector<MetricFamily>& families) {
  for (const auto& sample : samples) {
    const auto& limit = sample.description.capacity.*which;
    if (limit) bound.metric.push_back(gauge(sample, *limit));
  }
  families.push_back(std::move(bound));
}

void add_info(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  auto& one = families.emplace_back(
      family("tarmac_cache_info", "The parts at work, as labels. Always 1.", MetricType::Gauge));
  for (const auto& sample : samples) {
    auto series = gauge(sample, 1);
    series.label.push_back({"strategy", sample.description.strategy});
    series.label.push_back({"write_policy", sample.description.write_policy});
    series.label.push_back({"store", sample.description.store});
    one.metric.push_back(std::move(series));
  }
}

/// One series for each memoized function: the program names them, so they are few.
template <class Series>
void add_functions(std::span<const CacheSample> samples, MetricFamily one,
                   const Series& series_of_one, std::vector<MetricFamily>& families) {
  for (const auto& sample : samples) {
    for (const auto& function : sample.functions) {
      auto series = series_of_one(sample, function);
      series.label.push_back({"function", function.name});
      one.metric.push_back(std::move(series));
    }
  }
  families.push_back(std::move(one));
}

void add_functions(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  const auto counts = [](std::uint64_t FunctionStats::*which) {
    return [which](const CacheSample& sample, const FunctionStats& function) {
      return counter(sample, function.*which);
    };
  };
  add_functions(samples,
                family("tarmac_cache_function_hits_total",
                       "Calls of a memoized function that did not call it.", MetricType::Counter),
                counts(&FunctionStats::hits), families);
  add_functions(samples,
                family("tarmac_cache_function_misses_total",
                       "Calls of a memoized function that called it.", MetricType::Counter),
                counts(&FunctionStats::misses), families);
  add_functions(
      samples,
      family("tarmac_cache_function_duration_seconds",
             "How long calls of a memoized function took.", MetricType::Histogram),
      [](const CacheSample& sample, const FunctionStats& function) {
        return histogram(sample, function.durations);
      },
      families);
}

void add_extra(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  std::map<std::string, MetricFamily> by_name;
  for (const auto& sample : samples) {
    for (const auto& figure : sample.extra) {
      const auto type = figure.is_counter ? MetricType::Counter : MetricType::Gauge;
      auto& one =
          by_name.try_emplace(figure.name, family(figure.name.c_str(), figure.help.c_str(), type))
              .first->second;
      auto series = series_of(sample);
      (figure.is_counter ? series.counter.value : series.gauge.value) = figure.value;
      for (const auto& [name, value] : figure.labels) series.label.push_back({name, value});
      one.metric.push_back(std::move(series));
    }
  }
  for (auto& [name, one] : by_name) families.push_back(std::move(one));
}

void add_events(std::span<const CacheSample> samples, std::vector<MetricFamily>& families) {
  auto& one = families.emplace_back(family("tarmac_cache_events_total",
                                           "Rare events since the cache is watched, by type.",
                                           MetricType::Counter));
  for (const auto& sample : samples) {
    for (std::size_t i = 0; i < kRareEvents.size(); ++i) {
      auto series = counter(sample, sample.events.at(i));
      series.label.push_back({"type", std::string(to_string(kRareEvents.at(i)))});
      one.metric.push_back(std::move(series));
    }
  }
}

}  // namespace

std::vector<MetricFamily> make_families(std::span<const CacheSample> samples,
                                        std::uint64_t exporter_errors) {
  std::vector<MetricFamily> families;
  add_tables(samples, families);
  add_evictions(samples, families);
  add_logs(samples, families);
  add_breakers(samples, families);
  add_bound(samples,
            family("tarmac_cache_max_items", "Entries the cache may hold; none without a bound.",
                   MetricType::Gauge),
            &Capacity::max_entries, families);
  add_bound(samples,
            family("tarmac_cache_max_bytes", "Weight the cache may hold; none without a bound.",
                   MetricType::Gauge),
            &Capacity::max_bytes, families);
  add_info(samples, families);
  add_functions(samples, families);
  add_extra(samples, families);
  add_events(samples, families);
  // A family without a series would be a heading without a text.
  std::erase_if(families, [](const MetricFamily& one) { return one.metric.empty(); });

  auto& errors = families.emplace_back(family(
      "tarmac_exporter_errors_total", "Caches that a scrape could not read.", MetricType::Counter));
  errors.metric.emplace_back().counter.value = static_cast<double>(exporter_errors);
  return families;
}

}  // namespace tarmac::internal
