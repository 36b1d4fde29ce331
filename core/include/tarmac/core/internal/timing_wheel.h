// A hierarchical timing wheel: which entries are due, without looking at the others.
#pragma once

#include <tarmac/core/clock.h>

#include <array>
#include <cstdint>

namespace tarmac::internal {

/// What the timing wheel links.
struct TimedNode {
  /// Not before this; kNever for not at all.
  SteadyNanos expires_at = kNever;
  TimedNode* timer_previous = nullptr;
  TimedNode* timer_next = nullptr;
  /// The wheel's list that holds the node; kNoTimer while none does.
  std::uint32_t timer_list = kNoTimer;
  static constexpr std::uint32_t kNoTimer = ~std::uint32_t{0};
};

/// Six levels of 64 lists. A node stands in the list of the digit in which its deadline first
/// differs from now, in base 64; when time reaches that list, its nodes move one level down.
///
/// - Exact: pop_due() gives a node when, and only when, its deadline has passed. The nodes that are
///   due within the current tick are looked at one by one.
/// - Cost: schedule and cancel O(1); a node moves at most six times before it is due.
/// - Thread-safety: not synchronised.
/// - Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
class TimingWheel {
 public:
  static constexpr int kTickBits = 20;
  /// About a millisecond.
  static constexpr std::int64_t kTickNanos = std::int64_t{1} << kTickBits;

  explicit TimingWheel(SteadyNanos now) noexcept : origin_(now) {}
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Files `node` by its expires_at, wherever it was filed before. A node that never expires is
  /// taken out.
  void schedule(TimedNode& node) noexcept;
  void cancel(TimedNode& node) noexcept;

  /// Takes out one node with `expires_at <= now`; nullptr if there is none. A node whose
  /// expires_at was moved to later since it was filed is filed anew.
  [[nodiscard]] TimedNode* pop_due(SteadyNanos now) noexcept;
  /// No node is due before this, but for less than a tick; kNever for an empty wheel.
  [[nodiscard]] SteadyNanos next_due() const noexcept;

 private:
  static constexpr unsigned kLevels = 6;
  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kSlots = 1U << kDigitBits;
  /// Filed for the current tick or before; and those of them that pop_due() found not yet due.
  static constexpr std::uint32_t kDueList = kLevels * kSlots;
  static constexpr std::uint32_t kSoonList = kDueList + 1;

  struct Next {
    std::uint64_t tick;
    unsigned level;
    unsigned slot;
    bool found;
  };

  [[nodiscard]] std::uint64_t tick_of(SteadyNanos time) const noexcept;
  [[nodiscard]] Next next_list() const noexcept;
  void file(TimedNode& node, std::uint64_t tick) noexcept;
  void link(TimedNode& node, std::uint32_t list) noexcept;
  void unlink(TimedNode& node) noexcept;
  void bring_up_to(std::uint64_t now_tick) noexcept;

  SteadyNanos origin_;
  std::uint64_t current_ = 0;
  std::uint64_t size_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};
  SteadyNanos soon_checked_at_ = 0;
  std::array<TimedNode*, kLevels * kSlots + 2> lists_{};
};

}  // namespace tarmac::internal
