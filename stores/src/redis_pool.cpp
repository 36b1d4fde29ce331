#include "redis_pool.h"

#include <tarmac/core/hash.h>

#include <algorithm>
#include <utility>

namespace tarmac::internal {

RedisPool::RedisPool(RedisStoreOptions options, std::size_t connections_max)
    : options_(std::move(options)),
      connections_max_(connections_max),
      random_(static_cast<std::uint32_t>(random_seed())) {}

RedisPool::Connection RedisPool::take(SteadyNanos deadline) {
  std::unique_lock lock(mutex_);
  const auto resting = [this] { return failures_ > 0 && clock_.steady_now() < rests_until_; };
  const bool mine = clock_.wait_until(lock, free_, deadline,
                                      [&] { return taken_ < connections_max_ || resting(); });
  if (resting()) throw StoreError(last_failure_ + "; not tried again at once");
  if (!mine) throw StoreError("redis: other calls kept all connections busy for all of call_limit");
  ++taken_;
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  if (connection->is_quiet()) return connection;
  idle_.clear();  // Closed while nobody used it, and so most likely are the others.
  return nullptr;
}

void RedisPool::give_back(Connection connection) noexcept {
  {
    const std::lock_guard lock(mutex_);
    --taken_;
    if (connection) {
      failures_ = 0;
      idle_.push_back(std::move(connection));
    }
  }
  free_.notify_one();
}

void RedisPool::rest(const std::string& why) noexcept {
  {
    const std::lock_guard lock(mutex_);
    idle_.clear();
    const auto now = clock_.steady_now();
    // Of many calls that fail together, one doubles the pause.
    if (failures_ == 0 || now >= rests_until_) {
      const auto doubled = options_.retry_initial.count() << std::min(failures_, 20U);
      const auto pause = std::clamp<std::int64_t>(doubled, 1, options_.retry_max.count());
      std::uniform_int_distribution<std::int64_t> half(0, pause / 2);
      rests_until_ = deadline_after(now, pause - half(random_));
      ++failures_;
    }
    last_failure_ = why;
  }
  free_.notify_all();
}

std::vector<RedisReply> RedisPool::call(std::span<const RedisCommand> commands) {
  const auto deadline = deadline_after(clock_.steady_now(), options_.call_limit.count());
  auto connection = take(deadline);
  try {
    if (!connection) connection = std::make_unique<RedisConnection>(options_, clock_, deadline);
    auto replies = connection->call(commands, deadline);
    give_back(std::move(connection));
    return replies;
  } catch (const RedisRefusal&) {
    give_back(std::move(connection));
    throw;
  } catch (const RedisLost& lost) {
    rest(lost.what());
    give_back(nullptr);
    throw;
  } catch (...) {
    give_back(nullptr);  // Answers may be on their way that nobody waits for.
    throw;
  }
}

}  // namespace tarmac::internal
