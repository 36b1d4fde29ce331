#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/demo/demo_clock.h>
#include <tarmac/demo/words.h>

#include <chrono>
#include <random>

namespace tarmac::interview {
namespace {

using std::chrono::seconds;

enum class Scheme { lazy, eager, hybrid };

struct Course {
  std::vector<double> held;
  std::uint64_t stale_reads = 0;
  std::uint64_t held_at_end = 0;
};

/// Entries whose lives end within a minute, while one key in ten is looked at each second.
Course live(Scheme scheme, std::uint64_t entries) {
  const auto clock = std::make_shared<demo::DemoClock>();
  auto options = plain_options(2 * entries);
  options.clock = clock;
  options.background_expiry = scheme == Scheme::hybrid;
  NumberCache cache(options);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> lives(entries);
  for (std::uint64_t key = 0; key < entries; ++key) {
    lives[key] = 1 + random() % 40;
    cache.set(key, key, {.ttl = seconds(lives[key])});
  }
  Course course;
  for (std::uint64_t second = 1; second <= 48; ++second) {
    clock->advance(seconds(1));
    for (std::uint64_t i = 0; i < entries / 50; ++i) {
      const auto key = random() % (entries / 10);
      if (cache.get(key) && lives[key] <= second) ++course.stale_reads;
    }
    if (scheme == Scheme::eager) cache.purge_expired();
    if (scheme == Scheme::hybrid) {
      std::uint64_t alive = 0;
      // The wheel may turn a moment late, and not again within a moment, which with this clock is
      // the next second: what ended two seconds ago is gone by now.
      for (const auto life : lives) alive += life + 1 >= second ? 1 : 0;
      static_cast<void>(wait_for([&] { return cache.stats().current_items <= alive; }));
    }
    course.held.push_back(static_cast<double>(cache.stats().current_items));
  }
  course.held_at_end = cache.stats().current_items;
  return course;
}

/// Nanoseconds for each entry of a sweep over many that expire at once.
double sweep_cost(std::uint64_t entries) {
  const auto clock = std::make_shared<demo::DemoClock>();
  auto options = plain_options(entries);
  options.clock = clock;
  NumberCache cache(options);
  for (std::uint64_t key = 0; key < entries; ++key) cache.set(key, key, {.ttl = seconds(5)});
  clock->advance(seconds(5));
  const Stopwatch watch;
  const auto purged = cache.purge_expired();
  return watch.nanoseconds() / static_cast<double>(std::max<std::size_t>(purged, 1));
}

Findings compare_expiry(const Surroundings& surroundings) {
  const auto entries = surroundings.work(5'000);
  const auto lazy = live(Scheme::lazy, entries);
  const auto eager = live(Scheme::eager, entries);
  const auto hybrid = live(Scheme::hybrid, entries);
  Findings findings;
  findings.say("Entries held in memory while all their lives end, second by second:");
  const auto line = [&](const char* label, const Course& course) {
    findings.add(Sparkline{label, course.held,
                           demo::grouped(static_cast<std::uint64_t>(course.held.front())) + " to " +
                               demo::grouped(course.held_at_end)});
  };
  line("lazy", lazy);
  line("eager", eager);
  line("hybrid", hybrid);
  findings.say("A sweep takes " + fixed(sweep_cost(surroundings.work(100'000)), 0) +
               " ns for each entry that it removes, and does not look at the others.");
  findings.facts["lazy.held"] = static_cast<double>(lazy.held_at_end);
  findings.facts["hybrid.held"] = static_cast<double>(hybrid.held_at_end);
  findings.claim("no scheme has ever returned an expired entry",
                 lazy.stale_reads + eager.stale_reads + hybrid.stale_reads == 0);
  findings.claim(
      "lazy alone keeps what nobody asks for; eager and hybrid keep nothing",
      lazy.held_at_end > entries / 2 && eager.held_at_end == 0 && hybrid.held_at_end == 0);
  return findings;
}

}  // namespace

Stop expiry_stop() {
  return {
      .name = "expiry",
      .chapter = Chapter::talking_points,
      .title = "Lazy, eager and hybrid expiry",
      .question =
          "When does an expired entry leave: when it is asked for, at its deadline, or when "
          "somebody sweeps?",
      .experiment =
          "5,000 entries with lives of 1 to 40 s, of which a tenth is asked for now and then: "
          "removed on look-up "
          "alone, by a purge each second, and by the background thread.",
      .run = compare_expiry,
      .answer = R"(
Lazy: each look-up checks the deadline. That alone decides correctness, and it is done on every path that reads. But what nobody
asks for stays, so memory fills with the dead. Eager: something removes at the deadline; exact, and expensive if each entry has
a timer of the system, or if everything is scanned. Hybrid is what this cache does: look-ups check, and one thread sweeps.

The sweep does not search. Entries with a TTL hang in a hierarchical timing wheel: insertion and removal are O(1), and a turn of
the wheel touches only slots that are due. The thread sleeps until the next deadline, so an idle cache costs nothing. An entry
without a TTL has no timer and its hits read no clock; one with a TTL reads a coarse clock first, which is a few nanoseconds. Where key
and value are words in the table, the deadline stands beside them, to a second, so that such a hit does not touch the entry.)",
      .follow_ups =
          {{"A million entries expire at the same second?",
            "`ttl_jitter` spreads what was set together. The sweep takes a part at a time under "
            "the shard's lock, so that "
            "writers get in between, and hits need no lock at all."},
           {"What does Redis do?",
            "Lazy, and ten times a second it samples keys with a TTL and repeats while many of "
            "them are dead. Probabilistic, "
            "with no memory for timers; here exactness costs two links for entries that expire."},
           {"Does expire-after-access move a timer on each hit?",
            "No. The deadline in the node moves; the wheel notices when the old time comes, and "
            "files the entry anew."}},
      .places = {{"core/include/tarmac/core/internal/timing_wheel.h", "class TimingWheel",
                  "which entries are due"},
                 {"core/include/tarmac/core/internal/sweeper.h", "class Sweeper", "the thread"},
                 {"core/include/tarmac/core/cache_options.h", "ttl_jitter",
                  "against expiry in step"}},
  };
}

}  // namespace tarmac::interview
