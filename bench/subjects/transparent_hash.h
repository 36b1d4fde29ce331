// A hash that takes what a map is asked with, so that asking makes no string.
#pragma once

#include <cstddef>
#include <type_traits>

#include "keys.h"

namespace tarmac::bench {

template <class Key, class Hash>
struct HashOf {
  using is_transparent = void;
  /// Maps of the standard library keep the hash of a key beside it unless hashing cannot throw;
  /// as with std::hash, numbers are spared that and texts are not.
  std::size_t operator()(Wanted<Key> key) const noexcept(std::is_integral_v<Key>) {
    return Hash{}(key);
  }
};

}  // namespace tarmac::bench
