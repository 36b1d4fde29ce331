#include <tarmac/core/clock.h>

#include <ctime>

namespace tarmac {
namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyNanos steady_now() const noexcept override {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  [[nodiscard]] SteadyNanos coarse_now() const noexcept override {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  }
  [[nodiscard]] WallNanos wall_now() const noexcept override {
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyNanos deadline, const std::function<bool()>& ready) override {
    if (deadline == kNever) {
      condition.wait(lock, ready);
      return true;
    }
    const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline)};
    return condition.wait_until(lock, until, ready);
  }
};

}  // namespace

const std::shared_ptr<Clock>& system_clock() {
  static const std::shared_ptr<Clock> clock = std::make_shared<SystemClock>();
  return clock;
}

}  // namespace tarmac
