#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_swap_stop() {
  return {
      .name = "demo-swap",
      .chapter = Chapter::scenarios,
      .title = "A new strategy while the cache is full",
      .question =
          "You change the eviction policy of a cache in production. What happens to the hot "
          "entries?",
      .experiment =
          "Plays demo/scenarios/3_strategy_swap.yaml: a scan flushes an LRU cache; the same scan "
          "after a "
          "swap to LFU does not.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(surroundings, "3_strategy_swap",
                                 [](const auto& played, auto& found) {
                                   found.add(steps_of(played, {"set", "get", "swap_strategy"}));
                                 });
          },
      .answer = R"(
They stay, and so does everything else: a swap loses and evicts nothing. Each entry remembers what any strategy may want to know:
its hits, the ticks of its last use and of its arrival, its weight and its deadline. The old strategy hands its nodes over in
order, the next victim first; the new one sorts them by what they remember. So LFU knows at once which entries are hot, although
it never saw a hit of theirs.

The swap stops one shard at a time. If the new strategy cannot be made (a wrong name, a wrong parameter), `ConfigError` is thrown
and the old one goes on: the strong guarantee.)",
      .follow_ups = {{"What would a naive swap do?",
                      "Begin with empty counters. Every entry then has one use, and the next "
                      "insertion may evict the hottest key."},
                     {"What does it cost?",
                      "O(n log n) in the entries of a shard, for the sorting, while that shard's "
                      "lock is held: its writes wait, hits go on."},
                     {"And after FIFO, which records no hits?",
                      "There is nothing to remember: the new strategy starts from the order of "
                      "insertion. Decision 0011 says so."}},
      .places = {{"core/include/tarmac/core/eviction_strategy.h", "hand_over",
                  "both halves of a swap"},
                 {"core/include/tarmac/core/entry_node.h", "struct EntryNode",
                  "what every entry remembers"},
                 {"strategies/src/stable_order.h", "sort_by_tick",
                  "how a new strategy orders what it takes over"}},
  };
}

}  // namespace tarmac::interview
