// The bound: what a cache would miss that knows the future.
#pragma once

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/simulator/replay_result.h>
#include <tarmac/simulator/trace_reader.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tarmac {

/// For each request of a trace, the number (from 0) of the next request of the same key.
struct NextAccesses {
  static constexpr std::uint32_t kNever = 0xFFFF'FFFFU;
  /// Traces of more requests are refused.
  static constexpr std::uint64_t kRequestsMax = 0xFFFF'FFFEU;

  /// 4 bytes for each request.
  std::vector<std::uint32_t> of_request;
};

/// Belady's MIN: of the objects held, the one whose next request is farthest leaves; the newcomer
/// always comes in. In objects no strategy that always admits misses less. In weight it still looks
/// at the next request alone, so it is no bound there: evicting large objects can save more misses.
///
/// - Cost: O(1); memory: a bit for each request of the trace, and in weight 8 to 16 bytes for each
///   object held.
/// - Thread-safety: not synchronised.
/// - Source: Belady, "A study of replacement algorithms for a virtual-storage computer", 1966.
class BeladyReplay {
 public:
  /// Borrows `next`, which must outlive this. Throws ConfigError for a capacity of 0.
  BeladyReplay(const NextAccesses& next, StrategyCapacity capacity);
  BeladyReplay(BeladyReplay&&) noexcept;
  BeladyReplay& operator=(BeladyReplay&&) noexcept;
  ~BeladyReplay();

  /// Plays the requests that follow those played before. Requires: `next` knows of them.
  void play(std::span<const Request> requests);
  /// Evictions are not counted: an object that is never asked for again leaves unnoticed.
  [[nodiscard]] const ReplayResult& result() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarmac
