#include <tarmac/core/stats.h>

#include <algorithm>

namespace tarmac {

void StripedCounters::reset() noexcept {
  const auto clear = [](auto& stripes) {
    for (auto& stripe : stripes) {
      for (auto& value : stripe.values) value.store(0, std::memory_order_relaxed);
    }
  };
  clear(owned_);
  clear(shared_);
}

void DurationRecorder::record(std::int64_t nanoseconds) noexcept {
  const double seconds = static_cast<double>(nanoseconds) * 1e-9;
  const auto& bounds = DurationHistogram::kBounds;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_nanoseconds_.fetch_add(nanoseconds, std::memory_order_relaxed);
}

DurationHistogram DurationRecorder::read() const noexcept {
  DurationHistogram reading;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    reading.counts[i] = counts_[i].load(std::memory_order_relaxed);
  }
  reading.sum_seconds =
      static_cast<double>(sum_nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  return reading;
}

}  // namespace tarmac
