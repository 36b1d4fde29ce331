// What the cache tells its observers, and when.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/eviction_strategy.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tarmac {

enum class EventType : std::uint8_t {
  entry_set,
  entry_get_hit,
  entry_get_miss,
  entry_deleted,
  entry_evicted,
  entry_expired,
  strategy_swapped,
  write_policy_swapped,
  snapshot_taken,
  snapshot_restored,
  flushed,
  command_executed,
  command_undone,
  command_redone,
  metrics_updated,
  write_dead_lettered,
  recovered,
  durability_error,
  store_error,
  observer_error,  // Stays the last one: the count is taken from it.
};

inline constexpr std::size_t kEventTypeCount =
    static_cast<std::size_t>(EventType::observer_error) + 1;

/// Every type, in the order of the enumeration.
[[nodiscard]] const std::array<EventType, kEventTypeCount>& all_event_types() noexcept;
[[nodiscard]] std::string_view to_string(EventType type) noexcept;
[[nodiscard]] std::optional<EventType> event_type_from(std::string_view name) noexcept;

/// One occurrence. Valid during the call of a slot; copy what is to be kept.
///
/// - Thread-safety: a slot has the event to itself.
class Event {
 public:
  /// Turns the key behind `object` into text. Part of the event's making, not of its use.
  using KeyRenderer = std::string (*)(const void* object);

  EventType type = EventType::entry_set;
  /// The cache's name.
  std::string_view cache;
  /// Why an entry left, for entry_deleted, entry_evicted and entry_expired; `replaced` for an
  /// entry_set that took the place of a value.
  std::optional<RemovalCause> cause;
  /// The version of the key's value that the event speaks of; 0 where there is none.
  std::uint64_t stamp = 0;
  std::uint64_t weight = 0;
  /// How many entries the event is about: 1, or the entries of a flush, snapshot, swap or recovery.
  std::uint64_t count = 1;
  /// When it happened, not when it is delivered.
  SteadyNanos at = 0;
  WallNanos wall_time = 0;
  /// How long it took; only for flushed, swaps, snapshots and recovered.
  std::int64_t duration_nanoseconds = 0;
  /// What changed ("lru -> lfu"), or what went wrong.
  std::string_view detail;

  /// The key as text, rendered by this call; empty for an event that is not about one key.
  [[nodiscard]] std::string key() const { return renderer_ ? renderer_(key_object_) : ""; }
  [[nodiscard]] bool has_key() const noexcept { return renderer_ != nullptr; }
  void set_key(const void* object, KeyRenderer renderer) noexcept {
    key_object_ = object;
    renderer_ = renderer;
  }

 private:
  const void* key_object_ = nullptr;
  KeyRenderer renderer_ = nullptr;
};

}  // namespace tarmac
