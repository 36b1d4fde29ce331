#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>

namespace tarmac {
namespace {

class Socket {
 public:
  Socket() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] bool await(short events, int timeout_ms) const {
    pollfd waited{.fd = descriptor_, .events = events, .revents = 0};
    return ::poll(&waited, 1, timeout_ms) == 1;
  }

 private:
  int descriptor_;
};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

HttpAnswer http_request(int port, const std::string& method, const std::string& path,
                        int timeout_ms) {
  const Socket socket;
  const auto address = std::bit_cast<sockaddr>(loopback(port));
  if (::connect(socket.get(), &address, sizeof(address)) != 0) return {};
  const std::string request = method + " " + path +
                              " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                              "Content-Length: 0\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return {};
  }
  std::string answer;
  std::array<char, 16'384> buffer{};
  while (socket.await(POLLIN, timeout_ms)) {
    const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  HttpAnswer result;
  const auto space = answer.find(' ');
  const auto head_end = answer.find("\r\n\r\n");
  if (space == std::string::npos || head_end == std::string::npos) return {};
  result.status = std::atoi(answer.c_str() + space + 1);
  result.head = answer.substr(0, head_end);
  result.body = answer.substr(head_end + 4);
  return result;
}

int free_port() {
  const Socket socket;
  auto address = std::bit_cast<sockaddr>(loopback(0));
  socklen_t size = sizeof(address);
  if (::bind(socket.get(), &address, size) != 0) return 0;
  if (::getsockname(socket.get(), &address, &size) != 0) return 0;
  return ntohs(std::bit_cast<sockaddr_in>(address).sin_port);
}

}  // namespace tarmac
