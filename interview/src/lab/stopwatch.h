// How long something takes.
#pragma once

#include <tarmac/core/clock.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>

namespace tarmac::interview {

class Stopwatch {
 public:
  [[nodiscard]] double nanoseconds() const {
    return static_cast<double>(system_clock()->steady_now() - began_);
  }
  [[nodiscard]] double milliseconds() const { return nanoseconds() / 1e6; }

 private:
  SteadyNanos began_ = system_clock()->steady_now();
};

/// Nanoseconds for each of the `times` calls of `work(i)`: the best of three rounds, since whatever
/// disturbs a round makes it longer.
template <class Work>
[[nodiscard]] double nanoseconds_each(std::size_t times, Work&& work) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < 3; ++round) {
    const Stopwatch watch;
    for (std::size_t i = 0; i < times; ++i) work(i);
    best = std::min(best, watch.nanoseconds() / static_cast<double>(times));
  }
  return best;
}

/// Until `ready()` holds, for ten seconds at most. Whether it did.
[[nodiscard]] bool wait_for(const std::function<bool()>& ready);

/// Keeps a processor busy for so long, as a slow source or store would.
void take_time(std::int64_t nanoseconds);

/// Keeps the compiler from leaving out what nobody looks at.
template <class T>
inline void use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace tarmac::interview
