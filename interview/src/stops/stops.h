// The stops, each in a file of its own. A new one has a line here, in ../stops.cpp and in
// CMakeLists.txt.
#pragma once

#include <tarmac/interview/stop.h>

namespace tarmac::interview {

[[nodiscard]] Stop singleton_stop();
[[nodiscard]] Stop strategy_stop();
[[nodiscard]] Stop observer_stop();
[[nodiscard]] Stop command_stop();
[[nodiscard]] Stop memento_stop();
[[nodiscard]] Stop state_stop();

[[nodiscard]] Stop demo_lru_stop();
[[nodiscard]] Stop demo_ttl_stop();
[[nodiscard]] Stop demo_swap_stop();
[[nodiscard]] Stop demo_policies_stop();
[[nodiscard]] Stop demo_snapshot_stop();
[[nodiscard]] Stop demo_volume_stop();
[[nodiscard]] Stop demo_herd_stop();
[[nodiscard]] Stop demo_restart_stop();

[[nodiscard]] Stop order_stop();
[[nodiscard]] Stop metadata_stop();
[[nodiscard]] Stop write_back_stop();
[[nodiscard]] Stop expiry_stop();
[[nodiscard]] Stop constant_time_stop();
[[nodiscard]] Stop list_lru_stop();
[[nodiscard]] Stop locks_stop();
[[nodiscard]] Stop herd_stop();
[[nodiscard]] Stop keys_stop();
[[nodiscard]] Stop durability_stop();
[[nodiscard]] Stop tiers_stop();
[[nodiscard]] Stop sizes_stop();
[[nodiscard]] Stop add_strategy_stop();

}  // namespace tarmac::interview
