// What rhythm remembers of a key. Internal to this room.
#pragma once

#include "reuse_model.h"

#include <tarmac/core/entry_node.h>

#include <bit>
#include <cstdint>

namespace tarmac::internal {

/// What a key waits with for its next use: kept in the `scratch` of a resident, or with a ghost.
struct Wait {
  std::uint32_t used_at = 0;
  ReuseModel::Class of = 0;
  std::uint8_t uses = 0;
  bool is_kept = false;  // By the ring of ghosts.
  std::uint8_t unused = 0;
};
static_assert(sizeof(Wait) == sizeof(EntryNode::scratch));

inline Wait wait_of(const EntryNode& node) noexcept { return std::bit_cast<Wait>(node.scratch); }
inline void keep(EntryNode& node, const Wait& wait) noexcept {
  node.scratch = std::bit_cast<std::uint64_t>(wait);
}

}  // namespace tarmac::internal
