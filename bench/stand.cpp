#include "stand.h"

namespace tarmac::bench {

internal::StandSlot& internal::stand_slot() {
  static StandSlot slot;
  return slot;
}

void leave_stand() {
  auto& slot = internal::stand_slot();
  const std::lock_guard lock(slot.mutex);
  slot.stand.reset();
  slot.name.clear();
}

}  // namespace tarmac::bench
