// What a TieredCache is made from, and what it tells.
#pragma once

#include <tarmac/core/cache_options.h>
#include <tarmac/core/stats.h>
#include <tarmac/stores/redis_tier.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace tarmac {

struct TieredOptions {
  /// The first tier: capacity, strategy, and what it remembers of loads. Its default_ttl bounds how
  /// long a value stays in this process; the second tier's rest of a TTL bounds it, too. An
  /// executor is not used.
  CacheOptions l1;
  RedisTierOptions l2;
  /// How long a value lives in the second tier unless set() says otherwise; nullopt for ever.
  std::optional<std::chrono::nanoseconds> l2_ttl = std::nullopt;
};

struct TieredStats {
  /// Hits and misses of this process are in `l1`; what Redis was asked for, in `l2`.
  Stats l1;
  RedisTierStats l2;
  /// Look-ups that passed by the first tier because changes were not heard of.
  std::uint64_t bypassed = 0;
  /// Values of the second tier that the codec could not read, taken for absent.
  std::uint64_t undecodable = 0;
};

}  // namespace tarmac
