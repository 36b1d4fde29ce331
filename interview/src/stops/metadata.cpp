#include "lab/caches.h"
#include "lab/heap.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/strategies/catalog.h>

#include <array>
#include <memory>

namespace tarmac::interview {
namespace {

constexpr std::array<const char*, 6> kStrategies{"fifo", "sieve", "lru", "lfu", "arc", "wtinylfu"};

const char* word_of(AccessTracking tracking) {
  return tracking == AccessTracking::none   ? "nothing"
         : tracking == AccessTracking::mark ? "a mark"
                                            : "each one, in order";
}

struct Price {
  double bytes = 0;
  double hit = 0;
  double insert = 0;
};

/// A full cache of `entries`, hit in an order that memory does not like, then filled with new keys.
Price measure(const char* strategy, std::size_t entries) {
  Price price;
  const auto before = heap_bytes();
  NumberCache cache(plain_options(entries, strategy));
  for (std::uint64_t key = 0; key < entries; ++key) cache.set(key, key);
  price.bytes = (heap_bytes() - before) / static_cast<double>(entries);
  price.hit =
      nanoseconds_each(2 * entries, [&](std::size_t i) { use(cache.get(i * 7919 % entries)); });
  std::uint64_t fresh = entries;
  price.insert = nanoseconds_each(entries, [&](std::size_t) { cache.set(fresh++, 1); });
  return price;
}

Findings weigh(const Surroundings& surroundings) {
  const auto entries = surroundings.work(50'000);
  Findings findings;
  demo::Table table{
      {"strategy", "hears of a hit", "bytes an entry", "ns a hit", "ns an insertion that evicts"},
      {}};
  for (const auto* name : kStrategies) {
    const auto price = measure(name, entries);
    table.rows.push_back({{name},
                          {word_of(strategy_registry().make(name)->tracking())},
                          number(fixed(price.bytes, 0)),
                          number(fixed(price.hit, 0)),
                          number(fixed(price.insert, 0))});
    findings.facts[std::string("bytes.") + name] = price.bytes;
  }
  findings.add(std::move(table));
  findings.say(
      "Keys and values are numbers of 8 bytes; the bytes are all that malloc() has handed out: "
      "entries, a table that is "
      "at most three fifths full, rings and counters.");
  findings.facts["node"] = sizeof(EntryNode);
  findings.claim("what a strategy may keep for an entry is 56 bytes at most, inside the entry",
                 sizeof(EntryNode) <= 56);
  return findings;
}

}  // namespace

Stop metadata_stop() {
  return {
      .name = "metadata",
      .chapter = Chapter::talking_points,
      .title = "What the auxiliary metadata costs",
      .question =
          "Every policy needs bookkeeping. What does it cost in memory, and in time for each hit?",
      .experiment =
          "50,000 entries of two numbers under six strategies: memory, time of a hit, time of an "
          "insertion "
          "that evicts.",
      .run = weigh,
      .answer = R"(
Memory: one `EntryNode` of 56 bytes for each entry, whatever the strategy, because a swap at run time must find what every
strategy might ask for: hits, last use, arrival, weight, deadline, hash, two links, one word of the strategy's own. What comes on
top belongs to the strategy as a whole: ghosts (hashes of keys that left) for ARC and 2Q, a sketch of four bits a counter for
W-TinyLFU, buckets for LFU. Such memory grows with the capacity and not with the traffic.

Time: what counts is what a *hit* must do. FIFO does nothing. SIEVE raises a mark, and only while that can still change something,
so a hot entry is soon only read. LRU has to reorder: the hit is written into a ring of its thread and told to the list in
batches, so the reader takes no lock, but the drain touches the entry and its two neighbours.)",
      .follow_ups = {{"Why not allocate the metadata that a strategy needs, and no more?",
                      "Then a swap would start from nothing, and every strategy would chase a "
                      "pointer of its own. 56 bytes is the price "
                      "(decision 0003)."},
                     {"How small can it be?",
                      "A mark is one byte. Caches of many tiny entries keep marks in the table's "
                      "own slots; the price is one strategy, "
                      "for ever."},
                     {"Do counters overflow?",
                      "Hits are held at 65,535. Ticks wrap and are compared by difference, right "
                      "while two are less than 2^31 "
                      "operations of a shard apart."}},
      .places = {{"core/include/tarmac/core/entry_node.h", "sizeof(EntryNode) <= 56",
                  "the promise, checked by the compiler"},
                 {"core/include/tarmac/core/internal/access_log.h", "class AccessRing",
                  "hits on their way to the strategy"},
                 {"strategies/src/ghost_ring.h", "ghost", "what remembers keys that left"},
                 {"docs/decisions/0003-entry-node-of-56-bytes.md", "56", "why"}},
  };
}

}  // namespace tarmac::interview
