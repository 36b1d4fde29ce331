#include "redis_pool.h"

#include <tarmac/core/error.h>
#include <tarmac/core/hash.h>

#include <algorithm>

#include "millis.h"

namespace tarmac::internal {

RedisPool::RedisPool(const RedisStoreOptions& options)
    : options_(options), random_(static_cast<std::uint32_t>(random_seed())) {
  constexpr std::uint32_t kMany = 1'024;
  idle_.reserve(std::min(options.connections, kMany));  // Giving one back allocates nothing.
}

RedisPool::Loan::Loan(RedisPool& pool, SteadyNanos deadline) : pool_(pool) {
  std::unique_lock lock(pool.mutex_);
  const bool has_place = pool.clock_.wait_until(
      lock, pool.free_, deadline, [&pool] { return pool.lent_ < pool.options_.connections; });
  if (!has_place) throw StoreError("store redis: other calls kept it busy for all of call_limit");
  is_probe_ = pool.enter();
  ++pool.lent_;
  if (pool.idle_.empty()) return;
  connection = std::move(pool.idle_.back());
  pool.idle_.pop_back();
}

RedisPool::Loan::~Loan() {
  {
    const std::lock_guard lock(pool_.mutex_);
    --pool_.lent_;
    if (is_probe_) pool_.probing_ = false;
    if (connection) pool_.idle_.push_back(std::move(connection));
  }
  pool_.free_.notify_one();
}

bool RedisPool::enter() {
  if (failures_ == 0) return false;
  const auto left = rests_until_ - clock_.steady_now();
  if (left <= 0 && !probing_) {
    probing_ = true;
    return true;
  }
  throw StoreError(last_failure_ +
                   (probing_
                        ? "; another call is trying it again"
                        : "; not tried again for " +
                              std::to_string((left + kNanosInMilli - 1) / kNanosInMilli) + "ms"));
}

BreakerStats RedisPool::breaker() const noexcept {
  const std::lock_guard lock(mutex_);
  if (failures_ == 0) return {BreakerState::closed, rests_};
  return {probing_ ? BreakerState::half_open : BreakerState::open, rests_};
}

void RedisPool::succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
}

void RedisPool::failed(const char* why) {
  std::vector<std::unique_ptr<RedisConnection>> dropped;  // Closed after the lock is released.
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
  last_failure_ = why;
  const auto longest = saturated_nanoseconds(options_.retry_max);
  auto pause = saturated_nanoseconds(options_.retry_initial);
  for (std::uint32_t i = 0; i < failures_ && pause < longest; ++i) {
    pause = pause > longest / 2 ? longest : pause * 2;
  }
  ++failures_;
  ++rests_;
  std::uniform_int_distribution<std::int64_t> half(0, pause / 2);
  rests_until_ = deadline_after(clock_.steady_now(), pause - half(random_));
}

void RedisPool::drop_idle() {
  std::vector<std::unique_ptr<RedisConnection>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

}  // namespace tarmac::internal
