// From a cache's settings to a cache of two tiers. For programs that are built with Redis.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/tiered_cache.h>

#include <memory>

namespace tarmac {

/// What `config` says of both tiers. Throws ConfigError if it has no `l2`.
[[nodiscard]] inline TieredOptions tiered_options(const CacheConfig& config) {
  if (!config.l2) {
    throw ConfigError("cache \"" + config.options.name +
                      "\" has no second tier: add `l2` to it, or make it with make_cache()");
  }
  const auto& l2 = *config.l2;
  TieredOptions options;
  options.l1 = config.options;
  options.l2_ttl = l2.ttl;
  options.l2.heartbeat = l2.heartbeat;
  options.l2.heartbeat_limit = l2.heartbeat_limit;
  options.l2.serve_unheard = l2.serve_unheard;
  options.l2.batch_max = l2.batch_max;
  auto& server = options.l2.server;
  server.host = l2.host;
  server.port = l2.port;
  server.unix_socket = l2.unix_socket;
  server.cluster = l2.cluster;
  server.password_file = l2.password_file;
  server.password_env = l2.password_env;
  server.db = l2.db;
  server.prefix = l2.prefix;
  server.connections = l2.connections;
  server.call_limit = l2.call_limit;
  server.retry_initial = l2.retry_initial;
  server.retry_max = l2.retry_max;
  return options;
}

/// Makes the two tiers that `config` describes. The server need not answer yet. Throws ConfigError
/// if it has no `l2`.
template <class V>
[[nodiscard]] std::unique_ptr<TieredCache<V>> make_tiered_cache(const CacheConfig& config) {
  return std::make_unique<TieredCache<V>>(tiered_options(config));
}

}  // namespace tarmac
