// The life of an entry, as a state machine whose transitions are checked.
#pragma once

#include <tarmac/core/assert.h>

#include <cstdint>
#include <string_view>

namespace tarmac {

/// What may be done with an entry, and what it still owes the backing store.
///
///     new      -> clean | dirty          by what the write policy says
///     clean    -> dirty                  a newer value came under write-back
///     dirty    -> flushing               the flusher took the value
///     dirty    -> clean                  a newer value came that the store already has
///     flushing -> clean                  the store has it
///     flushing -> dirty                  the write failed, or a newer value came
///     clean | dirty | flushing -> expired -> evicted
///     clean | dirty | flushing -> evicted
///
/// Expired: its deadline has passed, and it is on its way out; no read returns it. Evicted: no
/// longer resident, whatever removed it. What a dirty or flushing entry owes the store is held by
/// the write policy's queue and outlives the entry.
enum class EntryState : std::uint8_t { clean, dirty, flushing, expired, evicted };

[[nodiscard]] std::string_view to_string(EntryState state) noexcept;

[[nodiscard]] constexpr bool is_allowed(EntryState from, EntryState to) noexcept {
  switch (from) {
    case EntryState::clean:
      return to != EntryState::flushing;
    case EntryState::dirty:
    case EntryState::flushing:
      return true;
    case EntryState::expired:
      return to == EntryState::evicted;
    case EntryState::evicted:
      return false;
  }
  return false;
}

/// The state of one entry. Thread-safety: guarded by the lock of the entry's shard.
class LifeCycle {
 public:
  [[nodiscard]] EntryState state() const noexcept { return state_; }
  /// A transition that the diagram lacks ends the process.
  void move_to(EntryState to) noexcept {
    TARMAC_ASSERT(is_allowed(state_, to));
    state_ = to;
  }

 private:
  EntryState state_ = EntryState::clean;
};

}  // namespace tarmac
