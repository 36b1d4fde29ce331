// How a value stands in Redis, and the script by which it gets there.
#pragma once

#include <tarmac/core/backing_store.h>

#include <optional>
#include <string>
#include <string_view>

struct redisReply;

namespace tarmac::internal {

/// The string that the server keeps for the key of `write`.
[[nodiscard]] std::string redis_record_of(const StoreWrite& write);

/// The value in `reply` to a GET of `key`; empty if there is none, or a removal. Throws
/// RedisRefusal if it is damaged.
[[nodiscard]] std::optional<StoredValue> redis_value_in(const redisReply& reply,
                                                        std::string_view key);

/// Writes a batch: all of it or nothing. KEYS: the keys; ARGV: for each its record, the command
/// that sets its expiry or an empty text, and when. Keys with values that are not of this store it
/// answers by an error, `FOREIGN` and their places from 1.
[[nodiscard]] const char* redis_write_script() noexcept;

}  // namespace tarmac::internal
