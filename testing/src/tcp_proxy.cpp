#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tarmac/core/clock.h>
#include <tarmac/testing/tcp_proxy.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tarmac::testing {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A descriptor that is closed at the end.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    if (fd_ < 0) fail("proxy of a test: socket");
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// What is on its way back to the client, and when it may go.
struct Piece {
  std::string bytes;
  SteadyNanos due = 0;
};

struct Link {
  Socket client;
  Socket server;
  std::deque<Piece> answers;
  bool ended = false;
};

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

class TcpProxy::Loop {
 public:
  explicit Loop(std::filesystem::path server)
      : server_(std::move(server)),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), raw, size) != 0) fail("proxy of a test: bind");
    if (::listen(listener_.get(), 64) != 0) fail("proxy of a test: listen");
    if (::getsockname(listener_.get(), raw, &size) != 0) fail("proxy of a test: its port");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() {
    change([](Faults& faults) { faults.stop = true; });
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  struct Faults {
    std::uint32_t delay_nth = 0;
    std::int64_t delay = 0;
    bool trickles = false;
    bool holds = false;
    std::optional<std::uint64_t> close_after;
    bool cut = false;
    bool stop = false;
  };

  template <class Change>
  void change(const Change& apply) {
    {
      const std::lock_guard lock(mutex_);
      apply(faults_);
    }
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof(one)) == sizeof(one));
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }
  [[nodiscard]] std::uint64_t delayed() const noexcept { return delayed_; }

 private:
  void run() {
    std::list<Link> links;
    for (;;) {
      Faults faults;
      {
        const std::lock_guard lock(mutex_);
        faults = faults_;
        faults_.cut = false;
      }
      if (faults.stop) return;
      if (faults.cut) links.clear();
      wait(links, faults);
      for (auto& link : links) pass_on(link, faults);
      links.remove_if([](const Link& link) { return link.ended; });
    }
  }

  /// Until something comes, or something kept back may go; takes in what has come.
  void wait(std::list<Link>& links, const Faults& faults) {
    std::vector<pollfd> polls{{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    bool waits_for_time = false;
    for (const auto& link : links) {
      polls.push_back({link.client.get(), POLLIN, 0});
      polls.push_back({link.server.get(), POLLIN, 0});
      if (!link.answers.empty() && !faults.holds) waits_for_time = true;
    }
    if (::poll(polls.data(), polls.size(), waits_for_time ? 1 : -1) <= 0) return;
    std::uint64_t ignored = 0;
    if (polls[1].revents != 0)
      static_cast<void>(::read(wake_.get(), &ignored, sizeof(ignored)) > 0);
    std::size_t at = 2;
    for (auto& link : links) {
      if (polls[at].revents != 0) take_request(link);
      if (polls[at + 1].revents != 0) take_answer(link, faults);
      at += 2;
    }
    if (polls[0].revents != 0) accept_one(links);
  }

  void accept_one(std::list<Link>& links) {
    const int client = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    Socket accepted(client);
    ++accepted_;
    Socket server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, server_.c_str(), sizeof(address.sun_path) - 1);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(server.get(), raw, sizeof(address)) != 0) return;  // The client is hung up on.
    links.push_back({std::move(accepted), std::move(server), {}, false});
  }

  static void take_request(Link& link) {
    std::array<char, 65'536> bytes{};
    const auto got = ::recv(link.client.get(), bytes.data(), bytes.size(), 0);
    const bool whole =
        got > 0 && send_all(link.server.get(), {bytes.data(), static_cast<std::size_t>(got)});
    if (!whole) link.ended = true;
  }

  void take_answer(Link& link, const Faults& faults) {
    std::array<char, 65'536> bytes{};
    const auto got = ::recv(link.server.get(), bytes.data(), bytes.size(), 0);
    if (got <= 0) {
      link.ended = true;
      return;
    }
    Piece piece{std::string(bytes.data(), static_cast<std::size_t>(got)), 0};
    if (faults.delay_nth != 0 && ++pieces_ % faults.delay_nth == 0) {
      piece.due = deadline_after(system_clock()->steady_now(), faults.delay);
      ++delayed_;
    }
    link.answers.push_back(std::move(piece));
  }

  void pass_on(Link& link, const Faults& faults) {
    while (!link.ended && !link.answers.empty() && !faults.holds) {
      auto& piece = link.answers.front();
      if (piece.due > system_clock()->steady_now()) return;
      auto size = faults.trickles ? std::size_t{1} : piece.bytes.size();
      if (faults.close_after) size = std::min<std::size_t>(size, allowance());
      if (size == 0 ||
          !send_all(link.client.get(), std::string_view(piece.bytes).substr(0, size))) {
        link.ended = true;
        return;
      }
      spend(size);
      piece.bytes.erase(0, size);
      if (piece.bytes.empty()) link.answers.pop_front();
      if (faults.trickles) return;
    }
  }

  [[nodiscard]] std::size_t allowance() {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(faults_.close_after.value_or(~std::uint64_t{0}));
  }
  void spend(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (faults_.close_after)
      *faults_.close_after -= std::min<std::uint64_t>(bytes, *faults_.close_after);
  }

  const std::filesystem::path server_;
  Socket listener_;
  Socket wake_;
  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> delayed_{0};
  std::uint64_t pieces_ = 0;
  std::mutex mutex_;
  /// Guarded by mutex_.
  Faults faults_;
  std::thread thread_;
};

TcpProxy::TcpProxy(const std::filesystem::path& server) : loop_(std::make_unique<Loop>(server)) {}
TcpProxy::~TcpProxy() = default;
std::uint16_t TcpProxy::port() const noexcept { return loop_->port(); }
std::uint64_t TcpProxy::accepted() const { return loop_->accepted(); }
std::uint64_t TcpProxy::delayed() const { return loop_->delayed(); }

void TcpProxy::delay(std::uint32_t nth, std::chrono::milliseconds how_long) {
  loop_->change([&](Loop::Faults& faults) {
    faults.delay_nth = nth;
    faults.delay = saturated_nanoseconds(how_long);
  });
}

void TcpProxy::trickle(bool on) {
  loop_->change([on](Loop::Faults& faults) { faults.trickles = on; });
}

void TcpProxy::hold(bool on) {
  loop_->change([on](Loop::Faults& faults) { faults.holds = on; });
}

void TcpProxy::close_after(std::optional<std::uint64_t> bytes) {
  loop_->change([bytes](Loop::Faults& faults) { faults.close_after = bytes; });
}

void TcpProxy::cut() {
  loop_->change([](Loop::Faults& faults) { faults.cut = true; });
}

}  // namespace tarmac::testing
