// A hash that takes what a map is asked with, so that asking makes no string.
#pragma once

#include "keys.h"

namespace tarmac::bench {

template <class Key, class Hash>
struct HashOf {
  using is_transparent = void;
  std::size_t operator()(Wanted<Key> key) const { return Hash{}(key); }
};

}  // namespace tarmac::bench
