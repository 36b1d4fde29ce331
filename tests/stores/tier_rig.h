// What the tests of two tiers share: quick heartbeats, and waiting until something is so.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <tarmac/stores/tiered_cache.h>
#include <tarmac/strategies/catalog.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

#include "redis_server.h"

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

/// Of this machine, which nobody uses just now.
inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const bool found = fd >= 0 && ::bind(fd, raw, size) == 0 && ::getsockname(fd, raw, &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

/// Until `condition()` holds; fails after a time that only a fault takes.
template <class Condition>
void await(const Condition& condition) {
  const auto& clock = *system_clock();
  const auto limit = deadline_after(clock.steady_now(), 20'000'000'000);
  while (!condition()) {
    ASSERT_LT(clock.steady_now(), limit) << "waited in vain";
    std::this_thread::yield();
  }
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
