// Whether an adapter does what the workloads take for granted: a fast cache that forgets to store
// would win every comparison.
#pragma once

#include <stdexcept>
#include <string>

#include "stand.h"

namespace tarmac::bench {

inline void demand(bool holds, const std::string& who, const char* what) {
  if (!holds) throw std::logic_error(who + ": " + what);
}

/// Throws std::logic_error with the first thing that is not so.
template <class Cache>
void check(const Subject<Cache>& subject) {
  using Key = typename Cache::Key;
  constexpr std::size_t kEntries = 16'384;
  const auto cache = subject.make(kEntries);
  const auto demands = [&subject](bool holds, const char* what) {
    demand(holds, subject.name, what);
  };

  const auto first = key_of<Key>(0);
  const auto second = key_of<Key>(1);
  const Wanted<Key> key = first;
  const Wanted<Key> other = second;
  cache->set(key, value_of(key));
  demands(cache->get(key) == value_of(key), "get() gives what set() was given");
  typename Cache::Value seen{};
  demands(cache->visit(key, [&seen](const auto& value) { seen = value; }), "visit() finds it");
  demands(seen == value_of(key), "visit() shows what set() was given");
  if constexpr (!requires { cache->get_or_insert(key); }) {
    demands(!cache->get(other), "get() misses what was never set");
    demands(!cache->visit(other, [](const auto&) {}), "visit() misses what was never set");
  }
  if constexpr (Cache::kUpdates) {
    replace(*cache, key, value_of(other));
    demands(cache->get(key) == value_of(other), "a value can be replaced");
  }
  if constexpr (Cache::kEvicts) {
    fill(*cache, 4 * kEntries);
    demands(cache->size() <= kEntries + kEntries / 8, "no more entries than its capacity");
    demands(cache->size() >= kEntries - kEntries / 8, "about as many entries as its capacity");
    std::size_t found = 0;
    if constexpr (!requires { cache->get_or_insert(key); }) {
      for (std::uint64_t rank = 0; rank < 4 * kEntries; ++rank) {
        const auto made = key_of<Key>(rank);
        found += cache->get(made) ? 1U : 0U;
      }
      demands(found <= kEntries + kEntries / 8, "the entries that it counts are the ones it has");
      demands(found >= kEntries - kEntries / 8, "the entries that it counts can be found");
    }
  }
}

}  // namespace tarmac::bench
