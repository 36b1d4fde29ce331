// One connection to a Redis server. hiredis reads the protocol; writing, sending and waiting are
// done here, so that a deadline holds for a whole call and a broken connection raises no signal.
#pragma once

#include <hiredis/read.h>
#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/redis_store.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "posix_file.h"

struct redisReply;

namespace tarmac::internal {

/// The connection is of no more use.
class RedisLost : public StoreError {
 public:
  using StoreError::StoreError;
};

/// The server answered, with an error. The connection stays sound.
class RedisRefusal : public StoreError {
 public:
  using StoreError::StoreError;
};

/// The server answered that it cannot serve anybody just now: it counts as a failure of the server.
class RedisUnready : public RedisRefusal {
 public:
  using RedisRefusal::RedisRefusal;
};

struct FreeReply {
  void operator()(redisReply* reply) const noexcept;
};
using RedisReply = std::unique_ptr<redisReply, FreeReply>;
using RedisCommand = std::vector<std::string>;

// What makes up a request, added to `text`.

/// The start of a command of so many words.
void append_redis_head(std::string& text, std::size_t words);
/// The start of a word of so many bytes; they and the end of a line follow.
void append_redis_size(std::string& text, std::size_t bytes);
/// One word, of two parts.
void append_redis_word(std::string& text, std::string_view word, std::string_view more = {});
void append_redis_command(std::string& text, const RedisCommand& command);

class RedisConnection {
 public:
  /// Connects, gives the password, chooses the database and hears an answer to it, by `deadline`.
  RedisConnection(const RedisStoreOptions& options, Clock& clock, SteadyNanos deadline);

  /// Sends all commands, then gives their answers in order; an error among them is thrown as
  /// RedisRefusal when all have been read. Throws RedisLost, after which only destruction is left.
  [[nodiscard]] std::vector<RedisReply> call(std::span<const RedisCommand> commands,
                                             SteadyNanos deadline);
  [[nodiscard]] RedisReply call(const RedisCommand& command, SteadyNanos deadline);

  /// Sends `request`, of so many commands, and gives their answers in order, errors among them.
  /// Throws RedisLost.
  [[nodiscard]] std::vector<RedisReply> exchange(std::string_view request, std::size_t commands,
                                                 SteadyNanos deadline);

  // For a connection on which the server speaks unasked. Both throw RedisLost.

  void post(const RedisCommand& command, SteadyNanos deadline);
  /// The next that the server has said; null if that is nothing until `until`.
  [[nodiscard]] RedisReply receive(SteadyNanos until);

 private:
  void open_socket(const RedisStoreOptions& options, SteadyNanos deadline);
  [[nodiscard]] bool try_address(int family, const void* address, std::size_t size,
                                 SteadyNanos deadline);
  void introduce(const RedisStoreOptions& options, SteadyNanos deadline);
  /// Waits for what poll() calls `events`; returns what came. Throws RedisLost at the deadline.
  [[nodiscard]] short await(short events, SteadyNanos deadline) const;
  /// What came by `deadline`; 0 if nothing did.
  [[nodiscard]] short poll_until(short events, SteadyNanos deadline) const;
  /// The next whole answer of those received; null if there is none yet.
  [[nodiscard]] RedisReply next_reply();
  void send_some(std::string_view& rest) const;
  void receive_some();
  [[noreturn]] void lose(const std::string& what) const;

  struct FreeReader {
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };
  Clock& clock_;
  std::string server_;
  OwnedFd socket_;
  std::unique_ptr<redisReader, FreeReader> reader_;
};

}  // namespace tarmac::internal
