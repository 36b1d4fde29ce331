#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_policies_stop() {
  return {
      .name = "demo-policies",
      .chapter = Chapter::scenarios,
      .title = "Write-through, write-back, and leaving it",
      .question =
          "A cache in front of a database: when does a write reach the database, and what may be "
          "lost?",
      .experiment =
          "Plays demo/scenarios/4_write_policy_swap.yaml: writes through, then owed, flushed, and "
          "the swap "
          "away that pays first.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(
                surroundings, "4_write_policy_swap", [](const auto& played, auto& found) {
                  found.add(steps_of(played, {"set", "erase", "set_write_policy", "flush"}));
                });
          },
      .answer = R"(
`write_through`: the store first, then the cache. If the store refuses, `set` throws `StoreError` and nothing has changed, so the
cache is never newer than the store. `write_back`: the write is queued, the entry is *dirty*, and a thread writes batches later;
only the newest write of a key waits, so many writes of a hot key become one. `write_around`: the store only, for what is written
often and read seldom. `none`: there is no store.

Leaving write-back flushes first. If the flush fails, the swap fails and the old policy stays with its debts; a swap can not lose
a write. What a dirty entry owes is in the policy's queue and not in the entry, so it survives eviction, expiry and `clear()`.)",
      .follow_ups =
          {{"What does a miss do while its key is still owed?",
            "It asks the policy's queue before the store (`pending`): the queue is newer."},
           {"A batch fails half way. What now?",
            "A store applies a batch as a whole or not at all. It is tried again in parts, down to "
            "single keys, so one bad "
            "key holds up nobody else; stamps keep an older write from replacing a newer one."},
           {"Is the order of writes of one key kept?",
            "Yes: the stamp is taken in the critical section, no key is in two batches at a time, "
            "and stores pass over "
            "smaller stamps."}},
      .places = {{"core/include/tarmac/core/write_policy.h", "class WritePolicy", "the interface"},
                 {"policies/src/write_through.cpp", "on_write", "store first"},
                 {"policies/src/write_back_queue.h", "class WriteBackQueue",
                  "what is owed, newest per key"}},
  };
}

}  // namespace tarmac::interview
