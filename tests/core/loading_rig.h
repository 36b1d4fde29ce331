// What the tests of loading share: a load in another thread that stands still where a test wants.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <future>
#include <latch>
#include <string>
#include <thread>
#include <utility>

#include "core_rig.h"

namespace tarmac::core_tests {

/// Begins to load `key` in a thread of its own and stops in the middle, until finish().
class HeldLoad {
 public:
  HeldLoad(StringCache& cache, std::string key, std::string value)
      : result_(std::async(std::launch::async, [this, &cache, key = std::move(key), value] {
          return cache.get_or_load(key, [this, &value] {
            began_.count_down();
            go_on_.wait();
            return value;
          });
        })) {
    began_.wait();
  }
  /// What its caller got.
  std::string finish() {
    go_on_.count_down();
    return result_.get();
  }

 private:
  std::latch began_{1};
  std::latch go_on_{1};
  std::future<std::string> result_;
};

/// Until so many calls wait for a loader of somebody else.
inline void await_coalesced(const CacheBase& cache, std::uint64_t count) {
  while (cache.stats().coalesced_loads < count) std::this_thread::yield();
}

}  // namespace tarmac::core_tests
