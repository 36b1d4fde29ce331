// Connections to one Redis server for many threads, and a pause after failures.
#pragma once

#include <tarmac/stores/redis_store.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "redis_connection.h"

namespace tarmac::internal {

/// - Thread-safety: all members may be called from any thread.
/// - Exceptions: StoreError, within `call_limit`. After a failure calls fail at once for a while,
///   then one tries again.
class RedisPool {
 public:
  RedisPool(RedisStoreOptions options, std::size_t connections_max);

  /// The answers to `commands`, sent in one go. Throws RedisRefusal if one of them is an error, and
  /// RedisLost if it is not known whether the server has done them.
  [[nodiscard]] std::vector<RedisReply> call(std::span<const RedisCommand> commands);

 private:
  using Connection = std::unique_ptr<RedisConnection>;

  /// A connection that nobody uses, or null where a new one may be made; waits for its turn.
  [[nodiscard]] Connection take(SteadyNanos deadline);
  void give_back(Connection connection) noexcept;
  /// The next calls are not to try, for a while that doubles with each failure.
  void rest(const std::string& why) noexcept;

  const RedisStoreOptions options_;
  const std::size_t connections_max_;
  /// Not one that a test moves: the kernel waits in real time.
  Clock& clock_ = *system_clock();
  std::mutex mutex_;
  std::condition_variable free_;
  /// All below is guarded by `mutex_`.
  std::vector<Connection> idle_;
  std::size_t taken_ = 0;
  std::uint32_t failures_ = 0;
  SteadyNanos rests_until_ = 0;
  std::string last_failure_;
  std::minstd_rand random_;
};

}  // namespace tarmac::internal
