#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_herd_stop() {
  return {
      .name = "demo-herd",
      .chapter = Chapter::scenarios,
      .title = "A source that fails, and what the cache remembers of it",
      .question = "The database behind the cache goes down. What do your users see?",
      .experiment =
          "Plays demo/scenarios/7_thundering_herd.yaml: herds, remembered nothings and errors, "
          "stale values "
          "that stand in, refreshes.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(surroundings, "7_thundering_herd",
                                 [](const auto& played, auto& found) {
                                   found.add(steps_of(played, {"herd", "load", "get"}));
                                 });
          },
      .answer = R"(
Without settings: an error for each, once for all who wait for the same load, and nothing is kept, so the next call tries again.
With settings, as much calm as one wants. `error_ttl` remembers the error, so a source that is down is not hammered.
`stale_if_error` lets a value that expired not long ago stand in: for calls that can load, and for `get` only where it reads
through to a store that is down, so nobody takes it for fresh by accident. `negative_ttl` remembers that there is nothing, which stops floods of look-ups for keys that do
not exist. `refresh_after` loads anew before anybody has to wait.

All of it is off by default, because each trades freshness for something, and that is the owner's decision.)",
      .follow_ups = {{"Is a remembered nothing an entry?",
                      "No. `get` misses, `size` does not count it, and any write of the key ends "
                      "it. Otherwise a negative result could "
                      "shadow a value that was set a moment later."},
                     {"May a late refresh overwrite a newer value?",
                      "No. A write of the key takes the load out of the shard's list; what it "
                      "brings reaches its caller only."},
                     {"What bounds the memory for all this?",
                      "The bounds of the cache once more: at most as many remembered keys, and "
                      "bytes of expired values, as the cache "
                      "may hold."}},
      .places = {{"core/include/tarmac/core/load_options.h", "struct LoadOptions",
                  "every setting, with its price"},
                 {"core/include/tarmac/core/internal/load_memos.h", "class LoadMemos",
                  "nothings, errors and expired values"},
                 {"docs/loading.md", "stale_if_error", "the page"}},
  };
}

}  // namespace tarmac::interview
