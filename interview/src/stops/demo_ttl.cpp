#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_ttl_stop() {
  return {
      .name = "demo-ttl",
      .chapter = Chapter::scenarios,
      .title = "Time to live, to the millisecond",
      .question =
          "How do you test that an entry expires after ten minutes, without waiting ten minutes?",
      .experiment =
          "Plays demo/scenarios/2_ttl_lifecycle.yaml on a clock that its steps move: hours pass in "
          "milliseconds.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(surroundings, "2_ttl_lifecycle",
                                 [](const auto& played, auto& found) {
                                   found.add(steps_of(played, {"set", "advance", "get", "purge"}));
                                 });
          },
      .answer = R"(
Time is passed in. The cache asks a `Clock` and never the system, so a test moves a clock by hand and looks at the moment just
before a deadline and at the deadline itself. No test of this project sleeps, and a check of the tree forbids it.

There are two clocks behind the interface. The steady one measures lives, so that an administrator who sets the wall clock back
neither revives nor kills an entry. The wall clock is used only for what outlives the process: a deadline in a log or a store.
After a restart the wall clock's deadline counts, but never more than the TTL that the entry was written with.)",
      .follow_ups = {{"Can an entry be seen after its deadline, if no sweep has come by?",
                      "No. Every path that reads checks the deadline itself; the sweep only gives "
                      "memory back."},
                     {"What does a TTL of zero mean?",
                      "Expired at once. The value is not kept, and neither is an older one of the "
                      "key, since the write has replaced it."},
                     {"What about `ttl = max()`?",
                      "Deadlines are computed with saturation (`deadline_after`), so the largest "
                      "duration is the latest real deadline "
                      "and not a negative number."}},
      .places = {{"core/include/tarmac/core/clock.h", "class Clock",
                  "both clocks, and the waiting that depends on them"},
                 {"demo/include/tarmac/demo/demo_clock.h", "class DemoClock",
                  "the clock that steps move"},
                 {"core/include/tarmac/core/internal/timing_wheel.h", "class TimingWheel",
                  "which entries are due"}},
  };
}

}  // namespace tarmac::interview
