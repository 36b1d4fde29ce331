#include "stops/stops.h"

#include <tarmac/demo/generator.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <random>

namespace tarmac::interview {
namespace {

constexpr std::uint64_t kCapacity = 1'000;
/// As columns call them; `lfu` is the plain one here, whose counts do not fade.
constexpr std::array<const char*, 5> kContenders{"fifo", "lru", "lfu", "s3fifo", "wtinylfu"};

using Keys = std::vector<std::uint64_t>;

/// Popularity that stays: Zipf's law over 20 times what the cache holds.
Keys steady(std::size_t requests) {
  demo::KeyGenerator generator({.keys = 20 * kCapacity, .seed = 1});
  Keys keys(requests);
  for (auto& key : keys) key = generator.next();
  return keys;
}

/// A working set that fits, and now and then a scan over keys that nobody asks for again.
Keys with_scans(std::size_t requests) {
  std::mt19937_64 random(2);
  Keys keys;
  std::uint64_t fresh = 1'000'000;
  while (keys.size() < requests) {
    for (std::size_t i = 0; i < 3 * kCapacity; ++i) keys.push_back(random() % (kCapacity * 9 / 10));
    for (std::size_t i = 0; i < 2 * kCapacity; ++i) keys.push_back(fresh++);
  }
  return keys;
}

/// A working set that moves on: phases, each with popular keys of its own.
Keys moving(std::size_t requests) {
  demo::KeyGenerator generator({.keys = 2 * kCapacity, .seed = 3});
  const auto phase = requests / 10;
  Keys keys(requests);
  for (std::size_t i = 0; i < requests; ++i) keys[i] = i / phase * 100'000 + generator.next();
  return keys;
}

double hit_ratio(const std::string& strategy, const Keys& keys) {
  Parameters parameters;
  if (strategy == "lfu") parameters.set("ageing", "false");
  StrategyReplay replay(strategy_registry().make(strategy, parameters), {.amount = kCapacity});
  replay.play(keys);
  return 1 - replay.result().miss_ratio();
}

Findings compare_orders(const Surroundings& surroundings) {
  const auto requests = std::max<std::size_t>(surroundings.work(400'000), 60'000);
  struct Traffic {
    const char* name;
    const char* what;
    Keys keys;
  };
  const std::array<Traffic, 3> traffic{{{"steady", "steady popularity (Zipf)", steady(requests)},
                                        {"scans", "a hot set, and scans", with_scans(requests)},
                                        {"moving", "a working set that moves", moving(requests)}}};
  Findings findings;
  auto& facts = findings.facts;
  demo::Table table{{"hit ratio, %"}, {}};
  for (const auto* strategy : kContenders) table.header.emplace_back(strategy);
  for (const auto& [name, what, keys] : traffic) {
    auto& row = table.rows.emplace_back();
    row.push_back({what});
    for (const auto* strategy : kContenders) {
      const auto hits = hit_ratio(strategy, keys);
      facts[std::string(name) + "." + strategy] = hits;
      row.push_back(number(fixed(100 * hits)));
    }
  }
  findings.add(std::move(table));
  findings.claim(
      "steady popularity: frequency (lfu) over recency (lru) over arrival (fifo)",
      facts["steady.lfu"] > facts["steady.lru"] && facts["steady.lru"] > facts["steady.fifo"]);
  findings.claim(
      "scans: a filter for newcomers (s3fifo, wtinylfu) keeps the hot set, recency loses it",
      facts["scans.s3fifo"] > facts["scans.lru"] && facts["scans.wtinylfu"] > facts["scans.lru"]);
  findings.claim("a moving set: recency over frequency that never fades",
                 facts["moving.lru"] > facts["moving.lfu"]);
  return findings;
}

}  // namespace

Stop order_stop() {
  return {
      .name = "order",
      .chapter = Chapter::talking_points,
      .title = "Recency, frequency, order of arrival",
      .question = "LRU, LFU or FIFO: which one evicts better?",
      .experiment =
          "Three kinds of made-up traffic through five strategies of 1,000 entries each, in the "
          "simulator; `lfu` without ageing.",
      .run = compare_orders,
      .answer = R"(
It depends on what the past says about the future. Where popularity stays, counting uses is right, and recency is a noisy guess
of it. Where the working set moves, old counts are wrong for as long as they are kept, and recency follows at once. Order of
arrival knows neither, but it costs a hit nothing at all.

Scans are what breaks LRU in practice: each key of a scan is the most recent one when it comes, so one pass washes out
everything useful. The newer strategies are simple queues with a *filter*: S3-FIFO lets newcomers wait in a small queue and
promotes those that are asked for again; W-TinyLFU lets a newcomer in only if a sketch says it is more popular than the victim.
They take most of frequency's gain without keeping old glory for ever.)",
      .follow_ups = {{"What is wrong with plain LFU?",
                      "What was hot last week never leaves. Here counts fade (`ageing`, on by "
                      "default); `lfu{ageing=false}` is the "
                      "plain one."},
                     {"Why is a FIFO with marks (CLOCK, SIEVE) near LRU?",
                      "It keeps what was hit since the hand came by: recency in steps of one lap, "
                      "for a counter instead of a list."},
                     {"ARC and LIRS?",
                      "ARC splits its room between recency and frequency and learns the split from "
                      "ghosts, keys that left a moment "
                      "ago. LIRS ranks by the distance between the last two uses. Both are here; "
                      "both cost more for a hit than a mark."}},
      .places = {{"strategies/src/s3fifo.cpp", "class S3Fifo",
                  "a small queue in front of a large one"},
                 {"strategies/src/frequency_sketch.h", "class FrequencySketch",
                  "popularity in four bits a counter"},
                 {"simulator/include/tarmac/simulator/replay.h", "class StrategyReplay",
                  "a strategy without a cache"}},
  };
}

}  // namespace tarmac::interview
