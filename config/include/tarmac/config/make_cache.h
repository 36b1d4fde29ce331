// From a cache's settings to the cache.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/core/error.h>

#include <memory>

namespace tarmac {

/// Makes the cache that `config` describes, with its write policy over a store of its own. Throws
/// ConfigError if a part cannot be made, which a Config read from a file has ruled out unless the
/// registries have changed since, and for a cache with an `l2`.
template <class K, class V>
[[nodiscard]] std::unique_ptr<CacheManager<K, V>> make_cache(const CacheConfig& config) {
  if (config.l2) {
    throw ConfigError("cache \"" + config.options.name +
                      "\" has a second tier: make it with make_tiered_cache()");
  }
  auto policy = make_write_policy(config);
  auto cache = std::make_unique<CacheManager<K, V>>(config.options);
  if (policy->store() != nullptr) cache->set_write_policy(std::move(policy));
  return cache;
}

}  // namespace tarmac
