#include "redis_servers.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <utility>

#include "redis_cluster.h"

namespace tarmac::internal {
namespace {

class OneServer final : public RedisServers {
 public:
  explicit OneServer(const RedisStoreOptions& options)
      : RedisServers(options), node_(std::make_shared<RedisNode>(options, false)) {}

  [[nodiscard]] bool is_cluster() const noexcept override { return false; }
  std::size_t call(std::span<RedisRequest> requests, SteadyNanos deadline) override {
    std::vector<RedisRequest*> all;
    all.reserve(requests.size());
    for (auto& one : requests) all.push_back(&one);
    node_->exchange(all, deadline);
    return 1;
  }
  [[nodiscard]] std::vector<std::shared_ptr<RedisNode>> nodes(SteadyNanos) override {
    return {node_};
  }
  [[nodiscard]] BreakerStats breaker() const noexcept override { return node_->breaker(); }

 private:
  const std::shared_ptr<RedisNode> node_;
};

/// Answers after which there is no use in asking for other keys. LOADING and MASTERDOWN pass, and a
/// cluster that is down heals by itself.
bool is_unready(std::string_view error) {
  constexpr std::array<std::string_view, 3> kUnready{"CLUSTERDOWN The cluster", "LOADING ",
                                                     "MASTERDOWN "};
  return std::ranges::any_of(kUnready, [error](auto one) { return error.starts_with(one); });
}

}  // namespace

std::string_view error_in(const RedisRequest& request) noexcept {
  for (const auto& reply : request.replies) {
    if (reply->type == REDIS_REPLY_ERROR) return {reply->str, reply->len};
  }
  return {};
}

void must_be_granted(const RedisRequest& request) {
  if (!request.refusal.empty()) throw RedisRefusal(request.refusal);
}

RedisNode::RedisNode(RedisStoreOptions options, bool is_of_cluster)
    : options_(std::move(options)),
      address_{options_.host, options_.port},
      is_of_cluster_(is_of_cluster),
      pool_(options_) {}

RedisReply RedisNode::ask(const RedisCommand& command, SteadyNanos deadline) {
  return pool_.with(deadline, [&](RedisConnection& connection, SteadyNanos until) {
    return connection.call(command, until);
  });
}

std::string RedisNode::refusal_text(std::string_view error) const {
  const auto name = options_.unix_socket.empty() ? address_.text() : options_.unix_socket.string();
  return "redis server " + name + ": " + std::string(error);
}

void RedisNode::exchange(std::span<RedisRequest* const> requests, SteadyNanos deadline) {
  std::string text;
  std::size_t commands = 0;
  for (const auto* one : requests) {
    if (one->asking) append_redis_command(text, {"ASKING"});
    for (const auto& command : one->commands) append_redis_command(text, command);
    commands += one->commands.size() + (one->asking ? 1U : 0U);
  }
  const bool opens_transaction = std::ranges::any_of(
      requests, [](const auto* one) { return one->commands.front().front() == "MULTI"; });
  auto replies = pool_.with(deadline, [&](RedisConnection& connection, SteadyNanos until) {
    auto all = connection.exchange(text, commands, until);
    for (const auto& reply : all) {
      const bool unready = is_of_cluster_ && reply->type == REDIS_REPLY_ERROR &&
                           is_unready({reply->str, reply->len});
      if (unready) throw RedisUnready(refusal_text(reply->str));
      // Nothing was done, and nothing will be on this connection.
      const bool is_queued = !opens_transaction && reply->type == REDIS_REPLY_STATUS &&
                             std::string_view(reply->str, reply->len) == "QUEUED";
      if (is_queued) throw RedisLost(refusal_text("the connection is in a transaction"));
    }
    return all;
  });
  auto next = replies.begin();
  for (auto* one : requests) {
    if (one->asking) ++next;
    one->replies.clear();
    one->refusal.clear();
    for (std::size_t i = 0; i < one->commands.size(); ++i)
      one->replies.push_back(std::move(*next++));
    if (const auto error = error_in(*one); !error.empty()) {
      one->refusal = refusal_text(error);
    }
  }
}

std::unique_ptr<RedisServers> make_redis_servers(const RedisStoreOptions& options) {
  if (options.cluster.empty()) return std::make_unique<OneServer>(options);
  return std::make_unique<RedisCluster>(options);
}

}  // namespace tarmac::internal
