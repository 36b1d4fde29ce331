#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/demo/words.h>

#include <atomic>
#include <thread>

namespace tarmac::interview {
namespace {

constexpr std::uint64_t kAccounts = 64;

/// A writer raises account after account by one, for ever round. At any one moment, no account is
/// ahead of one before it, and the first and the last differ by one at most.
class Rounds {
 public:
  explicit Rounds(NumberCache& cache) : cache_(cache) {
    for (std::uint64_t key = 0; key < kAccounts; ++key) cache_.set(key, 0);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      for (std::uint64_t round = 1; !stop.stop_requested(); ++round) {
        for (std::uint64_t key = 0; key < kAccounts; ++key) cache_.set(key, round);
        rounds_ = round;
      }
    });
  }
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

 private:
  NumberCache& cache_;
  std::atomic<std::uint64_t> rounds_{0};
  std::jthread thread_;
};

/// Whether the accounts are as they can be at one moment.
bool is_one_moment(NumberCache& cache, bool in_haste = true) {
  std::uint64_t before = cache.get(0).value_or(0);
  const auto first = before;
  for (std::uint64_t key = 1; key < kAccounts; ++key) {
    if (!in_haste) std::this_thread::yield();  // As a copy that is written to somewhere.
    const auto value = cache.get(key).value_or(0);
    if (value > before) return false;
    before = value;
  }
  return first - before <= 1;
}

Findings photograph(const Surroundings& surroundings) {
  auto options = plain_options(1'000);
  options.shards = 8;
  NumberCache cache(options);
  NumberCache album(options);
  const auto pictures = surroundings.work(200);
  std::size_t snapshots_torn = 0;
  std::size_t copies_torn = 0;
  std::uint64_t rounds = 0;
  double longest = 0;
  {
    const Rounds writer(cache);
    static_cast<void>(wait_for([&] { return writer.rounds() > 0; }));
    for (std::size_t i = 0; i < pictures; ++i) {
      const Stopwatch watch;
      const auto snapshot = cache.take_snapshot();
      longest = std::max(longest, watch.nanoseconds() / 1e3);
      album.restore_snapshot(snapshot);
      if (!is_one_moment(album)) ++snapshots_torn;
      if (!is_one_moment(cache, false)) ++copies_torn;
    }
    rounds = writer.rounds();
  }
  Findings findings;
  const auto number_of_pictures = static_cast<double>(pictures);
  const auto torn = static_cast<double>(copies_torn);
  findings.add(Bars{"64 entries of one moment, seen by",
                    "pictures that are torn",
                    {{"take_snapshot()", static_cast<double>(snapshots_torn),
                      std::to_string(snapshots_torn) + " of " + fixed(number_of_pictures, 0)},
                     {"a get() for each key", torn,
                      std::to_string(copies_torn) + " of " + fixed(number_of_pictures, 0)}}});
  findings.say("Meanwhile the writer made " + demo::grouped(rounds) +
               " rounds over 8 shards; the longest snapshot took " + fixed(longest, 0) + " us.");
  findings.facts["snapshots_torn"] = static_cast<double>(snapshots_torn);
  findings.claim("every snapshot shows one moment, over all shards, while a writer goes on",
                 snapshots_torn == 0 && rounds > 0);
  return findings;
}

}  // namespace

Stop memento_stop() {
  return {
      .name = "memento",
      .chapter = Chapter::patterns,
      .title = "Memento: one moment of a cache in use",
      .question =
          "Take a consistent snapshot of a sharded cache with writers at work, without stopping "
          "the world.",
      .experiment =
          "A writer raises 64 entries in turn; snapshots of that cache are restored into another "
          "and looked at, "
          "beside copies made key by key.",
      .run = photograph,
      .answer = R"(
All shards are locked together only for as long as it takes to mark them: each now *owes* a copy. Then traffic goes on. Whoever
changes a shard first makes its copy before the change; what nobody touches is copied by whoever asked for the snapshot. So all
copies show the moment of the marking, and no operation waits longer than the copy of one shard takes.

Copies are cheap because values never change in place: a copied entry shares its value's block with the cache (a number is copied). The snapshot itself is
opaque (that is the memento's point): it can be kept, copied and restored, but not edited. Restore builds tables, wheels and
strategies aside and exchanges everything at once.)",
      .follow_ups =
          {{"Why not fork(), as Redis does?",
            "A library must not fork its host: threads, locks and descriptors of the program would "
            "be cloned in the middle "
            "of what they do."},
           {"What is not in it?",
            "The write policy, which stays, and what is computed from the rest (budget, order "
            "within the wheel), which is "
            "computed anew."},
           {"How does it get into a file?",
            "`save_snapshot` writes such a moment in the order of use, with a checksum for each "
            "block, aside and then "
            "renamed; `load_snapshot` verifies all of it before the first entry is shown."}},
      .places = {{"core/include/tarmac/core/snapshot.h", "class Snapshot",
                  "opaque to who keeps it"},
                 {"core/include/tarmac/core/internal/engine_snapshot.h", "take_snapshot",
                  "marking and copying"},
                 {"docs/decisions/0007-snapshot-by-first-change.md", "shard",
                  "why by the first change"}},
  };
}

}  // namespace tarmac::interview
