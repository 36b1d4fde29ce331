// How much the whole cache holds, and how much it may: shared by its shards.
#pragma once

#include <tarmac/core/cache_options.h>

#include <atomic>
#include <cstdint>
#include <limits>

namespace tarmac::internal {

/// What one shard has added and not yet told the others: kept until its change is complete, so that
/// an insertion that evicts costs nothing here, and nobody sees the cache fuller than it may be.
struct BudgetChange {
  std::int64_t entries = 0;
  std::int64_t weight = 0;
};

/// The bound is kept for the cache as a whole, not shard by shard, so that a cache of 1,000 entries
/// holds 1,000 however unevenly the hash spreads them. A shard that is over asks its own strategy
/// first.
/// Thread-safety: all members may be called from any thread.
class Budget {
 public:
  explicit Budget(const Capacity& capacity) noexcept { set_capacity(capacity); }

  void set_capacity(const Capacity& capacity) noexcept {
    max_entries_.store(capacity.max_entries.value_or(kUnlimited), std::memory_order_relaxed);
    max_bytes_.store(capacity.max_bytes.value_or(kUnlimited), std::memory_order_relaxed);
  }
  [[nodiscard]] Capacity capacity() const noexcept {
    const auto bound = [](const std::atomic<std::uint64_t>& max) {
      const auto value = max.load(std::memory_order_relaxed);
      return value == kUnlimited ? std::nullopt : std::optional(value);
    };
    return {bound(max_entries_), bound(max_bytes_)};
  }

  void add(std::uint64_t entries, std::uint64_t weight) noexcept {
    entries_.fetch_add(entries, std::memory_order_relaxed);
    weight_.fetch_add(weight, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t entries, std::uint64_t weight) noexcept {
    entries_.fetch_sub(entries, std::memory_order_relaxed);
    weight_.fetch_sub(weight, std::memory_order_relaxed);
  }
  void settle(BudgetChange& change) noexcept {
    // Negative ones wrap round, and so subtract.
    if (change.entries != 0) {
      entries_.fetch_add(static_cast<std::uint64_t>(change.entries), std::memory_order_relaxed);
    }
    if (change.weight != 0) {
      weight_.fetch_add(static_cast<std::uint64_t>(change.weight), std::memory_order_relaxed);
    }
    change = {};
  }
  [[nodiscard]] bool is_over(const BudgetChange& change = {}) const noexcept {
    return sum(entries(), change.entries) > max_entries_.load(std::memory_order_relaxed) ||
           sum(weight(), change.weight) > max_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool could_hold(std::uint64_t weight) const noexcept {
    return weight <= max_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t entries() const noexcept {
    return entries_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t weight() const noexcept {
    return weight_.load(std::memory_order_relaxed);
  }

  /// The most entries there may be; the largest number without such a bound.
  [[nodiscard]] std::uint64_t max_entries() const noexcept {
    return max_entries_.load(std::memory_order_relaxed);
  }
  /// What one of `shards` strategies is told: its share, in bytes if bytes bound the cache.
  [[nodiscard]] StrategyCapacity share(std::size_t shards) const noexcept {
    const Capacity bounds = capacity();
    const bool in_weight = bounds.max_bytes.has_value();
    const auto bound = in_weight ? bounds.max_bytes : bounds.max_entries;
    if (!bound) return {};
    return {(*bound + shards - 1) / shards, in_weight};
  }

 private:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  static std::uint64_t sum(std::uint64_t total, std::int64_t change) noexcept {
    return total + static_cast<std::uint64_t>(change);
  }

  alignas(64) std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> weight_{0};
  alignas(64) std::atomic<std::uint64_t> max_entries_{kUnlimited};
  std::atomic<std::uint64_t> max_bytes_{kUnlimited};
};

}  // namespace tarmac::internal
