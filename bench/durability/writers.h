// Many threads that write until the time is over.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tarmac::bench {

/// Different keys in turn, scattered over all of them, for thread `thread`.
class KeyWalk {
 public:
  static constexpr std::uint64_t kKeys = 100'000;

  explicit KeyWalk(int thread) : at_(static_cast<std::uint64_t>(thread) * 12'500) {}
  std::uint64_t next() { return (at_ += 7919) % kKeys; }

 private:
  std::uint64_t at_;
};

/// Calls `write(keys)`, which says how many writes it has made, from `threads` threads for
/// `seconds`; how many that are in a second. Throws what a writer threw.
template <class Write>
double writes_per_second(int threads, double seconds, const Write& write) {
  using Clock = std::chrono::steady_clock;
  std::atomic<std::uint64_t> written{0};
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::thread> writers;
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (int thread = 0; thread < threads; ++thread) {
    writers.emplace_back([&, thread] {
      std::uint64_t own = 0;
      KeyWalk keys(thread);
      try {
        while (Clock::now() < end) own += write(keys);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
      written += own;
    });
  }
  for (auto& writer : writers) writer.join();
  const std::chrono::duration<double> took = Clock::now() - begin;
  if (failure) std::rethrow_exception(failure);
  return static_cast<double>(written) / took.count();
}

}  // namespace tarmac::bench
