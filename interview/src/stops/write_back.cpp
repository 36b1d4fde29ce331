#include "lab/caches.h"
#include "lab/gate_store.h"
#include "stops/stops.h"

#include <tarmac/demo/demo_clock.h>
#include <tarmac/demo/words.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>

#include <chrono>

namespace tarmac::interview {
namespace {

constexpr std::uint64_t kKeys = 50;

struct Outcome {
  double nanoseconds = 0;
  std::uint64_t calls = 0;
  std::uint64_t writes = 0;
  /// Keys whose newest value the store does not have.
  std::uint64_t lost = 0;
  std::uint64_t lost_after_window = 0;
};

/// What a crash would lose now: the store is asked, not the cache.
std::uint64_t lost_now(TextCache& cache, BackingStore& store, WallNanos now) {
  std::uint64_t lost = 0;
  cache.for_each([&](const std::string& key, const std::string& value) {
    const auto kept = store.load(key, now);
    if (!kept || kept->bytes != value) ++lost;
  });
  return lost;
}

Outcome play_writes(bool back, std::size_t writes) {
  const auto clock = std::make_shared<demo::DemoClock>();
  const auto store = std::make_shared<SlowStore>(make_memory_store(), 20'000);
  auto options = plain_options(1'000);
  options.clock = clock;
  TextCache cache(options);
  cache.set_write_policy(back ? write_back(store) : write_through(store));
  Outcome outcome;
  const Stopwatch watch;
  for (std::size_t i = 0; i < writes; ++i) {
    cache.set("key" + std::to_string(i * 7 % kKeys), "value " + std::to_string(i));
  }
  outcome.nanoseconds = watch.nanoseconds() / static_cast<double>(writes);
  outcome.lost = lost_now(cache, *store, clock->wall_now());
  clock->advance(WriteBackOptions().loss_window_max);
  static_cast<void>(wait_for([&] { return cache.stats().dirty_writes_pending == 0; }));
  outcome.lost_after_window = lost_now(cache, *store, clock->wall_now());
  outcome.calls = store->calls();
  outcome.writes = store->writes();
  return outcome;
}

Findings gain_and_risk(const Surroundings& surroundings) {
  const auto writes = surroundings.work(2'000);
  const auto through = play_writes(false, writes);
  const auto back = play_writes(true, writes);
  Findings findings;
  findings.add(Bars{"set() under",
                    "us each",
                    {{"write_through", through.nanoseconds, fixed(through.nanoseconds / 1e3)},
                     {"write_back", back.nanoseconds, fixed(back.nanoseconds / 1e3)}}});
  demo::Table table{
      {"policy", "store calls", "values written", "a crash now loses, keys", "and 100 ms later"},
      {}};
  const auto row = [&](const char* name, const Outcome& of) {
    table.rows.push_back({{name},
                          number(demo::grouped(of.calls)),
                          number(demo::grouped(of.writes)),
                          number(std::to_string(of.lost)),
                          number(std::to_string(of.lost_after_window))});
    const auto prefix = std::string(name) + ".";
    findings.facts[prefix + "lost"] = static_cast<double>(of.lost);
    findings.facts[prefix + "calls"] = static_cast<double>(of.calls);
    findings.facts[prefix + "lost_after_window"] = static_cast<double>(of.lost_after_window);
  };
  row("write_through", through);
  row("write_back", back);
  findings.add(std::move(table));
  findings.claim(
      "a crash right after the writes loses nothing under write-through, and every dirty key under "
      "write-back",
      through.lost == 0 && back.lost == kKeys);
  findings.claim(
      "write-back makes fewer calls of the store, for it writes the newest of a key, in batches",
      back.calls * 10 < through.calls && back.writes < through.writes);
  findings.claim("after the loss window nothing is owed", back.lost_after_window == 0);
  return findings;
}

}  // namespace

Stop write_back_stop() {
  return {
      .name = "write-back",
      .chapter = Chapter::talking_points,
      .title = "Write-back: the gain and the risk",
      .question = "Write-back is faster. What exactly do you gain, and what exactly may you lose?",
      .experiment =
          "2,000 writes of 50 keys before a store that takes 20 us for each call; then the store "
          "is compared "
          "with the cache, as after a crash.",
      .run = gain_and_risk,
      .answer = R"(
The gain has two parts: the caller does not wait for the store, and the store gets only the newest value of each key, in batches.
The second part is often the larger one: fifty hot keys written two thousand times are fifty writes.

The risk is bounded and has a name: `loss_window_max`, 100 ms by default. A write is handed to the store that long after `set` at
the latest while the store answers; what was acknowledged inside the window is gone if the process dies. The queue is bounded
too (`dirty_max`): when it is full, `set` waits and then throws, because an unbounded queue turns a slow store into a process
without memory.

Who cannot lose a write but wants the gain takes both: a durable cache logs first, so a restart finds what the store is owed.)",
      .follow_ups =
          {{"The store is down for an hour. What happens?",
            "Writes wait, coalesced by key; attempts come with doubling pauses; "
            "`tarmac_cache_dirty_writes_pending` and the "
            "age of the oldest rise. When the queue is full, writes of further keys get "
            "`StoreError`."},
           {"A value that the store will never take?",
            "With `dead_letters` set it goes into a file, with the reason, after `attempts_max` "
            "attempts alone, and can be "
            "replayed by `tarmac write --replay`. Without, it is tried for as long as the policy "
            "lives."},
           {"Can two batches overtake each other?",
            "Two at most are under way, of different keys; stores pass over a write with a smaller "
            "stamp."},
           {"What does a clean shutdown do?",
            "The destructor writes what is owed, for at most `shutdown_limit`, and reports what it "
            "could not."}},
      .places = {{"policies/include/tarmac/policies/write_back.h", "loss_window_max",
                  "the risk, as an option"},
                 {"policies/src/write_back_worker.h", "class WriteBackWorker",
                  "the threads that write"},
                 {"docs/write-policies.md", "write_back", "the page"}},
  };
}

}  // namespace tarmac::interview
