// What the cache counts: striped counters that threads do not fight over, and their readings.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/internal/epoch.h>
#include <tarmac/core/journal.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tarmac {

/// A histogram of durations with fixed upper bounds, in seconds. Counts are not cumulative.
struct DurationHistogram {
  static constexpr std::array<double, 12> kBounds{1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2,
                                                  5e-2, 1e-1, 5e-1, 1.0,  5.0,  30.0};
  /// The last one counts what is longer than the last bound.
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double sum_seconds = 0;

  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    for (const auto one : counts) total += one;
    return total;
  }
};

[[nodiscard]] constexpr double in_seconds(std::int64_t nanoseconds) noexcept {
  return static_cast<double>(nanoseconds) / 1e9;
}

/// A reading of all figures. The counters never fall, whatever is cleared, swapped or restored;
/// hits + misses is the number of get() and visit() calls.
struct Stats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;
  std::uint64_t expirations = 0;
  std::uint64_t sets = 0;
  std::uint64_t deletes = 0;
  /// Values larger than the whole cache, which were not kept.
  std::uint64_t rejected = 0;
  /// Loader calls that did not fail.
  std::uint64_t loads = 0;
  std::uint64_t load_failures = 0;
  /// Calls that waited for somebody else's loader instead of calling theirs.
  std::uint64_t coalesced_loads = 0;
  /// Loads of values that were there; expired values that stood in; calls that got a remembered
  /// nothing or error; and calls whose wait was over before the load was.
  std::uint64_t load_refreshes = 0;
  std::uint64_t load_stale_served = 0;
  std::uint64_t load_negative_hits = 0;
  std::uint64_t load_error_hits = 0;
  std::uint64_t load_timeouts = 0;
  std::uint64_t flushed_writes = 0;
  std::uint64_t store_errors = 0;
  std::uint64_t retries = 0;
  std::uint64_t dead_letters = 0;
  /// How long set() has waited for room in the queue of the write policy, all threads together.
  double backpressure_seconds = 0;
  std::uint64_t strategy_swaps = 0;
  std::uint64_t write_policy_swaps = 0;
  std::uint64_t snapshots_taken = 0;
  std::uint64_t snapshots_restored = 0;
  std::uint64_t observer_errors = 0;
  /// How often the breakers of this cache's stores have opened.
  std::uint64_t breaker_opens = 0;

  // Levels, which rise and fall. What has expired counts until it is swept: reading takes no lock.
  std::uint64_t current_items = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t dirty_writes_pending = 0;
  /// How long the oldest of them has waited.
  double oldest_dirty_seconds = 0;
  std::uint64_t undo_depth = 0;
  std::uint64_t redo_depth = 0;
  std::uint64_t undo_bytes = 0;
  /// Of the store's breaker; empty without one.
  std::optional<BreakerState> breaker;

  /// Whether the cache has a log; without one, what follows is all 0.
  bool durable = false;
  JournalStats journal;
  /// Failures of the log, images included.
  std::uint64_t wal_errors = 0;
  RecoveryReport recovery;

  DurationHistogram load_durations;
  DurationHistogram flush_durations;

  /// hits / (hits + misses), 0 before the first look-up.
  [[nodiscard]] double hit_ratio() const noexcept {
    const auto gets = hits + misses;
    return gets == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(gets);
  }
};

enum class Counter : std::uint8_t {
  hits,
  misses,
  evictions,
  expirations,
  sets,
  deletes,
  rejected,
  loads,
  load_failures,
  coalesced_loads,
  strategy_swaps,
  write_policy_swaps,
  snapshots_taken,
  snapshots_restored,  // Stays the last one: the count is taken from it.
};
inline constexpr std::size_t kCounterCount =
    static_cast<std::size_t>(Counter::snapshots_restored) + 1;

/// Counters that only grow, spread over cache lines by thread: reading adds them up.
/// Thread-safety: all members may be called from any thread.
class StripedCounters {
 public:
  void add(Counter counter, std::uint64_t amount = 1) noexcept {
    add(internal::this_thread_slot(), counter, amount);
  }
  /// By the thread that has `slot`. Without a read-modify-write for the first kOwned threads.
  [[gnu::always_inline]] void add(const internal::ThreadSlot& slot, Counter counter,
                                  std::uint64_t amount = 1) noexcept {
    const auto index = static_cast<std::size_t>(counter);
    if (slot.index >= kOwned) {
      shared_[slot.index % kShared].values[index].fetch_add(amount, std::memory_order_relaxed);
      return;
    }
    auto& mine = owned_[slot.index].values[index];
    mine.store(mine.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  /// Back to zero. Nobody may count meanwhile.
  void reset() noexcept;
  [[nodiscard]] std::uint64_t read(Counter counter) const noexcept {
    const auto index = static_cast<std::size_t>(counter);
    std::uint64_t total = 0;
    for (const auto& stripe : owned_) total += stripe.values[index].load(std::memory_order_relaxed);
    for (const auto& stripe : shared_)
      total += stripe.values[index].load(std::memory_order_relaxed);
    return total;
  }

 private:
  static constexpr std::uint32_t kOwned = 64;
  static constexpr std::size_t kShared = 8;
  struct alignas(128) Stripe {
    std::array<std::atomic<std::uint64_t>, kCounterCount> values{};
  };

  std::array<Stripe, kOwned> owned_{};
  std::array<Stripe, kShared> shared_{};
};

/// Collects durations. Meant for rare operations (flushes, loads), not for hits.
/// Thread-safety: all members may be called from any thread.
class DurationRecorder {
 public:
  void record(std::int64_t nanoseconds) noexcept;
  [[nodiscard]] DurationHistogram read() const noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, DurationHistogram::kBounds.size() + 1> counts_{};
  std::atomic<std::int64_t> sum_nanoseconds_{0};
};

}  // namespace tarmac
