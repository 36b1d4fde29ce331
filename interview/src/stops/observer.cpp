#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/demo/words.h>

#include <stdexcept>

namespace tarmac::interview {
namespace {

/// Five writes into a cache of three entries, and who heard what.
void tell_of_evictions(Findings& findings) {
  TextCache cache(plain_options(3));
  std::vector<std::string> heard;
  std::size_t seen_by_slot = 0;
  const auto bad = cache.events().connect(EventType::entry_evicted, [](const Event&) {
    throw std::runtime_error("a listener with a bug");
  });
  const auto good = cache.events().connect(EventType::entry_evicted, [&](const Event& event) {
    heard.push_back(event.key());
    seen_by_slot = cache.size();  // No lock is held: a slot may use the cache.
  });
  for (const auto* key : {"a", "b", "c", "d", "e"}) cache.set(key, "value");
  std::string order;
  for (const auto& key : heard) order += (order.empty() ? "" : ", ") + key;
  findings.facts["heard"] = static_cast<double>(heard.size());
  findings.facts["observer_errors"] = static_cast<double>(cache.stats().observer_errors);
  findings.say("5 writes into a cache of 3 entries; the listener heard that these left: " + order);
  findings.claim(
      "a listener that throws harms neither the writes nor the other listener, and is counted",
      heard.size() == 2 && cache.stats().observer_errors == 2 && cache.size() == 3);
  findings.claim("a listener may use the cache that it hears of", seen_by_slot == 3);
}

Findings listen(const Surroundings& surroundings) {
  Findings findings;
  const auto rounds = surroundings.work(300'000);
  NumberCache cache(plain_options(1'000));
  for (std::uint64_t key = 0; key < 1'000; ++key) cache.set(key, key);
  const auto hit = [&](std::size_t i) { use(cache.get(i % 1'000)); };
  const auto silent = nanoseconds_each(rounds, hit);
  std::uint64_t count = 0;
  const auto other =
      cache.events().connect(EventType::entry_evicted, [&](const Event&) { ++count; });
  const auto elsewhere = nanoseconds_each(rounds, hit);
  double listened = 0;
  {
    const auto hits =
        cache.events().connect(EventType::entry_get_hit, [&](const Event&) { ++count; });
    listened = nanoseconds_each(rounds, hit);
  }
  findings.facts["hits_heard"] = static_cast<double>(count);
  findings.add(Bars{"a hit, with",
                    "ns",
                    {{"nobody listening", silent, fixed(silent)},
                     {"a slot on evictions", elsewhere, fixed(elsewhere)},
                     {"a slot on every hit", listened, fixed(listened)}}});
  findings.claim("each hit was heard of while somebody listened to hits", count == 3 * rounds);
  tell_of_evictions(findings);
  return findings;
}

}  // namespace

Stop observer_stop() {
  return {
      .name = "observer",
      .chapter = Chapter::patterns,
      .title = "Observer: events after the lock",
      .question = "How do others watch a cache without slowing it down, and without deadlocks?",
      .experiment =
          "Times a hit with and without listeners, then has one listener throw and another use the "
          "cache.",
      .run = listen,
      .answer = R"(
There is one signal for each type of event (Boost.Signals2, hidden in one source file). Whether anybody listens to a type is one
relaxed load of a counter; with nobody there, that is all an event costs. Somebody who listens to evictions makes no hit slower.

Events are queued under the shard's lock, so their order is that of the writes, and delivered after it, by one thread at a time
for each shard. Therefore a slot may call the cache, connect and disconnect: it holds no lock that a reader or writer needs. It may be slow
for a while; with 1,024 events of a shard waiting, those who write to that shard wait for it, because an unbounded queue is a leak. What a slot throws reaches neither the operation nor the other slots: it is counted, and told as `observer_error`.)",
      .follow_ups =
          {{"Why not let Prometheus count events?",
            "A counter that all threads raise costs more than a hit. Each thread counts for "
            "itself, and the exporter pulls "
            "the sum when it is scraped, so a hit never touches a shared counter."},
           {"Is the key always rendered as text?",
            "Only if a slot asks for it: `Event::key()` renders then, `has_key()` does not."},
           {"What may a slot rely on?",
            "Events of one key come in the order of its writes, each with stamp and time. The "
            "cache may already be further; "
            "an event says what happened, not what is."}},
      .places = {{"core/include/tarmac/core/event_bus.h", "has_slots", "the relaxed load"},
                 {"core/src/event_bus.cpp", "boost/signals2", "the only source that sees Signals2"},
                 {"core/include/tarmac/core/internal/event_queue.h", "class EventQueue",
                  "in order, after the lock"},
                 {"observers/include/tarmac/observers/prometheus_exporter.h",
                  "class PrometheusExporter", "pulled at each scrape"}},
  };
}

}  // namespace tarmac::interview
