#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {
namespace {

void compare_strategies(const demo::ScenarioResult& played, Findings& found) {
  for (const auto& [parts, stats] : played.caches) {
    found.facts["hit_ratio." + parts.name] = stats.hit_ratio();
  }
  found.claim("LRU hits more often than FIFO and than LFU without ageing",
              found.facts["hit_ratio.by_lru"] > found.facts["hit_ratio.by_fifo"] &&
                  found.facts["hit_ratio.by_lru"] > found.facts["hit_ratio.by_lfu"]);
}

}  // namespace

Stop demo_volume_stop() {
  return {
      .name = "demo-volume",
      .chapter = Chapter::scenarios,
      .title = "A recorded trace, and strategies side by side",
      .question = "How do you choose an eviction policy for real traffic?",
      .experiment =
          "Plays demo/scenarios/6_high_volume.yaml: 42,762 recorded file accesses of a build, "
          "replayed "
          "through live caches, and 300,000 made-up requests.",
      .run =
          [](const Surroundings& at) {
            return play_scenario(at, "6_high_volume", compare_strategies);
          },
      .answer = R"(
By replaying a trace of it. No strategy wins everywhere: a build touches the same headers in bursts, so recency tells most;
counts without ageing keep what was hot in the first minute for ever. `tarmac simulate TRACE` replays a trace through all
strategies at many sizes at once, beside Belady's bound (what a cache would miss that knows the future), and prints the settings
to paste.

The figures can be trusted because the very same strategy code runs in the simulator and in the cache, and because LRU, FIFO,
LFU, CLOCK, SIEVE, 2Q, ARC and S3-FIFO miss as often as independent simulators do on public traces, to the last request.)",
      .follow_ups = {{"I have no trace. What now?",
                      "Record one: keys and times suffice, and the reader knows twelve forms. "
                      "Until then `lru` or `s3fifo`: the first "
                      "is understood, the second resists scans."},
                     {"Why does a larger cache sometimes hit less often?",
                      "With FIFO it may (Belady's anomaly). Stack algorithms such as LRU cannot: a "
                      "larger one always holds what a smaller one does."},
                     {"Is the hit ratio the right measure?",
                      "Only if all misses cost the same. For values of different sizes or costs "
                      "look at bytes missed, or at the time "
                      "spent in loads (`tarmac_cache_load_duration_seconds`)."}},
      .places = {{"simulator/include/tarmac/simulator/sweep.h", "sweep(",
                  "many strategies and sizes over one reading of a trace"},
                 {"simulator/include/tarmac/simulator/belady.h", "class BeladyReplay", "the bound"},
                 {"docs/agreement.md", "libCacheSim", "agreement with other simulators"}},
  };
}

}  // namespace tarmac::interview
