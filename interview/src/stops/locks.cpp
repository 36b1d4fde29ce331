#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <array>
#include <barrier>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tarmac::interview {
namespace {

constexpr std::uint64_t kEntries = 1'000;

/// A map in parts, each under a lock of its own. Nothing is ever evicted: the lock alone is looked
/// at. `Reading` is how a reader holds it.
template <class Mutex, template <class> class Reading, std::size_t kParts>
class LockedMap {
 public:
  LockedMap() {
    for (std::uint64_t key = 0; key < kEntries; ++key) part(key).values[key] = key;
  }
  [[nodiscard]] std::optional<std::uint64_t> get(std::uint64_t key) {
    auto& its = part(key);
    const Reading<Mutex> lock(its.mutex);
    const auto found = its.values.find(key);
    if (found == its.values.end()) return std::nullopt;
    return found->second;
  }

 private:
  struct alignas(64) Part {
    Mutex mutex;
    std::unordered_map<std::uint64_t, std::uint64_t> values;
  };
  Part& part(std::uint64_t key) { return parts_[key % kParts]; }

  std::array<Part, kParts> parts_;
};

/// Nanoseconds for a look-up, of one thread and of each of two that hit `keys` keys.
template <class Map>
std::array<double, 2> time_threads(Map& map, std::size_t rounds, std::uint64_t keys) {
  std::array<double, 2> result{};
  const auto read = [&] {
    return nanoseconds_each(rounds, [&](std::size_t i) { use(map.get(i % keys)); });
  };
  result[0] = read();
  std::barrier<> start(2);
  const std::jthread other([&] {
    start.arrive_and_wait();
    use(read());
  });
  start.arrive_and_wait();
  result[1] = read();
  return result;
}

/// Whether a set() of the very key ends while a reader is in the middle of looking at its value.
bool readers_hold_no_lock() {
  TextCache cache(plain_options(10));
  cache.set("key", "a value that is long enough for a block of its own");
  std::string after;
  const bool there = cache.visit("key", [&](const std::string& value) {
    std::thread([&] { cache.set("key", "new"); }).join();
    after = value;
  });
  return there && after.starts_with("a value") && cache.get("key") == "new";
}

Findings compare_locks(const Surroundings& surroundings) {
  const auto rounds = surroundings.work(200'000);
  Findings findings;
  demo::Table table{{"look-up, ns", "1 thread", "2 threads", "2 threads, one hot key"}, {}};
  const auto row = [&](const char* name, auto& map) {
    const auto many = time_threads(map, rounds, kEntries);
    const auto hot = time_threads(map, rounds, 1);
    table.rows.push_back(
        {{name}, number(fixed(many[0], 0)), number(fixed(many[1], 0)), number(fixed(hot[1], 0))});
  };
  const auto mutex = std::make_unique<LockedMap<std::mutex, std::lock_guard, 1>>();
  row("one mutex", *mutex);
  const auto shared = std::make_unique<LockedMap<std::shared_mutex, std::shared_lock, 1>>();
  row("one read-write lock", *shared);
  const auto parts = std::make_unique<LockedMap<std::mutex, std::lock_guard, 16>>();
  row("16 parts with a mutex each", *parts);
  auto options = plain_options(kEntries * 2, "sieve");
  options.shards = std::nullopt;
  NumberCache cache(options);
  for (std::uint64_t key = 0; key < kEntries; ++key) cache.set(key, key);
  row("this cache (sieve), hits without a lock", cache);
  findings.add(std::move(table));
  findings.claim(
      "a set() of a key ends while another thread looks at its value: a reader holds no lock",
      readers_hold_no_lock());
  return findings;
}

}  // namespace

Stop locks_stop() {
  return {
      .name = "locks",
      .chapter = Chapter::talking_points,
      .title = "Locks: how coarse, of which kind, or none",
      .question =
          "A cache is read by many threads. One lock, a read-write lock, many locks, or none: what "
          "do you take, and why?",
      .experiment =
          "Look-ups of a map under each kind of lock and of this cache, by one thread and by two.",
      .run = compare_locks,
      .answer = R"(
One mutex is right, simple, and one reader at a time. A read-write lock is the trap: readers do not exclude one another, but each
writes to the lock's counter, so the line travels between processors for every hit. For work as short as a look-up it may be
slower than a mutex. Sharding divides the contention by the number of parts, but not where it hurts: a hot key lives in one
shard, and all who want it meet there.

Hits here take no lock and write to no line that other readers write. Readers pin an epoch (a plain store into a slot of their
thread) and search a table in which an entry never moves while it stays, so there is nothing to check again and no retry. Whoever
removes something puts it into a limbo until no reader can still see it. Writers do take the lock of their shard; that is the granularity of writes, chosen by capacity and
processors.)",
      .follow_ups =
          {{"Why not std::shared_ptr for values?",
            "Its counter is a shared line as well: every hit of a hot key writes to it twice. "
            "Measured for decision 0009: 16 ns to copy, "
            "0.9 for an epoch."},
           {"What does the epoch cost whom?",
            "Writers: memory is given back later, and moving the epoch on takes a system call "
            "(membarrier) once in some "
            "hundred removals. A reader that stays in `visit` makes memory wait, and nobody else."},
           {"Is there a lock-free set() too?",
            "No, and it is no aim. A write changes table, order, budget and wheel together; a "
            "short lock for each shard is "
            "simpler, and writes are rarer than hits, or it is no cache."},
           {"How do you check such code?",
            "The thread sanitizer over every test, a linearizability check over recorded "
            "histories, stress rounds with "
            "seeds, and Clang's thread-safety annotations on every guarded field."}},
      .places = {{"core/include/tarmac/core/internal/epoch.h", "class Epoch", "who reads"},
                 {"core/include/tarmac/core/internal/limbo.h", "class Limbo",
                  "what waits for them"},
                 {"core/include/tarmac/core/internal/shard_hits.h", "Shard", "the way of a hit"},
                 {"docs/decisions/0009-epochs-of-our-own.md", "membarrier",
                  "schemes measured side by side"}},
  };
}

}  // namespace tarmac::interview
