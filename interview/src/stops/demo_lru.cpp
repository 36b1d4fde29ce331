#include "lab/scenario.h"
#include "stops/stops.h"

namespace tarmac::interview {

Stop demo_lru_stop() {
  return {
      .name = "demo-lru",
      .chapter = Chapter::scenarios,
      .title = "Put, get, evict",
      .question =
          "Walk me through an LRU cache of three entries. What counts as a use, and who leaves?",
      .experiment = "Plays demo/scenarios/1_basic_lru.yaml: three entries, a fourth comes.",
      .run =
          [](const Surroundings& surroundings) {
            return play_scenario(surroundings, "1_basic_lru", [](const auto& played, auto& found) {
              found.add(steps_of(played, {"set", "get", "erase", "resize", "clear"}));
            });
          },
      .answer = R"(
A hash table finds the entry, a doubly linked list keeps the order of use, and both are changed under one lock of the shard, so
they never disagree. The links are inside the entry itself, so moving it to the newest place is a few pointers and no allocation.

A `get`, a `visit` and an update count as a use. `contains` and `inspect` do not: whoever looks at a cache to watch it must not
change what it does. The victim is chosen before the newcomer is ranked, so the newcomer never competes with the entry it
replaces, and the order is exactly the algorithm's: LRU here misses as often as independent simulators do, to the last request.)",
      .follow_ups = {{"Why does an update count as a use?",
                      "A key that is only ever written is in use, too. If updates did not count, a "
                      "write-heavy key would leave "
                      "before an idle one."},
                     {"What happens on resize to a smaller capacity?",
                      "It evicts at once, in the strategy's own order, so the survivors are those "
                      "that the strategy would have kept."},
                     {"What if one value is larger than the whole cache?",
                      "`set` returns `too_large`, an older value of that key goes, and no other "
                      "entry is touched."}},
      .places = {{"strategies/src/lru.cpp", "class Lru", "the whole strategy, in forty lines"},
                 {"core/include/tarmac/core/internal/shard_removals.h", "choose_victim",
                  "where a shard asks for victims"},
                 {"demo/scenarios/1_basic_lru.yaml", "evicted", "the scenario"}},
  };
}

}  // namespace tarmac::interview
