#include "lab/caches.h"
#include "lab/heap.h"
#include "lab/stopwatch.h"
#include "lab/textbook_lru.h"
#include "stops/stops.h"

#include <barrier>
#include <memory>
#include <thread>

namespace tarmac::interview {
namespace {

struct Side {
  double bytes = 0;
  double hit = 0;
  double hot_pair = 0;
  double insert = 0;
};

/// Nanoseconds for an operation of each of two threads that hit the same key.
template <class Cache>
double hot_key_of_two(Cache& cache, std::size_t rounds) {
  std::barrier<> start(2);
  double nanoseconds = 0;
  const auto work = [&](bool measures) {
    start.arrive_and_wait();
    const auto each = nanoseconds_each(rounds, [&](std::size_t) { use(cache.get(7)); });
    if (measures) nanoseconds = each;
  };
  {
    const std::jthread other([&] { work(false); });
    work(true);
  }
  return nanoseconds;
}

template <class Cache>
Side measure_side(Cache& cache, std::size_t entries) {
  Side side;
  const auto before = heap_bytes();
  for (std::uint64_t key = 0; key < entries; ++key) cache.set(key, key);
  side.bytes = (heap_bytes() - before) / static_cast<double>(entries);
  side.hit = nanoseconds_each(entries, [&](std::size_t i) { use(cache.get(i * 7919 % entries)); });
  std::uint64_t fresh = entries;
  side.insert = nanoseconds_each(entries, [&](std::size_t) { cache.set(fresh++, 1); });
  cache.set(7, 7);
  side.hot_pair = hot_key_of_two(cache, 2 * entries);
  return side;
}

Findings compare_with_textbook(const Surroundings& surroundings) {
  const auto entries = surroundings.work(50'000);
  TextbookLru textbook(entries);
  const auto calls_before = textbook.allocated().calls;
  const auto list = measure_side(textbook, entries);
  const auto inserted = 4.0 * static_cast<double>(entries) + 1;  // Filled, three rounds, one.
  const auto per_insert = static_cast<double>(textbook.allocated().calls - calls_before) / inserted;
  const auto list_bytes =
      static_cast<double>(textbook.allocated().bytes) / static_cast<double>(entries);
  auto options = plain_options(entries);
  options.shards = std::nullopt;
  NumberCache cache(options);
  const auto ours = measure_side(cache, entries);

  Findings findings;
  demo::Table table{{"", "map + list + mutex", "this cache, lru"}, {}};
  const auto row = [&table](const char* what, double a, double b) {
    table.rows.push_back({{what}, number(fixed(a, 0)), number(fixed(b, 0))});
  };
  row("ns a hit, 1 thread", list.hit, ours.hit);
  row("ns a hit of one hot key, 2 threads", list.hot_pair, ours.hot_pair);
  row("ns an insertion that evicts", list.insert, ours.insert);
  row("bytes an entry, allocated", list.bytes, ours.bytes);
  findings.add(std::move(table));
  findings.say("The textbook asks for " + fixed(list_bytes, 0) +
               " bytes an entry in two pieces; what malloc() adds to each piece is in the table.");
  findings.facts["allocations_per_insert"] = per_insert;
  findings.claim(
      "an insertion into the textbook's LRU allocates twice: a node of the list, one of the map",
      per_insert > 1.99 && per_insert < 2.01);
  return findings;
}

}  // namespace

Stop list_lru_stop() {
  return {
      .name = "list-lru",
      .chapter = Chapter::talking_points,
      .title = "The LRU of the textbook, and its bill",
      .question =
          "LRU is a hash map and a doubly linked list: thirty lines. Why is this library larger?",
      .experiment =
          "That cache (std::unordered_map, std::list, std::mutex) beside this one, with 50,000 "
          "entries.",
      .run = compare_with_textbook,
      .answer = R"(
The thirty lines are right, and for one thread with a few thousand entries they are enough. The bill comes with size and threads.
Each entry is two allocations with headers of their own, and a look-up follows pointers: bucket, map node, list node. Every *hit*
moves a node to the front, so it writes six pointers in several nodes that other processors have in their caches, under one lock.
A read-mostly cache becomes a write-only list.

Here the links are inside the entry (one allocation), the table is flat and keeps small keys and values in its slots, and a hit does
not touch the list: it is noted in a ring of its own thread, and whoever next has the shard's lock tells the strategy, in order.
With one thread the order of eviction is exactly the list's.

It has a bill, too: memory. What any strategy may want to know of an entry, a table that is never fuller than three fifths, and rings
for threads make an entry of two numbers about twice as large as the textbook's. Where memory for tiny values is what counts, take the thirty lines.)",
      .follow_ups =
          {{"Is promotion in batches still LRU?",
            "With one thread, or threads that hand over to one another, exactly: the rings are "
            "drained before anything is "
            "evicted. (In a shard of 4,096 entries and more, those of other threads every eighth "
            "time: there a hit may come a few writes late.) Under contention the order between "
            "threads is approximate, as it is by "
            "nature."},
           {"Why not promote only every n-th hit?",
            "That is the cheap version of it: fewer writes, and an order that is wrong for one "
            "thread as well. Lazy promotion "
            "by marks (CLOCK, SIEVE) gives more for less."},
           {"Could std::list keep its nodes in a pool?",
            "Yes, and the second allocation goes. The lock and the writes of each hit stay."}},
      .places = {{"interview/src/lab/textbook_lru.h", "class TextbookLru",
                  "the thirty lines, counted"},
                 {"strategies/src/node_list.h", "class NodeList", "links inside the entries"},
                 {"core/include/tarmac/core/internal/access_log.h", "class AccessLog",
                  "hits in rings"},
                 {"docs/decisions/0011-hits-in-rings.md", "ring", "why"}},
  };
}

}  // namespace tarmac::interview
