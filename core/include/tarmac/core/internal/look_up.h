// What a look-up without a lock gives.
#pragma once

#include <tarmac/core/internal/entry.h>

#include <cstdint>
#include <utility>

namespace tarmac::internal {

template <class K, class V>
struct LookUp {
  Entry<K, V>* entry;
  /// Whether a reader may see it.
  bool live;
  /// The value, where the table has it.
  std::uint64_t word;
  /// Whether a hit would change nothing, where the table knows.
  bool settled;

  /// Calls `use(const V&)`. Requires: `live`, and the epoch has been pinned all the time.
  template <class Use>
  void with_value(Use&& use) const {
    if constexpr (kIsPaired<K, V>) {
      const V value = from_word<V>(word);
      std::forward<Use>(use)(value);
    } else {
      entry->cell.use(std::forward<Use>(use));
    }
  }
};

}  // namespace tarmac::internal
