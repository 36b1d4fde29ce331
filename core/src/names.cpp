// The spelling of every enumeration that is seen outside: in metrics, JSON and messages.
#include <tarmac/core/entry_state.h>
#include <tarmac/core/event.h>
#include <tarmac/core/eviction_strategy.h>

#include <algorithm>

namespace tarmac {
namespace {

constexpr std::array<EventType, kEventTypeCount> kAllTypes = [] {
  std::array<EventType, kEventTypeCount> types{};
  for (std::size_t i = 0; i < kEventTypeCount; ++i) types[i] = static_cast<EventType>(i);
  return types;
}();

// One in a line, as in the enumeration.
// clang-format off
constexpr auto kTypeNames = std::to_array<std::string_view>({
    "entry_set",
    "entry_get_hit",
    "entry_get_miss",
    "entry_deleted",
    "entry_evicted",
    "entry_expired",
    "strategy_swapped",
    "write_policy_swapped",
    "snapshot_taken",
    "snapshot_restored",
    "flushed",
    "command_executed",
    "command_undone",
    "command_redone",
    "metrics_updated",
    "write_dead_lettered",
    "recovered",
    "durability_error",
    "store_error",
    "observer_error",
});
// clang-format on
static_assert(kTypeNames.size() == kEventTypeCount, "one name for each type, in their order");

}  // namespace

const std::array<EventType, kEventTypeCount>& all_event_types() noexcept { return kAllTypes; }

std::string_view to_string(EventType type) noexcept {
  return kTypeNames[static_cast<std::size_t>(type)];
}

std::optional<EventType> event_type_from(std::string_view name) noexcept {
  const auto* found = std::find(kTypeNames.begin(), kTypeNames.end(), name);
  if (found == kTypeNames.end()) return std::nullopt;
  return kAllTypes[static_cast<std::size_t>(found - kTypeNames.begin())];
}

std::string_view to_string(RemovalCause cause) noexcept {
  switch (cause) {
    case RemovalCause::evicted:
      return "evicted";
    case RemovalCause::expired:
      return "expired";
    case RemovalCause::erased:
      return "erased";
    case RemovalCause::cleared:
      return "cleared";
    case RemovalCause::replaced:
      return "replaced";
    case RemovalCause::restored:
      return "restored";
    case RemovalCause::refused:
      return "refused";
  }
  return "unknown";
}

std::string_view to_string(EntryState state) noexcept {
  switch (state) {
    case EntryState::clean:
      return "clean";
    case EntryState::dirty:
      return "dirty";
    case EntryState::flushing:
      return "flushing";
    case EntryState::expired:
      return "expired";
    case EntryState::evicted:
      return "evicted";
  }
  return "unknown";
}

}  // namespace tarmac
