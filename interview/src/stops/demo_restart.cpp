#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_restart_stop() {
  return {
      .name = "demo-restart",
      .chapter = Chapter::scenarios,
      .title = "A durable cache comes back",
      .question = "The process is killed. What is there when it starts again?",
      .experiment =
          "Plays demo/scenarios/8_durable_restart.yaml: a cache with a log is killed three times; "
          "nothing is closed or flushed, and a new one is made over the files as they are.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(surroundings, "8_durable_restart",
                                 [](const auto& played, auto& found) {
                                   found.add(steps_of(played, {"crash", "swap_strategy", "clear"}));
                                 });
          },
      .answer = R"(
Everything that was acknowledged, if the log is synced for each write; without a log, nothing. A write is in the log before
anybody can see it, so no reader has ever acted on a value that a crash takes away. What was erased stays erased, a macro command
is there wholly or not at all, and a swap of the strategy is remembered as well.

A time to live goes on while the process is down: the log keeps deadlines by the wall clock. The order of use comes back
only as far as the last image has it, and the history of undo is gone: both are conveniences, not promises.)",
      .follow_ups = {{"What does the sync for each write cost?",
                      "A write waits for the disk, but writers that come together wait for one "
                      "sync. The modes `interval` and `never` wait for none, and the page says "
                      "what each may lose."},
                     {"How long does a restart take?",
                      "It reads the newest image and the records behind it. Compaction in the "
                      "background keeps the second part short."},
                     {"How is a torn end told from damage?",
                      "Records say how far the log was known to be on the disk. What is broken "
                      "before that mark is damage, and refused; what is broken behind it was never "
                      "promised."}},
      .places = {{"core/include/tarmac/core/internal/engine_recovery.h", "recover",
                  "how a cache is built from its log"},
                 {"durability/src/segment.cpp", "class Scanner", "how far a log can be read"},
                 {"docs/durability.md", "sync", "what each mode may lose"}},
  };
}

}  // namespace tarmac::interview
