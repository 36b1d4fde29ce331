// A network between a client and a server that fails as a test tells it to.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace tarmac::testing {

/// Listens on a free port of 127.0.0.1 and passes everything on to a server's unix socket, and its
/// answers back. Faults concern the answers, and hold for all connections from the moment they are
/// set. Made and destroyed, it leaves neither threads nor sockets.
///
/// - Thread-safety: every member may be called from any thread.
/// - Exceptions: std::system_error from the constructor.
class TcpProxy {
 public:
  explicit TcpProxy(const std::filesystem::path& server);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Keeps every `nth` piece of an answer back for so long; 0 keeps none. Its connection's later
  /// pieces wait behind it.
  void delay(std::uint32_t nth, std::chrono::milliseconds how_long);
  /// Passes on one byte in each millisecond, or all there is again.
  void trickle(bool on);
  /// Keeps everything back until it is told otherwise.
  void hold(bool on);
  /// Closes a connection when it has passed on so many more bytes; nullopt does not.
  void close_after(std::optional<std::uint64_t> bytes);
  /// Closes all connections now.
  void cut();

  /// Connections that were accepted so far.
  [[nodiscard]] std::uint64_t accepted() const;
  /// Pieces that were kept back by delay() so far.
  [[nodiscard]] std::uint64_t delayed() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace tarmac::testing
