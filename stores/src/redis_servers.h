// Where the commands of a store or a tier go: to one Redis server, or to the nodes of a cluster.
#pragma once

#include <tarmac/core/backing_store.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_pool.h"
#include "redis_slots.h"

namespace tarmac::internal {

/// Commands that go to the node of one slot, one after the other on one connection: a single one,
/// or a transaction.
struct RedisRequest {
  std::uint16_t slot = 0;
  std::vector<RedisCommand> commands;
  /// As many as commands, errors among them.
  std::vector<RedisReply> replies = {};
  /// The first of these errors, with the server's name; empty if there is none.
  std::string refusal = {};
  /// The node takes it though the slot is only on its way there.
  bool asking = false;
};

/// The first error among the answers, in the server's words; empty if there is none.
[[nodiscard]] std::string_view error_in(const RedisRequest& request) noexcept;
/// Throws RedisRefusal if an answer is an error.
void must_be_granted(const RedisRequest& request);

/// One server, and the connections to it.
class RedisNode {
 public:
  /// Of a cluster: a node that says it cannot serve anybody just now counts as one that fails.
  RedisNode(RedisStoreOptions options, bool is_of_cluster);

  /// Gives each request its replies. Throws StoreError by `deadline`.
  void exchange(std::span<RedisRequest* const> requests, SteadyNanos deadline);
  /// The answer to one command. Throws StoreError by `deadline`, for an error that is the answer,
  /// too.
  [[nodiscard]] RedisReply ask(const RedisCommand& command, SteadyNanos deadline);
  /// What `work(connection, deadline)` returns, as RedisPool::with() has it: for what takes several
  /// exchanges on one connection.
  template <class Work>
  auto with(SteadyNanos deadline, const Work& work) {
    return pool_.with(deadline, work);
  }
  /// `error`, an answer of this server, with its name.
  [[nodiscard]] std::string refusal_text(std::string_view error) const;
  [[nodiscard]] const RedisAddress& address() const noexcept { return address_; }
  [[nodiscard]] BreakerStats breaker() const noexcept { return pool_.breaker(); }

 private:
  const RedisStoreOptions options_;
  const RedisAddress address_;
  const bool is_of_cluster_;
  RedisPool pool_;
};

/// Thread-safety: all members may be called from any thread.
class RedisServers {
 public:
  explicit RedisServers(const RedisStoreOptions& options) : call_limit_(options.call_limit) {}
  RedisServers(const RedisServers&) = delete;
  RedisServers& operator=(const RedisServers&) = delete;
  virtual ~RedisServers() = default;

  /// When a call that begins now has to end.
  [[nodiscard]] SteadyNanos deadline() const {
    return deadline_after(clock_.steady_now(), call_limit_.count());
  }
  /// Whether keys are divided among nodes by their slots: one command must not have keys of two.
  [[nodiscard]] virtual bool is_cluster() const noexcept = 0;
  /// Of `key` below `prefix`; 0 for every key if all are in one place.
  [[nodiscard]] std::uint16_t slot_of(std::string_view prefix, std::string_view key) const {
    return is_cluster() ? redis_slot(std::string(prefix).append(key)) : std::uint16_t{0};
  }
  /// Gives each request its replies, or its refusal; returns how many round trips that took. Throws
  /// StoreError by `deadline` if a server does not answer: any of the requests may have been done.
  virtual std::size_t call(std::span<RedisRequest> requests, SteadyNanos deadline) = 0;
  /// The servers that have keys.
  [[nodiscard]] virtual std::vector<std::shared_ptr<RedisNode>> nodes(SteadyNanos deadline) = 0;
  /// That of the server that is worst off.
  [[nodiscard]] virtual BreakerStats breaker() const noexcept = 0;
  /// How often a node has sent us to another one.
  [[nodiscard]] virtual std::uint64_t redirects() const noexcept { return 0; }

 protected:
  /// Not one that a test moves: the kernel waits in real time.
  Clock& clock_ = *system_clock();
  const std::chrono::nanoseconds call_limit_;
};

/// As `options` say: a cluster if they name nodes of one. Throws ConfigError for what does not go
/// together.
[[nodiscard]] std::unique_ptr<RedisServers> make_redis_servers(const RedisStoreOptions& options);

}  // namespace tarmac::internal
