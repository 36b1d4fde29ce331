// The caches of the experiments: two types, compiled once.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <cstdint>
#include <string>

namespace tarmac {

extern template class CacheManager<std::string, std::string>;
extern template class CacheManager<std::uint64_t, std::uint64_t>;

namespace interview {

using TextCache = CacheManager<std::string, std::string>;
using NumberCache = CacheManager<std::uint64_t, std::uint64_t>;

/// Options of a cache that has one shard, no threads of its own, and the same seed each time.
[[nodiscard]] inline CacheOptions plain_options(std::uint64_t max_entries,
                                                std::string eviction = "lru") {
  CacheOptions options;
  options.name = "interview";
  options.max_entries = max_entries;
  options.eviction = std::move(eviction);
  options.background_expiry = false;
  options.shards = 1;
  options.seed = 1;
  return options;
}

}  // namespace interview
}  // namespace tarmac
