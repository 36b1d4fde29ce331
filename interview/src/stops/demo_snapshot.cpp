#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_snapshot_stop() {
  return {
      .name = "demo-snapshot",
      .chapter = Chapter::scenarios,
      .title = "Snapshot, restore, undo, conflict",
      .question =
          "Undo in a cache that other threads write to: how do you keep it from destroying their "
          "work?",
      .experiment =
          "Plays demo/scenarios/5_snapshot_restore.yaml: a snapshot, chaos, the way back, and an "
          "undo that "
          "meets somebody else's write.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(
                surroundings, "5_snapshot_restore", [](const auto& played, auto& found) {
                  found.add(steps_of(played, {"snapshot", "restore", "command", "undo", "redo"}));
                });
          },
      .answer = R"(
A command remembers for each key the version that it replaced and the stamp of the version that it wrote. Undo compares: if the
key still has that stamp, the value of before comes back with the time it still had to live; if somebody has written since, undo
changes nothing and answers `conflict`. A macro command is undone as a whole, or left as it is.

A snapshot is the coarse way back: entries, remaining lives, the strategy, and where the store can, its content too. Restore
builds everything aside, lets the store go back first (it may refuse, and then nothing has changed), and exchanges the content of
all shards at once. Loads that were under way reach their callers but not the cache.)",
      .follow_ups =
          {{"Are undo and restore written to store and log?",
            "Yes: an undo is an ordinary write, through write policy and log. Else a crash would "
            "bring back what was undone."},
           {"How much memory may the history hold?",
            "It is bounded in commands and in bytes (`undo_commands_max`, `undo_bytes_max`), and "
            "its depth and bytes are metrics."},
           {"Can a swap of the strategy be undone?",
            "Not by undo; a snapshot remembers the strategy, so restore brings it back."}},
      .places = {{"core/include/tarmac/core/internal/command_history.h", "class CommandHistory",
                  "what undo remembers"},
                 {"core/include/tarmac/core/internal/cache_manager_commands.h",
                  "UndoOutcome::conflict", "where a foreign write is noticed"},
                 {"core/include/tarmac/core/internal/engine_snapshot.h", "struct SnapshotData",
                  "one moment of a cache"}},
  };
}

}  // namespace tarmac::interview
