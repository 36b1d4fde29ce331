// Rhythm: the entry leaves that earns the fewest hits for the room and time it would take, by what
// the cache has learned of keys like it.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

[[nodiscard]] std::unique_ptr<EvictionStrategy> make_rhythm();

}  // namespace tarmac
