// A real redis-server for a test: started on a socket in a folder of its own, and gone with it.
#pragma once

#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "store_files.h"

namespace tarmac {

class RedisServer {
 public:
  /// `arguments` are added to the server's command line.
  explicit RedisServer(std::vector<std::string> arguments = {}) : arguments_(std::move(arguments)) {
    start();
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { kill(); }

  [[nodiscard]] std::filesystem::path socket() const { return folder_ / "redis.sock"; }

  /// Returns when it accepts connections.
  void start() {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe for redis-server");
    std::vector<std::string> words{"redis-server", "--port",      "0", "--unixsocket",
                                   socket(),       "--save",      "",  "--dir",
                                   folder_.path(), "--daemonize", "no"};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> raw;
    for (auto& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execvp("redis-server", raw.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    std::string said;
    char one = 0;
    while (said.find("eady to accept connections") == std::string::npos) {
      if (::read(ends[0], &one, 1) != 1) {
        ::close(ends[0]);
        throw std::runtime_error("redis-server did not start (package redis-server): " + said);
      }
      said += one;
    }
    log_ = ends[0];  // Open, so that the server can go on writing to it.
  }

  void send(int signal) const { ::kill(process_, signal); }

  void kill() {
    if (process_ <= 0) return;
    send(SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(log_);
    process_ = -1;
  }

  /// What the server answers, as text or number in text.
  std::string ask(const std::vector<std::string>& command) const {
    return text_of(*reply_to(command));
  }
  /// The elements of what the server answers.
  std::vector<std::string> ask_all(const std::vector<std::string>& command) const {
    const auto reply = reply_to(command);
    std::vector<std::string> elements;
    for (std::size_t i = 0; i < reply->elements; ++i) {
      elements.push_back(text_of(*reply->element[i]));
    }
    return elements;
  }

 private:
  using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

  static std::string text_of(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
    return reply.str == nullptr ? "" : std::string(reply.str, reply.len);
  }

  Reply reply_to(const std::vector<std::string>& command) const {
    const std::unique_ptr<redisContext, decltype(&redisFree)> context(
        redisConnectUnix(socket().c_str()), redisFree);
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const auto& word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(redisCommandArgv(
                    context.get(), static_cast<int>(words.size()), words.data(), sizes.data())),
                freeReplyObject);
    if (!reply) throw std::runtime_error("redis-server does not answer the test");
    return reply;
  }

  ScratchFolder folder_;
  std::vector<std::string> arguments_;
  pid_t process_ = -1;
  int log_ = -1;
};

}  // namespace tarmac
