#include "redis_cluster.h"

#include <tarmac/core/error.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

namespace tarmac::internal {
namespace {

constexpr std::uint16_t kNobody = std::numeric_limits<std::uint16_t>::max();
/// Of one request in one call.
constexpr int kRedirectsMax = 8;
/// How long a node that keys are moved to is watched after a key was last looked for there, though
/// no slot is its own.
constexpr std::int64_t kAskedFor = 10'000'000'000;

RedisStoreOptions options_of(RedisStoreOptions options, const RedisAddress& address) {
  options.host = address.host;
  options.port = address.port;
  options.cluster.clear();
  return options;
}

}  // namespace

RedisCluster::RedisCluster(const RedisStoreOptions& options)
    : RedisServers(options), options_(options) {
  if (!options.unix_socket.empty()) {
    throw ConfigError("redis cluster: unix_socket is given, but a cluster's nodes are addresses");
  }
  if (options.db != 0) throw ConfigError("redis cluster: db must be 0, which is all it has");
  for (const auto& address : redis_addresses_in(options.cluster)) {
    seeds_.push_back(std::make_shared<RedisNode>(options_of(options_, address), true));
  }
  owners_.fill(kNobody);
}

void RedisCluster::watch(Watch watch) {
  const std::lock_guard lock(mutex_);
  watch_ = std::move(watch);
  watch_(watched_);
}

void RedisCluster::tell(Addresses addresses) {
  if (addresses == watched_) return;
  watched_ = std::move(addresses);
  if (watch_) watch_(watched_);
}

std::uint16_t RedisCluster::place_of(const RedisAddress& address) {
  const auto found = std::ranges::find_if(
      nodes_, [&address](const auto& node) { return node->address() == address; });
  const auto place = static_cast<std::uint16_t>(found - nodes_.begin());
  if (found == nodes_.end()) {
    nodes_.push_back(std::make_shared<RedisNode>(options_of(options_, address), true));
  }
  return place;
}

void RedisCluster::learn(SteadyNanos deadline) {
  bool is_known = false;
  {
    const std::lock_guard lock(mutex_);
    is_known = !nodes_.empty();
    const auto now = clock_.steady_now();
    if (is_known && (!is_stale_ || now < next_refresh_)) return;
    // The others go on with what is known.
    next_refresh_ = deadline_after(now, options_.retry_initial.count());
  }
  try {
    refresh(deadline);
  } catch (const StoreError&) {
    if (!is_known) throw;
  }
}

void RedisCluster::refresh(SteadyNanos deadline) {
  std::vector<NodePtr> candidates;
  {
    const std::lock_guard lock(mutex_);
    candidates = nodes_;
    if (!candidates.empty()) {
      const auto first = static_cast<std::ptrdiff_t>(turn_++ % candidates.size());
      std::rotate(candidates.begin(), candidates.begin() + first, candidates.end());
    }
  }
  candidates.insert(candidates.end(), seeds_.begin(), seeds_.end());
  // Whoever is to try again one that fails should be a call that needs it.
  std::stable_partition(candidates.begin(), candidates.end(), [](const auto& node) {
    return node->breaker().state == BreakerState::closed;
  });
  std::string last;
  for (const auto& node : candidates) {
    const auto now = clock_.steady_now();
    if (now >= deadline) break;
    try {
      // One that hangs must leave time for the others.
      const auto reply = node->ask({"CLUSTER", "SLOTS"}, now + (deadline - now) / 2);
      const auto ranges = redis_slots_in(*reply, node->address());
      if (ranges.empty()) throw StoreError("no node has a slot; make the cluster first");
      adopt(ranges);
      return;
    } catch (const StoreError& error) {
      last = error.what();
    }
  }
  throw StoreError("redis cluster: no node tells which has which keys; the last: " + last);
}

void RedisCluster::adopt(std::span<const RedisSlotRange> ranges) {
  const std::lock_guard lock(mutex_);
  const auto before = std::exchange(nodes_, {});
  Addresses addresses;
  for (const auto& range : ranges) addresses.insert(range.primary);
  const auto now = clock_.steady_now();
  std::erase_if(asked_, [now](const auto& one) { return one.second <= now; });
  for (const auto& [address, until] : asked_) addresses.insert(address);
  for (const auto& node : before) {
    if (addresses.contains(node->address())) {
      nodes_.push_back(node);
    } else {
      opens_before_ += node->breaker().opens;
    }
  }
  owners_.fill(kNobody);
  for (const auto& range : ranges) {
    const auto place = place_of(range.primary);
    std::fill(owners_.begin() + static_cast<std::ptrdiff_t>(range.first),
              owners_.begin() + static_cast<std::ptrdiff_t>(range.last) + 1, place);
  }
  for (const auto& [address, until] : asked_) static_cast<void>(place_of(address));
  is_stale_ = false;
  tell(std::move(addresses));
}

std::vector<RedisCluster::Aim> RedisCluster::aims_of(std::span<RedisRequest> requests) {
  std::vector<Aim> aims;
  aims.reserve(requests.size());
  const std::lock_guard lock(mutex_);
  for (auto& one : requests) {
    one.asking = false;
    // A slot that nobody has is asked for at any node, which knows better, or says so.
    const auto owner = owners_[one.slot];
    aims.push_back({&one, owner == kNobody ? nodes_.front() : nodes_[owner]});
  }
  return aims;
}

std::size_t RedisCluster::send(std::span<const Aim> aims, SteadyNanos deadline) {
  std::vector<std::pair<RedisNode*, std::vector<RedisRequest*>>> groups;
  for (const auto& aim : aims) {
    const auto known =
        std::ranges::find(groups, aim.node.get(), [](auto& one) { return one.first; });
    if (known == groups.end()) {
      groups.push_back({aim.node.get(), {aim.request}});
    } else {
      known->second.push_back(aim.request);
    }
  }
  std::exception_ptr failure;
  for (const auto& [node, requests] : groups) {
    // One that is asked with the last of the time would be blamed for it.
    const auto left = deadline - clock_.steady_now();
    if (failure && left < call_limit_.count() / 2) break;
    if (left <= 0) throw StoreError("redis cluster: no answer within call_limit");
    try {
      node->exchange(requests, deadline);
    } catch (const StoreError&) {
      if (!failure) failure = std::current_exception();
      const std::lock_guard lock(mutex_);
      is_stale_ = true;  // Another may have taken its place.
    }
  }
  if (failure) std::rethrow_exception(failure);
  return groups.size();
}

RedisCluster::NodePtr RedisCluster::follow(const RedisRedirect& redirect) {
  ++redirects_;
  const std::lock_guard lock(mutex_);
  const auto place = place_of(redirect.to);
  if (redirect.is_ask) {
    asked_[redirect.to] = deadline_after(clock_.steady_now(), kAskedFor);
  } else {
    owners_[redirect.slot] = place;
    is_stale_ = true;  // Others have moved, too, most likely.
  }
  auto addresses = watched_;
  addresses.insert(redirect.to);
  tell(std::move(addresses));
  return nodes_[place];
}

std::vector<RedisCluster::Aim> RedisCluster::redirected(std::span<const Aim> aims) {
  std::vector<Aim> next;
  for (const auto& [request, node] : aims) {
    if (request->refusal.empty()) continue;
    const auto redirect = redis_redirect_in(error_in(*request), node->address());
    if (!redirect) continue;
    request->asking = redirect->is_ask;
    next.push_back({request, follow(*redirect)});
  }
  return next;
}

std::size_t RedisCluster::call(std::span<RedisRequest> requests, SteadyNanos deadline) {
  learn(deadline);
  auto aims = aims_of(requests);
  std::size_t round_trips = 0;
  for (int redirects = 0;; ++redirects) {
    round_trips += send(aims, deadline);
    aims = redirected(aims);
    if (aims.empty()) return round_trips;
    if (redirects == kRedirectsMax) {
      throw StoreError("redis cluster: its nodes send us from one to another; " +
                       aims.front().request->refusal);
    }
  }
}

std::vector<std::shared_ptr<RedisNode>> RedisCluster::nodes(SteadyNanos deadline) {
  learn(deadline);
  const std::lock_guard lock(mutex_);
  return nodes_;
}

BreakerStats RedisCluster::breaker() const noexcept {
  const std::lock_guard lock(mutex_);
  BreakerStats worst{BreakerState::closed, opens_before_};
  for (const auto& node : seeds_) worst.opens += node->breaker().opens;
  for (const auto& node : nodes_.empty() ? seeds_ : nodes_) {
    const auto one = node->breaker();
    if (!nodes_.empty()) worst.opens += one.opens;
    if (one.state == BreakerState::open || worst.state == BreakerState::closed) {
      worst.state = one.state;
    }
  }
  return worst;
}

}  // namespace tarmac::internal
