#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/core/error.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tarmac::interview {
namespace {

constexpr int kCallers = 16;

/// A source that answers one question at a time, as a database with one connection does.
class Source {
 public:
  explicit Source(std::int64_t nanoseconds) : nanoseconds_(nanoseconds) {}
  std::string ask() {
    const std::lock_guard lock(mutex_);
    ++asked_;
    take_time(nanoseconds_);
    return "front page";
  }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  std::mutex mutex_;
  std::int64_t nanoseconds_;
  std::atomic<int> asked_{0};
};

struct Herd {
  int asked = 0;
  double milliseconds = 0;
};

Herd by_hand(std::int64_t source_time) {
  TextCache cache(plain_options(10));
  Source source(source_time);
  std::barrier<> all_missed(kCallers);
  const Stopwatch watch;
  {
    std::vector<std::jthread> callers;
    callers.reserve(kCallers);
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        const bool missed = !cache.get("page");
        all_missed
            .arrive_and_wait();  // The worst moment, each time: nobody is quicker than a miss.
        if (missed) cache.set("page", source.ask());
      });
    }
  }
  return {source.asked(), watch.milliseconds()};
}

Herd by_single_flight(std::int64_t source_time) {
  TextCache cache(plain_options(10));
  Source source(source_time);
  const Stopwatch watch;
  {
    std::vector<std::jthread> callers;
    callers.reserve(kCallers);
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        use(cache.get_or_load("page", [&] {
          // Until all others wait for this load.
          const auto others = static_cast<std::uint64_t>(kCallers) - 1;
          static_cast<void>(wait_for([&] { return cache.stats().coalesced_loads >= others; }));
          return source.ask();
        }));
      });
    }
  }
  return {source.asked(), watch.milliseconds()};
}

/// Whether a value that was read before an erase() stays out of the cache.
bool stale_load_is_not_kept() {
  TextCache cache(plain_options(10));
  const auto got = cache.get_or_load("key", [&] {
    cache.erase("key");  // Somebody changes the source meanwhile.
    return std::string("read before the change");
  });
  return got == "read before the change" && !cache.get("key");
}

bool own_key_is_refused() {
  TextCache cache(plain_options(10));
  try {
    static_cast<void>(cache.get_or_load(
        "key", [&] { return cache.get_or_load("key", [] { return std::string("never"); }); }));
  } catch (const UsageError&) {
    return true;
  }
  return false;
}

Findings let_the_herd_come(const Surroundings& surroundings) {
  const auto source_time = static_cast<std::int64_t>(surroundings.work(3'000'000));
  const auto naive = by_hand(source_time);
  const auto flight = by_single_flight(source_time);
  Findings findings;
  findings.facts["naive"] = naive.asked;
  findings.facts["single_flight"] = flight.asked;
  findings.add(
      Bars{"16 callers miss one key, by",
           "calls of the source",
           {{"get and set", static_cast<double>(naive.asked), std::to_string(naive.asked)},
            {"get_or_load", static_cast<double>(flight.asked), std::to_string(flight.asked)}}});
  findings.add(Bars{"until all have the value",
                    "ms",
                    {{"get and set", naive.milliseconds, fixed(naive.milliseconds)},
                     {"get_or_load", flight.milliseconds, fixed(flight.milliseconds)}}});
  findings.claim("by hand each of 16 callers asks the source; with get_or_load one does",
                 naive.asked == kCallers && flight.asked == 1);
  findings.claim("a value that was read before an erase() reaches its caller and never the cache",
                 stale_load_is_not_kept());
  findings.claim("a loader that loads its own key gets an error, and waits for nobody",
                 own_key_is_refused());
  return findings;
}

}  // namespace

Stop herd_stop() {
  return {
      .name = "herd",
      .chapter = Chapter::talking_points,
      .title = "The thundering herd, and single flight",
      .question =
          "A hot key expires, and a thousand requests miss it in the same millisecond. What "
          "happens to your database?",
      .experiment =
          "Sixteen threads miss one key at the same moment, before a source that answers one at a "
          "time in 3 ms.",
      .run = let_the_herd_come,
      .answer = R"(
By hand (`get`, and `set` after a miss) each of them asks it, and the database is slowest exactly when it is asked most.
`get_or_load` enters a load into the shard's list under the lock: the first caller leads it, all others wait for its result. The
loader runs under no lock. When it is done, the value becomes an entry in the same hold of the lock in which the load leaves the
list, so there is no moment with neither, in which a second load could begin.

The other half is staleness. A loader that began before a write must not put its old value over the newer one. Every write of the key
takes the load out of the list; its callers still get what it brings, the cache does not. Hand-made caches lack this half more
often than the first.)",
      .follow_ups = {{"The loader throws. What do the others get?",
                      "The same exception, once for this load; nothing is kept, and the next call "
                      "tries again, unless `error_ttl` says "
                      "otherwise."},
                     {"And across processes?",
                      "Single flight is for one process. `TieredCache` adds the first writer's "
                      "value to Redis with `store_if_absent`: "
                      "several may load, but all keep one value. Early refresh by chance (XFetch, "
                      "`early_refresh`) keeps machines from "
                      "doing it all at once."},
                     {"Can waiting be bounded?",
                      "`soft_timeout` lets an expired value stand in, `hard_timeout` throws "
                      "`LoadTimeout`; the load goes on for the others."},
                     {"Deadlocks?",
                      "A graph of who waits for whom is searched before anybody waits: a loader "
                      "that loads its own key, or a circle of "
                      "threads, gets a `UsageError`."}},
      .places = {{"core/include/tarmac/core/internal/load_flights.h", "class LoadFlight",
                  "who leads, who waits"},
                 {"core/include/tarmac/core/internal/engine_load_ends.h", "Loads",
                  "the end of a load, in one hold of the lock"},
                 {"core/include/tarmac/core/internal/key_locks.h", "class WaitGraph", "circles"},
                 {"tests/core/loading_threads_test.cpp", "TEST", "where it is held to this"}},
  };
}

}  // namespace tarmac::interview
