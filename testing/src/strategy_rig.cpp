#include "strategy_rig.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace tarmac::testing::internal {
namespace {

void expect_clean(const EntryNode& node) {
  EXPECT_EQ(node.previous, nullptr) << "a node that is not tracked keeps a link";
  EXPECT_EQ(node.next, nullptr) << "a node that is not tracked keeps a link";
  EXPECT_EQ(node.scratch, 0U) << "a node that is not tracked keeps its scratch word";
  EXPECT_EQ(node.flags, 0U) << "a node that is not tracked keeps its flags";
}

SteadyNanos random_deadline(std::mt19937_64& random) {
  const std::uint64_t nanoseconds = below(random, 200);
  return nanoseconds < 50 ? kNever : static_cast<SteadyNanos>(nanoseconds);
}

}  // namespace

StrategyRig::StrategyRig(const StrategyFactory& factory, StrategyCapacity capacity)
    : strategy_(factory()), capacity_(capacity) {
  strategy_->on_resize(capacity);
}

// Every third entry comes back, soon after it left or long after, as chance has it.
std::uint64_t StrategyRig::hash_for(Id id) {
  if (id % 3 != 0 || hashes_that_left_.empty()) return id * 0x9E37'79B9'7F4A'7C15U;
  std::uint64_t& chosen = hashes_that_left_[id % hashes_that_left_.size()];
  const std::uint64_t hash = std::exchange(chosen, hashes_that_left_.back());
  hashes_that_left_.pop_back();
  return hash;
}

StrategyRig::Id StrategyRig::insert(std::uint32_t weight, SteadyNanos expires_at,
                                    std::size_t most_entries) {
  const Id id = next_id_++;
  auto node = std::make_unique<EntryNode>();
  node->hash = hash_for(id);
  node->weight = weight;
  node->expires_at = expires_at;
  node->inserted_at = ++now_;
  node->accessed_at = now_;
  EntryNode& inserted = *node;
  if (id % 5 != 0) strategy_->on_arrival(inserted);
  while (ids_.size() >= most_entries && !::testing::Test::HasFailure()) evict();
  names_.emplace(node.get(), id);
  entries_.emplace(id, Entry{std::move(node), ids_.size()});
  ids_.push_back(id);
  strategy_->on_insert(inserted);
  return id;
}

void StrategyRig::access(Id id) { access_and_prolong(id, node(id).expires_at); }

void StrategyRig::access_and_prolong(Id id, SteadyNanos expires_at) {
  EntryNode& hit = node(id);
  if (hit.visits < EntryNode::kMaxVisits) ++hit.visits;
  hit.accessed_at = ++now_;
  const auto tracking = strategy_->tracking();
  const bool moved = std::exchange(hit.expires_at, expires_at) != expires_at;
  tell_hit(*strategy_, tracking, hit);
  if (moved && tracking != AccessTracking::ordered) strategy_->on_access(hit);
}

void StrategyRig::update(Id id, std::uint32_t weight, SteadyNanos expires_at) {
  EntryNode& updated = node(id);
  const std::uint32_t old_weight = std::exchange(updated.weight, weight);
  updated.expires_at = expires_at;
  updated.accessed_at = ++now_;
  strategy_->on_update(updated, old_weight);
}

void StrategyRig::remove(Id id, RemovalCause cause) {
  strategy_->on_remove(node(id), cause);
  expect_clean(node(id));
  forget(id);
}

void StrategyRig::forget(Id id) {
  const auto found = entries_.find(id);
  const std::size_t place = found->second.place;
  ids_[place] = ids_.back();
  entries_.at(ids_[place]).place = place;
  ids_.pop_back();
  // Bounded, so that keys come back while a strategy may still remember them.
  constexpr std::size_t kHashesMax = 300;
  const std::uint64_t hash = found->second.node->hash;
  if (hashes_that_left_.size() < kHashesMax) {
    hashes_that_left_.push_back(hash);
  } else {
    hashes_that_left_[id % kHashesMax] = hash;
  }
  names_.erase(found->second.node.get());
  entries_.erase(found);
}

void StrategyRig::resize(StrategyCapacity capacity) {
  capacity_ = capacity;
  strategy_->on_resize(capacity);
}

bool StrategyRig::check_victim(Id* id) {
  const auto ahead = strategy_->outlook();
  for (const EntryNode* node : {ahead.next, ahead.after}) {
    EXPECT_TRUE(node == nullptr || names_.contains(node)) << "it foresees what is not tracked";
  }
  EntryNode* const victim = strategy_->choose_victim();
  EXPECT_EQ(victim, strategy_->choose_victim()) << "asked twice, it answers differently";
  if (victim == nullptr) {
    EXPECT_TRUE(ids_.empty()) << "no victim among " << ids_.size() << " tracked entries";
    return ids_.empty();
  }
  const auto found = names_.find(victim);
  EXPECT_NE(found, names_.end()) << "the victim is not tracked";
  if (found == names_.end()) return false;
  if (id != nullptr) *id = found->second;
  return true;
}

StrategyRig::Id StrategyRig::evict() {
  Id id = next_id_;
  const bool sound = check_victim(&id);
  EXPECT_LT(id, next_id_) << "there is nothing to evict";
  if (sound && id < next_id_) remove(id, RemovalCause::evicted);
  return id;
}

std::vector<StrategyRig::Id> StrategyRig::drain() {
  std::vector<Id> left;
  while (!ids_.empty() && !::testing::Test::HasFailure()) left.push_back(evict());
  check_victim();
  return left;
}

std::vector<EntryNode*> StrategyRig::hand_over() {
  EntryNode* const victim = strategy_->choose_victim();
  std::vector<EntryNode*> order(ids_.size(), nullptr);
  strategy_->hand_over(order);
  std::unordered_map<const EntryNode*, Id> expected = names_;
  for (const EntryNode* node : order) {
    EXPECT_EQ(expected.erase(node), 1U) << "an entry handed over twice, or never tracked";
    if (::testing::Test::HasFailure()) return order;
    expect_clean(*node);
    EXPECT_EQ(node->mark, 0U) << "a node that was handed over keeps its mark";
  }
  EXPECT_TRUE(expected.empty()) << expected.size() << " entries were not handed over";
  EXPECT_EQ(order.empty() ? nullptr : order.front(), victim) << "the next victim was not first";
  EXPECT_EQ(strategy_->choose_victim(), nullptr) << "it still tracks what it handed over";
  return order;
}

void StrategyRig::take_over(std::vector<EntryNode*> order) { strategy_->take_over(order); }

void StrategyRig::swap_strategy(std::unique_ptr<EvictionStrategy> successor) {
  successor->on_resize(capacity_);
  std::vector<EntryNode*> order = hand_over();
  if (::testing::Test::HasFailure()) return;
  if (strategy_->tracking() == AccessTracking::none) successor->on_unrecorded_hits();
  strategy_ = std::move(successor);  // The one before is gone: nothing may point into it.
  take_over(std::move(order));
}

StrategyRig::Id StrategyRig::any(std::mt19937_64& random) const {
  return ids_[below(random, ids_.size())];
}

void StrategyRig::random_step(std::mt19937_64& random, std::size_t most_entries) {
  constexpr std::array kCauses = {RemovalCause::evicted,  RemovalCause::expired,
                                  RemovalCause::erased,   RemovalCause::cleared,
                                  RemovalCause::restored, RemovalCause::refused};
  const auto weight = static_cast<std::uint32_t>(below(random, 20));
  const std::uint64_t kind = below(random, 100);
  if (ids_.empty() || kind < 35) {
    insert(weight, random_deadline(random), most_entries);
  } else if (kind < 65) {
    // Skewed, as real traffic is: half of the hits go to an eighth of the entries.
    access(below(random, 2) == 0 ? ids_[below(random, ids_.size() / 8 + 1)] : any(random));
  } else if (kind < 75) {
    access_and_prolong(any(random), random_deadline(random));
  } else if (kind < 85) {
    update(any(random), weight, random_deadline(random));
  } else if (kind < 93) {
    remove(any(random), kCauses[below(random, kCauses.size())]);
  } else {
    check_victim();
  }
}

}  // namespace tarmac::testing::internal
