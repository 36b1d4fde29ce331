#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/demo/words.h>

#include <array>
#include <vector>

namespace tarmac::interview {
namespace {

/// LRU by time stamps, whose victim is found by looking at every entry: O(n), for comparison.
class ScanningLru {
 public:
  explicit ScanningLru(std::size_t capacity) : used_at_(capacity, 0) {}

  /// The place that is given to a newcomer.
  std::size_t insert() {
    std::size_t victim = 0;
    for (std::size_t i = 0; i < used_at_.size(); ++i) {
      ++looked_at_;
      if (used_at_[i] < used_at_[victim]) victim = i;
    }
    used_at_[victim] = ++now_;
    return victim;
  }
  [[nodiscard]] std::uint64_t looked_at() const { return looked_at_; }

 private:
  std::vector<std::uint64_t> used_at_;
  std::uint64_t now_ = 0;
  std::uint64_t looked_at_ = 0;
};

struct Cost {
  double hit = 0;
  double insert = 0;
};

Cost cost_at(std::uint64_t entries, std::size_t rounds) {
  NumberCache cache(plain_options(entries));
  for (std::uint64_t key = 0; key < entries; ++key) cache.set(key, key);
  Cost cost;
  // Keys in reach of the processor's caches, so that the algorithm is measured and not the memory.
  const auto hot = std::min<std::uint64_t>(entries, 1'000);
  cost.hit = nanoseconds_each(rounds, [&](std::size_t i) { use(cache.get(i % hot)); });
  std::uint64_t fresh = entries;
  cost.insert = nanoseconds_each(rounds, [&](std::size_t) { cache.set(fresh++, 1); });
  return cost;
}

Findings grow(const Surroundings& surroundings) {
  const std::uint64_t smallest = surroundings.quick ? 100 : 1'000;
  const auto rounds = surroundings.work(100'000);
  Findings findings;
  demo::Table table{{"entries", "ns a hit", "ns an insertion that evicts"}, {}};
  std::vector<Cost> costs;
  std::vector<double> growth;
  for (std::uint64_t factor = 1; factor <= 1'000; factor *= 10) {
    costs.push_back(cost_at(smallest * factor, rounds));
    growth.push_back(costs.back().insert);
    table.rows.push_back({number(demo::grouped(smallest * factor)),
                          number(fixed(costs.back().hit, 0)),
                          number(fixed(costs.back().insert, 0))});
  }
  findings.add(std::move(table));
  findings.add(Sparkline{"insertion", growth, "1 to 1,000 times the entries"});

  ScanningLru small(1'000);
  ScanningLru large(10'000);
  const auto of_small =
      nanoseconds_each(surroundings.work(300), [&](std::size_t) { use(small.insert()); });
  const auto of_large =
      nanoseconds_each(surroundings.work(300), [&](std::size_t) { use(large.insert()); });
  findings.say(
      "For comparison, a victim found by looking at every time stamp: " + fixed(of_small, 0) +
      " ns with 1,000 entries, " + fixed(of_large, 0) + " ns with 10,000.");
  findings.facts["growth.hit"] = costs.back().hit / costs.front().hit;
  findings.facts["growth.insert"] = costs.back().insert / costs.front().insert;
  findings.facts["scan.ratio"] =
      static_cast<double>(large.looked_at()) / static_cast<double>(small.looked_at());
  // An O(n) operation would be 1,000 times as long. What is left to memory and noise is a wide
  // bound.
  findings.claim("a thousand times the entries, and neither operation takes a tenth of that longer",
                 findings.facts["growth.hit"] < 100 && findings.facts["growth.insert"] < 100);
  return findings;
}

}  // namespace

Stop constant_time_stop() {
  return {
      .name = "constant-time",
      .chapter = Chapter::talking_points,
      .title = "O(1), shown and not said",
      .question =
          "You say that get and set are O(1). Show me, and tell me where the constant comes from.",
      .experiment = "The same operations on full caches of 10^3 to 10^6 entries.",
      .run = grow,
      .answer = R"(
A hit is one probe of a hash table: a group of slots is compared at once by fingerprints, and the key of the slot that fits is
compared in full. An insertion takes a free slot, asks the strategy for a victim (for LRU the end of a list), and removes it. No
step depends on how many entries there are.

What does grow with the size is the price of memory: a million entries do not fit in the processor's caches, so each insertion
waits for lines from main memory. That is a staircase with few steps, not a slope of n. O(1) here is *amortised* where the table
grows, and where CLOCK or SIEVE move a hand over marked entries; GDSF is O(log q) in its queues, and says so.)",
      .follow_ups = {{"And the worst case of one operation?",
                      "A table that grows moves its slots, and a hand may pass all entries once. A "
                      "cache with `max_entries` grows to "
                      "its size once; after that, only the hand is left."},
                     {"What about keys that an attacker chose to collide?",
                      "The hash is seeded at random for each cache (`CacheOptions::seed`), so no "
                      "fixed set of keys collides everywhere."},
                     {"Why do you measure in one process, by the best of three?",
                      "Whatever disturbs a measurement makes it longer. Ratios within a run carry "
                      "over to other machines; nanoseconds "
                      "do not."}},
      .places = {{"core/include/tarmac/core/internal/node_table.h", "class NodeTable",
                  "the table that readers search without a lock"},
                 {"core/include/tarmac/core/internal/engine_read.h", "get",
                  "the whole way of a hit"},
                 {"docs/benchmarks/results.md", "ns", "measured with more care"}},
  };
}

}  // namespace tarmac::interview
