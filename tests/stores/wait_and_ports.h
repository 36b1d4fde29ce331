// What tests with servers need: a port for one, and waiting until something is so.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <tarmac/core/clock.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <thread>

namespace tarmac {

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

}  // namespace tarmac
