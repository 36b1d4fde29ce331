// Finds the share of a cache's window that hits most, by trying. Internal to this room.
#pragma once

#include <cmath>
#include <cstdint>

namespace tarmac::internal {

/// Hill climbing: after each sample the window is changed by a step, in the same direction as
/// before if the hit ratio has not fallen, else in the other. Steps shrink, until a sudden change
/// of the hit ratio says that the traffic is another.
class WindowClimber {
 public:
  /// Starts anew, for a cache of so much.
  void reset(double capacity) noexcept { *this = WindowClimber(capacity); }

  WindowClimber() = default;

  void count(bool is_hit, std::uint64_t requests) noexcept {
    (is_hit ? hits_ : misses_) += requests;
  }

  /// Whether it is time to change the window, in a cache of so many entries.
  [[nodiscard]] bool is_due(std::uint64_t entries) const noexcept {
    return !has_arrived_ && hits_ + misses_ >= kRequestsForEachEntry * entries;
  }

  /// By how much: more if positive, else less. Begins the next sample.
  [[nodiscard]] double step() noexcept {
    const double ratio = static_cast<double>(hits_) / static_cast<double>(hits_ + misses_);
    if (ratio < previous_ratio_) grows_ = !grows_;
    if (std::abs(ratio - previous_ratio_) >= kSuddenChange) step_ = kFirstStep * capacity_;
    const double change = grows_ ? step_ : -step_;
    previous_ratio_ = ratio;
    hits_ = 0;
    misses_ = 0;
    step_ *= kDecay;
    has_arrived_ = step_ <= kSmallestStep;
    return change;
  }

 private:
  explicit WindowClimber(double capacity) noexcept
      : capacity_(capacity), step_(kFirstStep * capacity) {}

  static constexpr std::uint64_t kRequestsForEachEntry = 10;
  static constexpr double kFirstStep = 0.0625;
  static constexpr double kDecay = 0.98;
  static constexpr double kSuddenChange = 0.05;
  static constexpr double kSmallestStep = 0.01;

  double capacity_ = 0;
  double step_ = 0;
  double previous_ratio_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  bool grows_ = false;
  bool has_arrived_ = false;
};

}  // namespace tarmac::internal
