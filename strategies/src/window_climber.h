// Finds the share of a cache's window that hits most, by trying. Internal to this room.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tarmac::internal {

/// Hill climbing: after each sample the window is changed by a step, and the next sample says
/// whether that was the right direction.
class WindowClimber {
 public:
  enum class Way : std::uint8_t {
    /// In the same direction as long as the hit ratio does not fall. Steps shrink by the time,
    /// until
    /// a sudden change of the hit ratio says that the traffic is another.
    simple,
    /// In the direction in which window and hit ratio moved together. Steps shrink from each to the
    /// next, until the hit ratio has fallen several times in a row.
    correlation,
  };

  WindowClimber() = default;
  WindowClimber(Way way, double capacity) noexcept
      : way_(way), first_step_(kFirstStep * capacity), step_(first_step_) {}

  void count(bool is_hit, std::uint64_t requests) noexcept {
    (is_hit ? hits_ : misses_) += requests;
  }

  /// Whether it is time to change the window, in a cache of so many entries.
  [[nodiscard]] bool is_due(std::uint64_t entries) const noexcept {
    return is_due_within(0, entries);
  }
  /// Whether it will be after so many requests more.
  [[nodiscard]] bool is_due_within(std::uint64_t requests, std::uint64_t entries) const noexcept {
    return !has_arrived_ && hits_ + misses_ + requests >= kRequestsForEachEntry * entries;
  }

  /// By how much: more if positive, else less. Begins the next sample.
  [[nodiscard]] double step() noexcept {
    const double ratio = static_cast<double>(hits_) / static_cast<double>(hits_ + misses_);
    const double gain = ratio - previous_ratio_;
    const double change = way_ == Way::simple ? simple_step(gain) : correlated_step(gain);
    previous_ratio_ = ratio;
    hits_ = 0;
    misses_ = 0;
    return change;
  }

 private:
  static constexpr std::uint64_t kRequestsForEachEntry = 10;
  static constexpr double kFirstStep = 0.0625;
  static constexpr double kDecay = 0.98;
  static constexpr double kSuddenChange = 0.05;
  static constexpr double kSmallestStep = 0.01;
  static constexpr double kDecayOfCorrelated = 0.95;
  static constexpr int kFallsInARow = 3;

  [[nodiscard]] double simple_step(double gain) noexcept {
    if (gain < 0) grows_ = !grows_;
    if (std::abs(gain) >= kSuddenChange) step_ = first_step_;
    const double change = grows_ ? step_ : -step_;
    step_ *= kDecay;
    has_arrived_ = step_ <= kSmallestStep;
    return change;
  }

  [[nodiscard]] double correlated_step(double gain) noexcept {
    falls_ = gain < 0 ? falls_ + 1 : 0;
    if (last_change_ == 0 || falls_ >= kFallsInARow) {
      falls_ = 0;
      last_change_ = std::max(1.0, std::floor(first_step_));
    } else if (gain == 0) {
      last_change_ = 0;  // There is nothing to learn from; the next step is a fresh try.
    } else {
      const double size = std::max(1.0, kDecayOfCorrelated * std::abs(last_change_));
      last_change_ = (last_change_ > 0) == (gain > 0) ? size : -size;
    }
    return last_change_;
  }

  Way way_ = Way::simple;
  double first_step_ = 0;
  double previous_ratio_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  // simple
  double step_ = 0;
  bool grows_ = false;
  bool has_arrived_ = false;
  // correlation
  double last_change_ = 0;
  int falls_ = 0;
};

}  // namespace tarmac::internal
