// The rare things that a live load does with a cache, one after the other.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/core/cache_manager.h>

#include "stage.h"

#include <cstddef>
#include <memory>
#include <string>

namespace tarmac::demo {

/// - Ownership: borrows the cache, which must outlive it.
/// - Thread-safety: not synchronised; the cache may be used by others meanwhile.
class Chores {
 public:
  /// How many chores there are before they begin again.
  static constexpr std::size_t kRound = 8;

  /// `store` is what stands behind the cache, or null; `policy` is what writes to it otherwise.
  Chores(DemoCache& cache, std::shared_ptr<BackingStore> store, PartConfig policy);

  /// Does the next one. Throws what the cache throws.
  void do_next();

 private:
  void swap_strategy();
  void swap_write_policy();
  void change_and_undo();

  DemoCache* cache_;
  /// The other owner is the write policy at work.
  std::shared_ptr<BackingStore> store_;
  PartConfig policy_;
  Snapshot snapshot_;
  std::size_t done_ = 0;
};

}  // namespace tarmac::demo
