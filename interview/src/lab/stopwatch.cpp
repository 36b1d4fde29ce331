#include "lab/stopwatch.h"

#include <thread>

namespace tarmac::interview {

bool wait_for(const std::function<bool()>& ready) {
  const auto& clock = *system_clock();
  const auto limit = deadline_after(clock.steady_now(), 10'000'000'000);
  while (!ready()) {
    if (clock.steady_now() >= limit) return false;
    std::this_thread::yield();
  }
  return true;
}

void take_time(std::int64_t nanoseconds) {
  const auto& clock = *system_clock();
  const auto end = deadline_after(clock.steady_now(), nanoseconds);
  while (clock.steady_now() < end) {
    // Without letting others run: where the machine is busy, a moment would become a long while.
  }
}

}  // namespace tarmac::interview
