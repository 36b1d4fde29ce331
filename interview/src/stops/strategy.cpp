#include "lab/caches.h"
#include "stops/stops.h"

#include <tarmac/demo/generator.h>
#include <tarmac/demo/words.h>
#include <tarmac/strategies/catalog.h>

#include <array>

namespace tarmac::interview {
namespace {

constexpr std::array<const char*, 7> kTour{"lru",    "fifo", "lfu",     "sieve",
                                           "s3fifo", "arc",  "wtinylfu"};

/// Looks up as many keys, and sets those that miss. The share of hits.
double play_traffic(NumberCache& cache, demo::KeyGenerator& keys, std::size_t requests) {
  std::size_t hits = 0;
  for (std::size_t i = 0; i < requests; ++i) {
    const auto key = keys.next();
    if (cache.get(key)) {
      ++hits;
    } else {
      cache.set(key, key);
    }
  }
  return static_cast<double>(hits) / static_cast<double>(requests);
}

Findings tour_of_strategies(const Surroundings& surroundings) {
  NumberCache cache(plain_options(1'000));
  demo::KeyGenerator keys({.keys = 20'000});
  play_traffic(cache, keys, 20'000);  // Fills it.
  demo::Table table{{"swapped to", "entries before", "after", "evicted by it", "hit ratio then, %"},
                    {}};
  bool keeps_all = true;
  for (const auto* name : kTour) {
    const auto before = cache.size();
    const auto evictions = cache.stats().evictions;
    cache.swap_strategy(name);
    const auto evicted = cache.stats().evictions - evictions;
    keeps_all = keeps_all && cache.size() == before && evicted == 0;
    const auto hits = play_traffic(cache, keys, surroundings.work(60'000));
    table.rows.push_back({{name},
                          number(demo::grouped(before)),
                          number(demo::grouped(cache.size())),
                          number(std::to_string(evicted)),
                          {fixed(100 * hits), hits, false}});
  }
  Findings findings;
  findings.facts["strategies"] = static_cast<double>(catalog().size());
  findings.add(std::move(table));
  findings.say(fixed(static_cast<double>(catalog().size()), 0) +
               " strategies are built in. Zipf's law favours those that filter newcomers.");
  findings.claim("no swap has lost or evicted an entry", keeps_all);
  return findings;
}

}  // namespace

Stop strategy_stop() {
  return {
      .name = "strategy",
      .chapter = Chapter::patterns,
      .title = "Strategy: who leaves",
      .question =
          "How do you make the eviction policy exchangeable, without making every cache pay for "
          "all of them?",
      .experiment =
          "One full cache of 1,000 entries is swapped through seven strategies, with traffic in "
          "between.",
      .run = tour_of_strategies,
      .answer = R"(
A strategy sees `EntryNode`s and never keys or values: two links, a hash, a weight, hits, ticks, and one word that is its own
while it tracks the node. So it is no template. LRU is forty lines in one `.cpp`, compiled once, and the same code runs in
caches of every type, in the simulator and in the tests.

The interface says how much of a hit a strategy wants to hear. `none` (FIFO, TTL, random): hits cost nothing. `mark` (CLOCK,
SIEVE, S3-FIFO): a small counter, written only while it can still rise. `ordered` (LRU, LFU, ARC and others): every hit, in
order, through rings that are drained in batches. The virtual call is made for writes and drained batches under the shard's
lock, not once for each hit in the reader's way.)",
      .follow_ups = {{"Why are the links inside the entries?",
                      "No allocation for each entry, no second cache miss, and removal of any "
                      "entry in O(1). The price is 56 bytes for "
                      "a node, whatever the strategy (decision 0003)."},
                     {"Why may no event of a strategy throw?",
                      "The cache announces it in mid-update and could not take it back. Memory is "
                      "allocated in the constructor and in "
                      "`on_resize`; where a ghost list gets none later, it remembers less."},
                     {"How do you know that a strategy is right?",
                      "A contract suite runs over the whole catalogue (random operations against a "
                      "model, swaps between all pairs), "
                      "and eight are compared with independent simulators to the last request."}},
      .places = {{"core/include/tarmac/core/eviction_strategy.h", "class EvictionStrategy",
                  "the contract"},
                 {"core/include/tarmac/core/eviction_strategy.h", "enum class AccessTracking",
                  "how much of a hit it hears"},
                 {"strategies/src/catalog.cpp", "catalog()", "a row for each strategy"},
                 {"testing/include/tarmac/testing/eviction_strategy_contract.h", "EvictionStrategy",
                  "what each must pass"}},
  };
}

}  // namespace tarmac::interview
