// Replays a trace through a bare eviction strategy: what it would hit and miss, without a cache.
#pragma once

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/simulator/replay_result.h>
#include <tarmac/simulator/trace_reader.h>

#include <memory>
#include <span>

namespace tarmac {

/// A cache reduced to what decides hits and misses: a table of keys, their nodes and a strategy.
/// Every request, read or write, is a look-up that inserts on a miss; a TTL expires nothing (the
/// node carries it for strategies that rank by it). In weight, an object takes the size of the
/// request that brought it in. An object larger than the capacity passes by and evicts nothing.
///
/// - Ownership: owns the strategy and every node.
/// - Thread-safety: not synchronised.
class StrategyReplay {
 public:
  /// Throws ConfigError for a capacity of 0 or without a strategy; what the strategy throws passes.
  StrategyReplay(std::unique_ptr<EvictionStrategy> strategy, StrategyCapacity capacity);
  StrategyReplay(StrategyReplay&&) noexcept;
  StrategyReplay& operator=(StrategyReplay&&) noexcept;
  ~StrategyReplay();

  /// Plays one request and says whether it hit. O(1) amortised, beside what the strategy takes.
  /// Throws ConfigError for a size over 2^32 - 1 if the capacity is in weight: no node can carry
  /// it; nothing has changed then.
  bool play(const Request& request);

  /// Plays one after the other, several times as quickly as one call for each: the memory that
  /// later ones need is fetched meanwhile. Throws as the above, with what came before played.
  void play(std::span<const Request> requests);
  /// The same for objects of size 1.
  void play(std::span<const std::uint64_t> keys);

  /// Hands the objects to `successor`, as a cache does: none is lost or evicted. O(n log n). Throws
  /// ConfigError without a strategy, and what the strategy throws; nothing has changed then.
  void swap_strategy(std::unique_ptr<EvictionStrategy> successor);

  [[nodiscard]] const ReplayResult& result() const noexcept;
  [[nodiscard]] bool holds(std::uint64_t key) const noexcept;
  /// Objects held now, and what they take of the capacity.
  [[nodiscard]] std::uint64_t objects() const noexcept;
  [[nodiscard]] std::uint64_t used() const noexcept;
  /// Bytes of the objects, without the table that finds them and what the strategy allocates.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Plays the rest of `trace` through one strategy that `factory` makes. Throws what the reader, the
/// factory, StrategyReplay and the report throw.
[[nodiscard]] ReplayResult replay(TraceReader& trace, const StrategyFactory& factory,
                                  StrategyCapacity capacity, const ReplayReport& report = {});

}  // namespace tarmac
