#include <tarmac/core/assert.h>
#include <tarmac/testing/strategy_replay.h>

#include <functional>
#include <utility>

namespace tarmac::testing {

StrategyReplay::StrategyReplay(std::unique_ptr<EvictionStrategy> strategy, std::uint64_t capacity)
    : strategy_(std::move(strategy)), capacity_(capacity) {
  TARMAC_ASSERT(capacity > 0);
  strategy_->on_resize({.amount = capacity});
}

StrategyReplay::~StrategyReplay() = default;

bool StrategyReplay::request(std::uint64_t key, SteadyNanos expires_at) {
  ++now_;
  if (const auto found = entries_.find(key); found != entries_.end()) {
    Entry& entry = found->second;
    if (entry.visits < EntryNode::kMaxVisits) ++entry.visits;
    entry.accessed_at = now_;
    tell_hit(*strategy_, strategy_->tracking(), entry);
    return true;
  }
  ++misses_;
  Entry& entry = entries_[key];
  entry.key = key;
  entry.hash = std::hash<std::uint64_t>{}(key);
  entry.expires_at = expires_at;
  entry.inserted_at = now_;
  entry.accessed_at = now_;
  strategy_->on_arrival(entry);
  // The newcomer has its place in the table, but is not yet one of those to choose from.
  while (entries_.size() > capacity_) evict();
  strategy_->on_insert(entry);
  return false;
}

std::uint64_t StrategyReplay::count_misses(std::span<const std::uint64_t> keys) {
  const std::uint64_t before = misses_;
  for (const std::uint64_t key : keys) request(key);
  return misses_ - before;
}

void StrategyReplay::update(std::uint64_t key) {
  Entry& entry = entries_.at(key);
  entry.accessed_at = ++now_;
  strategy_->on_update(entry, entry.weight);
}

bool StrategyReplay::erase(std::uint64_t key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  strategy_->on_remove(found->second, RemovalCause::erased);
  entries_.erase(found);
  return true;
}

void StrategyReplay::resize(std::uint64_t capacity) {
  TARMAC_ASSERT(capacity > 0);
  capacity_ = capacity;
  strategy_->on_resize({.amount = capacity});
  while (entries_.size() > capacity_) evict();
}

void StrategyReplay::swap_strategy(std::unique_ptr<EvictionStrategy> successor) {
  successor->on_resize({.amount = capacity_});
  std::vector<EntryNode*> order(entries_.size());
  strategy_->hand_over(order);
  successor->take_over(order);
  strategy_ = std::move(successor);
}

std::vector<std::uint64_t> StrategyReplay::drain() {
  std::vector<std::uint64_t> left;
  while (!entries_.empty()) left.push_back(evict());
  return left;
}

std::uint64_t StrategyReplay::evict() {
  EntryNode* const victim = strategy_->choose_victim();
  TARMAC_ASSERT(victim != nullptr);
  const std::uint64_t key = static_cast<const Entry*>(victim)->key;
  strategy_->on_remove(*victim, RemovalCause::evicted);
  entries_.erase(key);
  return key;
}

std::uint64_t count_misses(std::unique_ptr<EvictionStrategy> strategy, std::uint64_t capacity,
                           std::span<const std::uint64_t> keys) {
  return StrategyReplay(std::move(strategy), capacity).count_misses(keys);
}

}  // namespace tarmac::testing
