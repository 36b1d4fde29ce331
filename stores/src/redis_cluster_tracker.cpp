#include "redis_cluster_tracker.h"

#include <tarmac/core/error.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace tarmac::internal {
namespace {

void add_counters(RedisTierStats& sum, const RedisChannel& channel) {
  RedisTierStats one;
  channel.fill(one);
  sum.key_invalidations += one.key_invalidations;
  sum.flush_invalidations += one.flush_invalidations;
  sum.lost_invalidations += one.lost_invalidations;
  sum.malformed_invalidations += one.malformed_invalidations;
}

std::uint64_t rounds_of(const RedisChannel& channel) {
  RedisTierStats stats;
  channel.fill(stats);
  return stats.heartbeats;
}

}  // namespace

RedisClusterTracker::RedisClusterTracker(const RedisTierOptions& options,
                                         RedisTier::Listener listener, RedisCluster& cluster)
    : options_(options),
      listener_(std::move(listener)),
      cluster_(cluster),
      lost_at_(clock_.steady_now()) {
  cluster_.watch([this](const RedisCluster::Addresses& addresses) {
    const std::lock_guard lock(mutex_);
    if (addresses == wanted_) return;
    wanted_ = addresses;
    is_pending_ = true;
    // Before anybody gets a value from a node of which no change would be heard.
    set_heard_until(0, false);
    changed_.notify_all();
  });
  thread_ = std::thread([this] { run(); });
}

RedisClusterTracker::~RedisClusterTracker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
  cluster_.watch([](const auto&) {});
  std::map<RedisAddress, Channel> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(trackers_);
  }
}

void RedisClusterTracker::run() {
  for (;;) {
    follow_cluster();
    adjust();
    const auto next = deadline_after(clock_.steady_now(), options_.heartbeat.count());
    std::unique_lock lock(mutex_);
    static_cast<void>(
        clock_.wait_until(lock, changed_, next, [this] { return stop_ || is_pending_; }));
    if (stop_) return;
  }
}

void RedisClusterTracker::follow_cluster() {
  {
    const std::lock_guard lock(mutex_);
    if (is_pending_) return;  // It has just been told of.
  }
  try {
    cluster_.refresh(deadline_after(clock_.steady_now(), options_.server.call_limit.count()));
  } catch (const StoreError&) {
    // No node answers, so no channel does: its thread notes that, and callers hear the reason.
  }
}

RedisTierOptions RedisClusterTracker::options_for(const RedisAddress& address) const {
  auto options = options_;
  options.server.cluster.clear();
  options.server.host = address.host;
  options.server.port = address.port;
  return options;
}

void RedisClusterTracker::adjust() {
  RedisCluster::Addresses wanted;
  std::vector<std::unique_ptr<RedisTracker>> gone;
  {
    const std::lock_guard lock(mutex_);
    if (!is_pending_) return;
    wanted = wanted_;
    before_.heartbeats += rounds();
    for (auto at = trackers_.begin(); at != trackers_.end();) {
      if (wanted.contains(at->first)) {
        at->second.rounds_before = rounds_of(*at->second.tracker);
        ++at;
        continue;
      }
      add_counters(before_, *at->second.tracker);
      gone.push_back(std::move(at->second.tracker));
      at = trackers_.erase(at);
    }
    for (const auto& address : wanted) {
      if (trackers_.contains(address)) continue;
      trackers_.emplace(address, Channel{std::make_unique<RedisTracker>(
                                     options_for(address), listener_, [this] { combine(); })});
    }
  }
  gone.clear();  // Their threads may wait for the lock.
  listener_.on_all_changed();
  {
    const std::lock_guard lock(mutex_);
    ++before_.lost_invalidations;
    is_pending_ = wanted != wanted_;
  }
  combine();
}

void RedisClusterTracker::combine() {
  const std::lock_guard lock(mutex_);
  auto until = trackers_.empty() || is_pending_ ? SteadyNanos{0} : kNever;
  bool is_whole = until != 0;
  for (const auto& [address, channel] : trackers_) {
    until = std::min(until, channel.tracker->heard_until().load());
    is_whole = is_whole && channel.tracker->is_subscribed();
  }
  set_heard_until(until, is_whole);
}

void RedisClusterTracker::set_heard_until(SteadyNanos until, bool is_whole) {
  heard_until_.store(until, std::memory_order_release);
  const auto now = clock_.steady_now();
  if (is_whole) {
    if (lost_at_ != 0) unheard_nanoseconds_ += now - std::exchange(lost_at_, 0);
  } else if (lost_at_ == 0) {
    lost_at_ = now;
  }
}

std::uint64_t RedisClusterTracker::rounds() const {
  if (trackers_.empty()) return 0;
  auto least = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [address, channel] : trackers_) {
    least = std::min(least, rounds_of(*channel.tracker) - channel.rounds_before);
  }
  return least;
}

void RedisClusterTracker::fill(RedisTierStats& stats) const {
  const std::lock_guard lock(mutex_);
  stats.key_invalidations = before_.key_invalidations;
  stats.flush_invalidations = before_.flush_invalidations;
  stats.lost_invalidations = before_.lost_invalidations;
  stats.malformed_invalidations = before_.malformed_invalidations;
  for (const auto& [address, channel] : trackers_) add_counters(stats, *channel.tracker);
  stats.heartbeats = before_.heartbeats + rounds();
  stats.heard = clock_.coarse_now() < heard_until_.load();
  auto unheard = unheard_nanoseconds_;
  if (lost_at_ != 0) unheard += clock_.steady_now() - lost_at_;
  stats.unheard_seconds = static_cast<double>(unheard) * 1e-9;
}

}  // namespace tarmac::internal
