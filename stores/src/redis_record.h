// How a value stands in Redis, and the script by which it gets there.
#pragma once

#include <tarmac/core/backing_store.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct redisReply;

namespace tarmac::internal {

/// The string that the server keeps for the key of `write`: its size, and added to `text`.
[[nodiscard]] std::size_t redis_record_size(const StoreWrite& write) noexcept;
void append_redis_record(std::string& text, const StoreWrite& write);
/// The same as a word of a command.
void append_redis_record_word(std::string& text, const StoreWrite& write);

/// What tells the server when the record is to go: a command and its time. Empty if it stays.
struct RedisExpiry {
  std::string_view command;
  std::string when;
};
[[nodiscard]] RedisExpiry redis_expiry_of(const StoreWrite& write,
                                          std::chrono::nanoseconds removal_kept);

// Of what a key has, as far as it is a string: the first 19 bytes of it are enough.

/// Whether it is not of this store.
[[nodiscard]] bool is_foreign_record(std::string_view record) noexcept;
/// Whether a write with `stamp` is older, and so is to be passed over.
[[nodiscard]] bool is_newer_record(std::string_view record, std::uint64_t stamp) noexcept;

/// The value in `reply` to a GET of `key`; empty if there is none, or a removal. Throws
/// RedisRefusal if it is damaged.
[[nodiscard]] std::optional<StoredValue> redis_value_in(const redisReply& reply,
                                                        std::string_view key);

/// Writes a batch: all of it or nothing. KEYS: the keys, each once, and the guard if there is one;
/// ARGV: for each key its record, the command that sets its expiry or an empty text, and when. Keys
/// with values that are not of this store it answers by an error, `FOREIGN` and their places
/// from 1.
[[nodiscard]] const char* redis_write_script() noexcept;

}  // namespace tarmac::internal
