#include "redis_connection.h"

#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <system_error>

#include "millis.h"

namespace tarmac::internal {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// The password; empty if there is to be none.
std::string password_of(const RedisStoreOptions& options) {
  std::string password;
  if (!options.password_file.empty()) {
    std::ifstream file(options.password_file);
    if (!file || !std::getline(file, password) || password.empty()) {
      throw RedisLost("store redis: no password can be read from " +
                      options.password_file.string());
    }
  } else if (!options.password_env.empty()) {
    const char* value = std::getenv(options.password_env.c_str());
    if (value == nullptr || *value == '\0') {
      throw RedisLost("store redis: the environment variable " + options.password_env +
                      ", which should have the password, is not set");
    }
    password = value;
  }
  return password;
}

/// A line of the protocol.
void append_number(std::string& text, char kind, std::size_t number) {
  std::array<char, 24> line{kind};
  auto* end = std::to_chars(line.data() + 1, line.data() + line.size() - 2, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  text.append(line.data(), end);
}

}  // namespace

void append_redis_head(std::string& text, std::size_t words) { append_number(text, '*', words); }

void append_redis_size(std::string& text, std::size_t bytes) { append_number(text, '$', bytes); }

void append_redis_word(std::string& text, std::string_view word, std::string_view more) {
  append_redis_size(text, word.size() + more.size());
  text.append(word).append(more).append("\r\n");
}

void append_redis_command(std::string& text, const RedisCommand& command) {
  append_redis_head(text, command.size());
  for (const auto& word : command) append_redis_word(text, word);
}

void FreeReply::operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }

RedisConnection::RedisConnection(const RedisStoreOptions& options, Clock& clock,
                                 SteadyNanos deadline)
    : clock_(clock),
      server_(options.unix_socket.empty() ? options.host + ":" + std::to_string(options.port)
                                          : options.unix_socket.string()),
      reader_(redisReaderCreate()) {
  if (!reader_) throw std::bad_alloc();
  open_socket(options, deadline);
  introduce(options, deadline);
}

void RedisConnection::lose(const std::string& what) const {
  throw RedisLost("redis server " + server_ + ": " + what);
}

void RedisConnection::open_socket(const RedisStoreOptions& options, SteadyNanos deadline) {
  if (!options.unix_socket.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = options.unix_socket.string();
    if (path.size() >= sizeof(address.sun_path)) lose("the socket's path is too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    if (!try_address(AF_UNIX, &address, sizeof(address), deadline)) {
      lose("connect: " + reason(errno));
    }
    return;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int found =
      ::getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &raw);
  if (found != 0) lose(std::string("find its address: ") + ::gai_strerror(found));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(raw, ::freeaddrinfo);
  int last_error = 0;
  for (const auto* one = addresses.get(); one != nullptr; one = one->ai_next) {
    if (try_address(one->ai_family, one->ai_addr, one->ai_addrlen, deadline)) return;
    last_error = errno;
  }
  lose("connect: " + reason(last_error));
}

bool RedisConnection::try_address(int family, const void* address, std::size_t size,
                                  SteadyNanos deadline) {
  socket_ = OwnedFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.is_open()) return false;
  if (family != AF_UNIX) {
    const int on = 1;  // A request is sent at once, however small.
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  if (::connect(socket_.get(), static_cast<const sockaddr*>(address),
                static_cast<socklen_t>(size)) == 0) {
    return true;
  }
  if (errno != EINPROGRESS) return false;
  static_cast<void>(await(POLLOUT, deadline));
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return false;
  errno = error;
  return error == 0;
}

void RedisConnection::introduce(const RedisStoreOptions& options, SteadyNanos deadline) {
  if (const auto password = password_of(options); !password.empty()) {
    try {
      static_cast<void>(call(RedisCommand{"AUTH", password}, deadline));
    } catch (const RedisRefusal&) {
      // Not the server's own words, which might repeat ours.
      lose("it refuses the password");
    }
  }
  try {
    // A connection proves nothing: a stopped server's kernel makes one, too. Its answer does.
    const std::array commands{RedisCommand{"SELECT", std::to_string(options.db)},
                              RedisCommand{"PING"}};
    static_cast<void>(call(commands, deadline));
  } catch (const RedisRefusal& refusal) {
    throw RedisLost(refusal.what());  // A connection that is not in its database must not be used.
  }
}

short RedisConnection::await(short events, SteadyNanos deadline) const {
  const auto ready = poll_until(events, deadline);
  if (ready == 0) lose("no answer within call_limit");
  return ready;
}

short RedisConnection::poll_until(short events, SteadyNanos deadline) const {
  for (;;) {
    const auto left = deadline - clock_.steady_now();
    if (left <= 0) return 0;
    const auto wait =
        std::min<std::int64_t>(left / kNanosInMilli + 1, std::numeric_limits<int>::max());
    pollfd poll{.fd = socket_.get(), .events = events, .revents = 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(wait));
    if (ready > 0) return poll.revents;
    if (ready < 0 && errno != EINTR) lose("wait: " + reason(errno));
  }
}

void RedisConnection::post(const RedisCommand& command, SteadyNanos deadline) {
  std::string request;
  append_redis_command(request, command);
  for (std::string_view rest = request; !rest.empty();) {
    static_cast<void>(await(POLLOUT, deadline));
    send_some(rest);
  }
}

RedisReply RedisConnection::receive(SteadyNanos until) {
  for (;;) {
    if (auto reply = next_reply()) return reply;
    if (poll_until(POLLIN, until) == 0) return nullptr;
    receive_some();
  }
}

RedisReply RedisConnection::next_reply() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    lose(std::string("its answer is not understood: ") + reader_->errstr);
  }
  return RedisReply(static_cast<redisReply*>(raw));
}

void RedisConnection::send_some(std::string_view& rest) const {
  const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    rest.remove_prefix(static_cast<std::size_t>(sent));
  } else if (errno != EAGAIN && errno != EINTR) {
    lose("send: " + reason(errno));
  }
}

void RedisConnection::receive_some() {
  std::array<char, 65'536> buffer;  // Not cleared: only what was received is read.
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got == 0) lose("it closed the connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    lose("receive: " + reason(errno));
  }
  if (redisReaderFeed(reader_.get(), buffer.data(), static_cast<std::size_t>(got)) != REDIS_OK) {
    lose(std::string("its answer is not understood: ") + reader_->errstr);
  }
}

std::vector<RedisReply> RedisConnection::exchange(std::string_view request, std::size_t commands,
                                                  SteadyNanos deadline) {
  std::vector<RedisReply> replies;
  replies.reserve(commands);
  while (replies.size() < commands) {
    // Both at once: a server that cannot get rid of its answers stops reading.
    const short wanted = request.empty() ? POLLIN : POLLIN | POLLOUT;
    const auto ready = await(wanted, deadline);
    if ((ready & POLLOUT) != 0 && !request.empty()) send_some(request);
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) receive_some();
    while (replies.size() < commands) {
      auto reply = next_reply();
      if (!reply) break;
      replies.push_back(std::move(reply));
    }
  }
  return replies;
}

std::vector<RedisReply> RedisConnection::call(std::span<const RedisCommand> commands,
                                              SteadyNanos deadline) {
  std::string request;
  for (const auto& command : commands) append_redis_command(request, command);
  auto replies = exchange(request, commands.size(), deadline);
  for (const auto& reply : replies) {
    if (reply->type != REDIS_REPLY_ERROR) continue;
    throw RedisRefusal("redis server " + server_ + ": " + std::string(reply->str, reply->len));
  }
  return replies;
}

RedisReply RedisConnection::call(const RedisCommand& command, SteadyNanos deadline) {
  auto replies = call(std::span(&command, 1), deadline);
  return std::move(replies.front());
}

}  // namespace tarmac::internal
