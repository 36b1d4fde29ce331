#include "lab/caches.h"
#include "stops/stops.h"

#include <tarmac/demo/generator.h>
#include <tarmac/demo/words.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <vector>

namespace tarmac::interview {
namespace {

/// Objects of 1 to 4,096 units, whose size has nothing to do with how popular they are.
std::vector<Request> sized_traffic(std::size_t requests) {
  demo::KeyGenerator keys({.keys = 10'000, .seed = 5});
  std::vector<Request> trace(requests);
  for (auto& request : trace) {
    request.key = keys.next();
    const auto mixed = (request.key + 1) * 0x9E37'79B9'7F4A'7C15ULL >> 40U;
    request.size = std::uint64_t{1} << mixed % 13U;
  }
  return trace;
}

void compare_by_size(const Surroundings& surroundings, Findings& findings) {
  const auto trace = sized_traffic(std::max<std::size_t>(surroundings.work(300'000), 60'000));
  demo::Table table{{"strategy", "requests that hit, %", "bytes that hit, %"}, {}};
  for (const auto* name : {"lru", "s3fifo", "gdsf"}) {
    StrategyReplay replay(strategy_registry().make(name), {.amount = 400'000, .in_weight = true});
    replay.play(std::span<const Request>(trace));
    const auto requests = 1 - replay.result().miss_ratio();
    const auto bytes = 1 - replay.result().byte_miss_ratio();
    findings.facts[std::string("requests.") + name] = requests;
    findings.facts[std::string("bytes.") + name] = bytes;
    table.rows.push_back(
        {{name}, {fixed(100 * requests), requests, false}, {fixed(100 * bytes), bytes, false}});
  }
  findings.add(std::move(table));
}

/// A cache bounded in bytes, whose entries say what they weigh.
void bound_in_bytes(Findings& findings) {
  auto options = plain_options(1);
  options.max_entries = std::nullopt;
  options.max_bytes = 10'000;
  TextCache cache(options, [](const std::string& key, const std::string& value) {
    return static_cast<std::uint64_t>(key.size() + value.size() + 64);
  });
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    cache.set("key" + std::to_string(i), std::string(i * 37 % 900, 'x'));
    most = std::max(most, cache.weight());
  }
  const auto before = cache.size();
  const auto outcome = cache.set("monster", std::string(20'000, 'x'));
  findings.facts["most_weight"] = static_cast<double>(most);
  findings.say(
      "A cache of 10,000 bytes with a weigher (key, value and 64): after 500 entries it held " +
      demo::grouped(before) + " of them, and " + demo::grouped(most) + " bytes at most.");
  findings.claim("the sum of the weights never passed the bound", most <= 10'000);
  findings.claim("a value larger than the cache is refused, and no other entry pays for it",
                 outcome == SetOutcome::too_large && cache.size() == before);
}

Findings evict_by_size(const Surroundings& surroundings) {
  Findings findings;
  compare_by_size(surroundings, findings);
  auto& facts = findings.facts;
  findings.claim("gdsf hits most requests", facts["requests.gdsf"] > facts["requests.lru"] &&
                                                facts["requests.gdsf"] > facts["requests.s3fifo"]);
  findings.claim("... and pays with bytes", facts["bytes.gdsf"] < facts["bytes.s3fifo"]);
  bound_in_bytes(findings);
  return findings;
}

}  // namespace

Stop sizes_stop() {
  return {
      .name = "sizes",
      .chapter = Chapter::talking_points,
      .title = "Entries of different sizes",
      .question =
          "Values are from 10 bytes to 10 megabytes. What changes in a cache that counts entries?",
      .experiment =
          "Objects of 1 to 4,096 units, as popular as Zipf's law says whatever their size, through "
          "three "
          "strategies bounded in weight; then a live cache bounded in bytes.",
      .run = evict_by_size,
      .answer = R"(
The bound, first: `max_bytes` bounds the sum of weights, which a *weigher* says when the value is set. It is kept with the entry, so a
value that changes later cannot unbalance the account. By default a weight is the content of key and value; what the cache itself needs is
not in it.

Then the choice of the victim. A large object takes the room of many small ones, so evicting it saves many misses. GDSF ranks by
uses divided by size, over an age that rises with every eviction: it hits the most *requests*. If what you pay for is *bytes* (a
disk, a network), it is the wrong choice, because it gives up large objects first. Measure the one that you pay for;
`tarmac simulate` shows both.)",
      .follow_ups = {{"What does an insertion of a large entry evict?",
                      "As many victims as it takes, in the strategy's order, before the newcomer "
                      "is ranked. One that is larger than the "
                      "whole cache evicts nothing: `too_large`."},
                     {"Is GDSF still O(1)?",
                      "O(log q) in the number of queues in use. Priorities are cut to six "
                      "significant bits, so entries of about the same worth "
                      "share a queue, and there are some dozens of queues instead of a heap over "
                      "all entries."},
                     {"Who should weigh?",
                      "Whoever knows: `SetOptions::weight` for one call, a weigher for a type. "
                      "Count what a miss costs if it is not "
                      "bytes that are scarce."}},
      .places = {{"strategies/src/gdsf.cpp", "class Gdsf", "queues of priorities"},
                 {"core/include/tarmac/core/weigher.h", "using Weigher", "called before any lock"},
                 {"core/include/tarmac/core/internal/budget.h", "class Budget",
                  "the account of the whole cache"}},
  };
}

}  // namespace tarmac::interview
