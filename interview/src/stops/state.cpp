#include "lab/caches.h"
#include "lab/gate_store.h"
#include "stops/stops.h"

#include <tarmac/core/entry_state.h>
#include <tarmac/demo/demo_clock.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>

#include <array>
#include <thread>

namespace tarmac::interview {
namespace {

using std::chrono::minutes;

constexpr std::array kStates{EntryState::clean, EntryState::dirty, EntryState::flushing,
                             EntryState::expired, EntryState::evicted};

/// From each state, where an entry may go.
demo::Table transitions(int& allowed) {
  demo::Table table{{"from", "may become"}, {}};
  for (const auto from : kStates) {
    std::string next;
    for (const auto to : kStates) {
      if (from == to || !is_allowed(from, to)) continue;
      ++allowed;
      next += (next.empty() ? "" : ", ") + std::string(to_string(to));
    }
    table.rows.push_back(
        {{std::string(to_string(from))}, {next.empty() ? "nothing: it is gone" : next}});
  }
  return table;
}

/// An order through its life, over a store that can be held up.
class Life {
 public:
  Life() {
    auto options = plain_options(100);
    options.clock = clock_;
    cache_ = std::make_unique<TextCache>(options);
    cache_->set("order", "seen", {.ttl = minutes(10)});
    note("set, with no store behind the cache");
    cache_->set_write_policy(write_back(gate_));
    cache_->set("order", "packed", {.ttl = minutes(10)});
    note("set, under write-back");
    flush_meanwhile();
    clock_->advance(minutes(10));
    note("its ten minutes are over");
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] demo::Table table() const { return table_; }

 private:
  void flush_meanwhile() {
    gate_->close();
    std::jthread flusher([this] { static_cast<void>(cache_->flush()); });
    static_cast<void>(wait_for([this] { return gate_->waiting() > 0; }));
    note("the flusher has taken it, the store is slow");
    cache_->set("order", "sent", {.ttl = minutes(10)});
    note("a newer value comes meanwhile");
    gate_->open();
    flusher.join();
    static_cast<void>(cache_->flush());
    note("flushed: the store has the newest");
  }
  void note(const std::string& moment) {
    const auto info = cache_->inspect("order");
    const auto state = info ? std::string(to_string(info->state)) : "gone";
    path_ += (path_.empty() ? "" : " ") + state;
    table_.rows.push_back({{moment}, {state}});
  }

  std::shared_ptr<demo::DemoClock> clock_ = std::make_shared<demo::DemoClock>();
  std::shared_ptr<GateStore> gate_ = std::make_shared<GateStore>(make_memory_store());
  std::unique_ptr<TextCache> cache_;
  std::string path_;
  demo::Table table_{{"moment", "state of the entry"}, {}};
};

Findings live_a_life(const Surroundings&) {
  int allowed = 0;
  Findings findings;
  findings.add(transitions(allowed));
  const Life life;
  findings.add(life.table());
  findings.facts["allowed"] = allowed;
  findings.claim("the entry went the way of the diagram",
                 life.path() == "clean dirty flushing dirty clean gone");
  return findings;
}

}  // namespace

Stop state_stop() {
  return {
      .name = "state",
      .chapter = Chapter::patterns,
      .title = "State: the life of an entry",
      .question =
          "An entry is dirty, is being flushed, and a newer value comes. What state is it in, and "
          "who may drop it?",
      .experiment =
          "Follows one entry through its life, with a store that is held up in the middle of a "
          "flush.",
      .run = live_a_life,
      .answer = R"(
Five states, and a table of transitions that an assertion checks unless assertions were switched off in the build: a transition that the diagram lacks ends the
process instead of losing a write quietly. The interesting one is `flushing` to `dirty`: the flusher took a value, a newer one
came meanwhile, and when the store has the older one the entry still owes the newer. The flusher moves an entry only if it still
has the very version that was written, by its stamp.

What a dirty entry owes is in the write policy's queue, not in the entry. So the cache may evict, expire, clear or destroy the
entry in any state, and the write still happens: eviction never waits for a store.)",
      .follow_ups = {{"Why an enumeration, and no class for each state?",
                      "A state is one byte in an entry of which there are millions; the behaviour "
                      "that depends on it is a handful "
                      "of `if`s. Classes would cost a pointer, and hide the table."},
                     {"What guards it?",
                      "The lock of the entry's shard. Hits do not look at it: an expired entry is "
                      "known by its deadline."},
                     {"Expired and evicted: why both?",
                      "The cause counts for observers and statistics, and expired entries are no "
                      "victims: an eviction must not be "
                      "blamed on the capacity."}},
      .places = {{"core/include/tarmac/core/entry_state.h", "is_allowed", "the table"},
                 {"core/include/tarmac/core/entry_state.h", "class LifeCycle", "the assertion"},
                 {"core/include/tarmac/core/write_policy.h", "on_flush_state",
                  "who tells the entry of a flush"}},
  };
}

}  // namespace tarmac::interview
