#include "lab/caches.h"
#include "stops/stops.h"

#include <tarmac/core/assert.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <memory>

namespace tarmac::interview {
namespace {

/// The entry that came or was used last leaves. Complete: this is all that a strategy needs.
class MostRecent final : public EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "interview_mru"; }
  void on_insert(EntryNode& node) noexcept override {
    node.next = top_;
    node.previous = nullptr;
    if (top_ != nullptr) top_->previous = &node;
    top_ = &node;
  }
  void on_access(EntryNode& node) noexcept override {
    on_remove(node, RemovalCause::evicted);
    on_insert(node);
  }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }
  void on_remove(EntryNode& node, RemovalCause) noexcept override {
    (node.previous != nullptr ? node.previous->next : top_) = node.next;
    if (node.next != nullptr) node.next->previous = node.previous;
    node.previous = nullptr;
    node.next = nullptr;
  }
  [[nodiscard]] EntryNode* choose_victim() noexcept override { return top_; }
  void hand_over(std::span<EntryNode*> order) noexcept override {
    for (auto*& place : order) {
      TARMAC_ASSERT(top_ != nullptr);  // There is a place for each tracked node, and no more.
      place = top_;
      on_remove(*top_, RemovalCause::evicted);
    }
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    std::stable_sort(order.begin(), order.end(), [](const EntryNode* a, const EntryNode* b) {
      return is_older(a->accessed_at, b->accessed_at);
    });
    for (auto* node : order) on_insert(*node);
    std::reverse(order.begin(), order.end());
  }

 private:
  EntryNode* top_ = nullptr;
};

/// Hits of a loop over 1,200 keys in a cache of 1,000 entries.
double loop_hits(NumberCache& cache, int laps) {
  const auto before = cache.stats();
  for (int lap = 0; lap < laps; ++lap) {
    for (std::uint64_t key = 0; key < 1'200; ++key) {
      if (!cache.get(key)) cache.set(key, key);
    }
  }
  const auto after = cache.stats();
  return static_cast<double>(after.hits - before.hits) / (1'200.0 * laps);
}

Findings add_one(const Surroundings&) {
  strategy_registry().add("interview_mru",
                          [](const Parameters&) { return std::make_unique<MostRecent>(); });
  NumberCache lru(plain_options(1'000));
  NumberCache mru(plain_options(1'000, "interview_mru"));
  const auto by_lru = loop_hits(lru, 10);
  const auto by_mru = loop_hits(mru, 10);
  const auto held = lru.size();
  lru.swap_strategy("interview_mru");
  const bool kept_all = lru.size() == held;
  const auto swapped = loop_hits(lru, 10);
  Findings findings;
  findings.facts["lru"] = by_lru;
  findings.facts["mru"] = by_mru;
  findings.facts["swapped"] = swapped;
  findings.add(Bars{"a loop over 1,200 keys, 1,000 entries",
                    "hits, %",
                    {{"lru", by_lru, fixed(100 * by_lru)},
                     {"interview_mru", by_mru, fixed(100 * by_mru)},
                     {"lru, swapped to it", swapped, fixed(100 * swapped)}}});
  findings.claim("a strategy that this program registered is known by name to options and swaps",
                 kept_all);
  findings.claim("LRU never hits in a loop that does not fit; the new strategy mostly does",
                 by_lru == 0 && by_mru > 0.6 && swapped > 0.6);
  return findings;
}

}  // namespace

Stop add_strategy_stop() {
  return {
      .name = "add-strategy",
      .chapter = Chapter::talking_points,
      .title = "A strategy of your own",
      .question = "Show me how somebody adds an eviction policy without touching your library.",
      .experiment =
          "This stop's own source has MRU (the entry used last leaves): registered under a name, "
          "used by a "
          "cache, and swapped into another one.",
      .run = add_one,
      .answer = R"(
Implement `EvictionStrategy`, and register a factory under a name; from then on options, swaps and YAML files know it. Seven functions
matter: insert, access, update, remove, choose a victim, and the two halves of a swap. All calls come under one shard's lock, so there is
nothing to synchronise; each shard has an instance of its own. Nodes are linked through their own fields, so nothing is
allocated.

In the tree it is five steps (CONTRIBUTING.md): say what it is for, write it, one row in the catalogue, a test of what makes it
differ, and a line for users. A test performs these steps in a copy of the tree, so the recipe cannot rot. The contract suite
runs over every row of the catalogue, so a new strategy is tested before its own tests are written.)",
      .follow_ups = {{"What do people get wrong?",
                      "A pointer to a node that has left (`on_remove` must forget it, wherever the "
                      "hand stands), and a swap that drops "
                      "nodes. The contract suite looks for both."},
                     {"How do I compare it with the others?",
                      "`tarmac simulate` replays traces through strategies of the catalogue, yours "
                      "beside the rest, with Belady's bound."},
                     {"When would anybody want MRU?",
                      "For loops over more than the cache holds, such as a table scan that is "
                      "repeated: keeping a fixed part hits every "
                      "lap, keeping the newest never does."}},
      .places = {{"interview/src/stops/add_strategy.cpp", "class MostRecent",
                  "the strategy that you have just seen"},
                 {"CONTRIBUTING.md", "## Add an eviction strategy", "the recipe"},
                 {"strategies/src/catalog.cpp", "make_lru", "the table"},
                 {"docs/strategies.md", "Your own", "for programs"}},
  };
}

}  // namespace tarmac::interview
