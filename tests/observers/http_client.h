// The least of an HTTP client: one request to this machine over a socket, bounded in time.
#pragma once

#include <string>

namespace tarmac {

struct HttpAnswer {
  /// 0 if nobody answered.
  int status = 0;
  std::string head;
  std::string body;
};

/// Asks 127.0.0.1; waits at most `timeout_ms` for each step.
[[nodiscard]] HttpAnswer http_request(int port, const std::string& method, const std::string& path,
                                      int timeout_ms = 5'000);
[[nodiscard]] inline HttpAnswer http_get(int port, const std::string& path) {
  return http_request(port, "GET", path);
}

/// A port that nobody listens on now.
[[nodiscard]] int free_port();

}  // namespace tarmac
