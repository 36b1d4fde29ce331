// A batch as a transaction of one Redis server: stamps are compared here, where it costs the server
// least.
#pragma once

#include <tarmac/core/backing_store.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_connection.h"

namespace tarmac::internal {

/// Below the store's prefix, a key that never has a value: each batch, in whichever way it is
/// written, writes and removes it, so that who watches it hears of any other batch between looking
/// at the stamps and writing. To watch the keys themselves costs a server their number squared.
inline constexpr std::string_view kRedisGuard = "__tarmac_batch__";

/// Two ways of one batch to the server, which does all or nothing of what each writes.
class GuardedBatch {
 public:
  enum class Outcome : std::uint8_t {
    /// All of it is applied, or had been superseded.
    done,
    /// Nothing is: there are keys with values of others.
    foreign,
    /// Nothing is: the server refuses it.
    refused,
    /// Nothing is, and another way is needed: somebody else wrote meanwhile, a key has something
    /// that is no string, or the server lets nobody watch or have transactions.
    contested,
  };
  struct Result {
    Outcome outcome = Outcome::done;
    /// In the batch.
    std::vector<std::size_t> foreign = {};
    /// None of its keys was there, but for the foreign.
    bool were_new = false;
    /// The server's words.
    std::string refusal = {};
  };

  /// Of `batch`, which must outlive this, the writes at `places`: of different keys.
  GuardedBatch(std::span<const StoreWrite> batch, std::span<const std::size_t> places,
               std::string_view prefix, std::chrono::nanoseconds removal_kept);

  // Both throw RedisLost, and may be called again.

  /// MSETNX, one exchange: true if it is applied, which is if none of its keys was there. Requires
  /// can_be_new().
  [[nodiscard]] bool add(RedisConnection& connection, SteadyNanos deadline) const;
  /// A look without WATCH, one exchange, from which nothing can be replaced: what was there a
  /// moment ago. Outcome::done says no more than that the look has understood what it saw.
  [[nodiscard]] Result glance(RedisConnection& connection, SteadyNanos deadline) const;
  /// Whether nothing of it has an expiry, of which MSETNX knows nothing.
  [[nodiscard]] bool can_be_new() const noexcept;

  /// To be called before replace(). Makes the transaction as well if it is likely to be of all
  /// writes.
  void prepare(bool is_to_be_whole);
  /// WATCH of the guard and a look at what there is; then MSET, the expiries and DEL of the guard.
  [[nodiscard]] Result replace(RedisConnection& connection, SteadyNanos deadline) const;

 private:
  /// Commands, and how many they are.
  struct Request {
    std::string text = {};
    std::size_t commands = 0;
  };
  [[nodiscard]] Request look() const;
  /// The commands that tell what its keys have, added to `text`.
  void append_questions(std::string& text) const;
  /// Of the writes at `places`, by MSET or MSETNX, with the text of another command `before` it.
  [[nodiscard]] Request transaction(std::span<const std::size_t> places, std::string_view command,
                                    std::string_view before = {}) const;
  /// What the answers to the questions leave to be written; whether that is another way's affair in
  /// `result`.
  [[nodiscard]] std::vector<std::size_t> judge(const redisReply& values, const redisReply& count,
                                               Result& result) const;

  const std::span<const StoreWrite> batch_;
  const std::span<const std::size_t> places_;
  const std::string_view prefix_;
  const std::chrono::nanoseconds removal_kept_;
  Request look_ = {};
  /// If nothing of the batch has been superseded.
  Request whole_ = {};
};

}  // namespace tarmac::internal
