#include "live_chores.h"

#include <tarmac/policies/write_through.h>

#include <array>
#include <utility>

namespace tarmac::demo {
namespace {

const std::array<std::string, 3> kStrategies{"lfu", "fifo", "lru"};

}  // namespace

Chores::Chores(DemoCache& cache, std::shared_ptr<BackingStore> store, PartConfig policy)
    : cache_(&cache), store_(std::move(store)), policy_(std::move(policy)) {}

void Chores::do_next() {
  switch (done_++ % kRound) {
    case 0:
      snapshot_ = cache_->take_snapshot();
      break;
    case 1:
    case 5:
      swap_strategy();
      break;
    case 2:
      change_and_undo();
      break;
    case 3:
      cache_->flush();
      break;
    case 4:
      swap_write_policy();
      break;
    case 6:
      cache_->purge_expired();
      break;
    case 7:
      cache_->restore_snapshot(snapshot_);
      break;
    default:
      break;
  }
}

void Chores::swap_strategy() {
  const auto at_work = cache_->describe().strategy;
  for (std::size_t i = 0; i < kStrategies.size(); ++i) {
    if (kStrategies[i] != at_work) continue;
    cache_->swap_strategy(kStrategies[(i + 1) % kStrategies.size()]);
    return;
  }
  cache_->swap_strategy(kStrategies.front());
}

void Chores::swap_write_policy() {
  if (!store_) return;
  // Through for a round, then as the file says again.
  const bool other = done_ / kRound % 2 == 0;
  cache_->set_write_policy(
      other ? write_through(store_)
            : write_policy_registry().make(policy_.name, store_, policy_.parameters));
}

void Chores::change_and_undo() {
  cache_->execute(SetCommand("chore", "a value that is taken back"));
  cache_->undo();
  cache_->redo();
  cache_->execute(DeleteCommand("chore"));
}

}  // namespace tarmac::demo
