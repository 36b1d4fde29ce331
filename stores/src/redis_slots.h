// The map of a Redis Cluster as it is spoken of: slots of keys, addresses of nodes, redirections.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct redisReply;

namespace tarmac::internal {

inline constexpr std::size_t kRedisSlots = 16'384;

/// The CRC by which a cluster divides its keys: CRC-16/XMODEM. O(bytes).
[[nodiscard]] std::uint16_t redis_crc16(std::string_view bytes) noexcept;

/// The slot of `key`: that of what stands between its first `{` and the next `}` if that is
/// something, else of all of it.
[[nodiscard]] std::uint16_t redis_slot(std::string_view key) noexcept;

struct RedisAddress {
  std::string host;
  std::uint16_t port = 0;

  [[nodiscard]] std::string text() const { return host + ":" + std::to_string(port); }
  friend auto operator<=>(const RedisAddress&, const RedisAddress&) = default;
};

/// `host:port`, or `[host]:port`; empty if it is none.
[[nodiscard]] std::optional<RedisAddress> redis_address_in(std::string_view text);

/// Addresses with commas or spaces between them. Throws ConfigError if one is none, or none is
/// there.
[[nodiscard]] std::vector<RedisAddress> redis_addresses_in(std::string_view text);

/// Slots `first` to `last`, which `primary` has.
struct RedisSlotRange {
  std::size_t first = 0;
  std::size_t last = 0;
  RedisAddress primary;
};

/// What `reply` to CLUSTER SLOTS says, in the server's order. A node that does not know its own
/// address is `asked`. Throws StoreError if it is no such answer.
[[nodiscard]] std::vector<RedisSlotRange> redis_slots_in(const redisReply& reply,
                                                         const RedisAddress& asked);

struct RedisRedirect {
  /// For one request only: the slot is on its way there.
  bool is_ask = false;
  std::uint16_t slot = 0;
  RedisAddress to;
};

/// Where an error of the node `asked` sends us; empty if it is another error.
[[nodiscard]] std::optional<RedisRedirect> redis_redirect_in(std::string_view error,
                                                             const RedisAddress& asked);

}  // namespace tarmac::internal
