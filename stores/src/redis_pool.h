// The connections of a Redis store: lent for one call each, and none made while the server rests.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/stores/redis_store.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "redis_connection.h"

namespace tarmac::internal {

/// Thread-safety: with() from any thread.
class RedisPool {
 public:
  /// `options` must outlive the pool.
  explicit RedisPool(const RedisStoreOptions& options);

  /// Open while the server is left alone.
  [[nodiscard]] BreakerStats breaker() const noexcept;

  /// Gives what `work(connection, deadline)` returns. A connection that the server closed while it
  /// was idle is replaced, and `work` called once more. Throws StoreError: at once while the server
  /// is left alone, and whenever `deadline` is reached.
  template <class Work>
  std::invoke_result_t<Work, RedisConnection&, SteadyNanos> with(SteadyNanos deadline,
                                                                 const Work& work) {
    Loan loan(*this, deadline);
    for (;;) {
      const bool reused = loan.connection != nullptr;
      try {
        if (!reused) {
          loan.connection = std::make_unique<RedisConnection>(options_, clock_, deadline);
        }
        auto result = work(*loan.connection, deadline);
        succeeded();
        return result;
      } catch (const RedisUnready& unready) {
        failed(unready.what());
        throw;
      } catch (const RedisRefusal&) {
        succeeded();
        throw;
      } catch (const RedisLost& lost) {
        loan.connection.reset();
        // Closed while nobody used it, most likely, and then so were the others. What we send may
        // be sent twice.
        if (reused && clock_.steady_now() < deadline) {
          drop_idle();
          continue;
        }
        failed(lost.what());
        throw;
      } catch (...) {
        loan.connection.reset();  // Answers may be on their way that nobody waits for.
        throw;
      }
    }
  }

 private:
  /// One of the places for a connection, and whichever is free of those that are made.
  class Loan {
   public:
    Loan(RedisPool& pool, SteadyNanos deadline);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    std::unique_ptr<RedisConnection> connection;

   private:
    RedisPool& pool_;
    bool is_probe_ = false;
  };

  /// Requires: mutex_ is held. Throws while the server is left alone; else, whether this call is
  /// the one that tries it again.
  [[nodiscard]] bool enter();
  void succeeded();
  void failed(const char* why);
  void drop_idle();

  const RedisStoreOptions& options_;
  /// Not one that a test moves: the kernel waits in real time.
  Clock& clock_ = *system_clock();
  mutable std::mutex mutex_;
  std::condition_variable free_;
  // Guarded by mutex_.
  std::uint32_t lent_ = 0;
  std::vector<std::unique_ptr<RedisConnection>> idle_;
  std::uint32_t failures_ = 0;
  bool probing_ = false;
  SteadyNanos rests_until_ = 0;
  std::uint64_t rests_ = 0;
  std::string last_failure_;
  std::minstd_rand random_;
};

}  // namespace tarmac::internal
