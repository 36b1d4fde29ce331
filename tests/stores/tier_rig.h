// What the tests of two tiers share: quick heartbeats, and waiting until something is so.
#pragma once

#include <gtest/gtest.h>
#include <tarmac/stores/tiered_cache.h>
#include <tarmac/strategies/catalog.h>

#include <chrono>
#include <string>

#include "redis_server.h"
#include "wait_and_ports.h"

namespace tarmac {

using StringTiers = TieredCache<std::string>;

inline TieredOptions tiered(const RedisServer& server) {
  TieredOptions options;
  options.l1.name = "tiered";
  options.l2.server.unix_socket = server.socket();
  options.l2.server.prefix = "t:";
  options.l2.server.retry_initial = std::chrono::milliseconds(5);
  options.l2.server.retry_max = std::chrono::milliseconds(20);
  options.l2.heartbeat = std::chrono::milliseconds(20);
  options.l2.heartbeat_limit = std::chrono::seconds(1);
  return options;
}

template <class V>
void await_heard(const TieredCache<V>& cache, bool heard = true) {
  await([&] { return cache.stats().l2.heard == heard; });
}

/// Until all changes that were made before this call have been heard of: the answer to a heartbeat
/// that was sent after them.
template <class V>
void await_all_heard(const TieredCache<V>& cache) {
  const auto before = cache.stats().l2.heartbeats;
  await([&] { return cache.stats().l2.heartbeats >= before + 2; });
}

}  // namespace tarmac
