#include <tarmac/strategies/frd.h>

#include "history.h"
#include "node_list.h"
#include "shares.h"
#include "stable_order.h"

#include <algorithm>

namespace tarmac {
namespace {

using internal::History;

// In the history: what a resident is. In `flags` of a node: kMain or, in the filter, nothing.
constexpr std::uint8_t kMain = 1;
constexpr std::uint8_t kFilter = 2;

/// The history is the paper's reuse distance stack: the main entries, and what it calls history
/// blocks, those of entries in the filter and those of keys that left it. One place serves an entry
/// from its arrival until its key is forgotten. The oldest place is always that of a main entry:
/// whatever is older would be no reason to evict it.
class Frd final : public EvictionStrategy {
 public:
  explicit Frd(const FrdOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "frd"; }

  void on_arrival(const EntryNode& node) noexcept override {
    stack_.announce(node.hash);
    arriving_cost_ = capacity_.cost(node);
  }

  void on_insert(EntryNode& node) noexcept override {
    const std::uint64_t cost = capacity_.cost(node);
    const bool has_come_back = stack_.comes_back(node.hash) && cost <= main_limit_;
    const std::uint64_t held = main_cost_ + filter_cost_;
    const bool is_first_fill = held <= main_limit_ && cost <= main_limit_ - held;
    if ((has_come_back || is_first_fill) && stack_.push_newest(node, kMain)) {
      node.flags = kMain;
      main_cost_ += cost;
      if (++mains_ == 1) prune();
      return;
    }
    filter_.push_newest(node);
    filter_cost_ += cost;
    stack_.push_newest(node, kFilter);
    prune();
  }

  void on_access(EntryNode& node) noexcept override {
    if ((node.flags & kMain) != 0) {
      const bool was_oldest = stack_.oldest() == slot_of(node);
      stack_.move_to_newest(slot_of(node));
      if (was_oldest) prune();
      return;
    }
    filter_.move_to_newest(node);
    if (node.scratch != History::kNone) {
      stack_.move_to_newest(slot_of(node));
    } else {
      stack_.push_newest(node, kFilter);
      prune();
    }
  }
  void on_access_run(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    if (node.scratch != History::kNone) stack_.reweigh(slot_of(node));
    if (capacity_.in_weight) {
      std::uint64_t& held = (node.flags & kMain) != 0 ? main_cost_ : filter_cost_;
      held -= old_weight;
      held += node.weight;
    }
    on_access(node);
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if ((node.flags & kMain) != 0) {
      main_cost_ -= capacity_.cost(node);
      --mains_;
      node.flags = 0;
      stack_.drop(slot_of(node));
      prune();
      main_left_ = true;
      return;
    }
    main_left_ = false;
    filter_cost_ -= capacity_.cost(node);
    filter_.remove(node);
    if (node.scratch == History::kNone) return;
    if (cause == RemovalCause::evicted) {
      stack_.leave_ghost(slot_of(node));
      trim();
    } else {
      stack_.drop(slot_of(node));
    }
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    // The main entries make room for each other only.
    const bool one_arrives = stack_.awaits_return() && arriving_cost_ <= main_limit_;
    const bool main_is_full = main_cost_ > main_limit_ - (one_arrives ? arriving_cost_ : 0);
    EntryNode* const main = oldest_main();
    if (main != nullptr && (main_is_full || filter_.empty())) return main;
    return filter_.oldest();
  }
  // Who arrives decides which of two it is. One that was told of before is still at hand.
  [[nodiscard]] Outlook outlook() const noexcept override {
    if (main_left_ || filter_.empty()) return {oldest_main(), filter_.oldest()};
    const Outlook ahead = filter_.outlook();
    stack_.fetch_place(slot_of(*ahead.next));
    return ahead;
  }

  void prefetch(std::uint64_t hash) const noexcept override { stack_.prefetch(hash); }

  void on_resize(const StrategyCapacity& capacity) override {
    stack_.reserve_for(capacity, options_.ghosts);
    capacity_ = capacity;
    main_limit_ =
        std::min(capacity.amount, internal::share_of(capacity.amount, options_.main_share));
    ghost_limit_ = internal::share_of(capacity.amount, options_.ghosts);
    stack_.weigh_by(capacity.in_weight);
    recount();
    trim();
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    // Only the first is known for sure: which comes after it depends on who arrives.
    EntryNode* const victim = choose_victim();
    std::size_t written = 0;
    if (victim != nullptr) {
      on_remove(*victim, RemovalCause::cleared);
      order[written++] = victim;
    }
    written += filter_.hand_over(order.subspan(written));
    while (stack_.oldest() != History::kNone) {
      const History::Slot oldest = stack_.oldest();
      if (stack_.state(oldest) == kMain) {
        EntryNode& node = stack_.node(oldest);
        node.flags = 0;
        TARMAC_ASSERT(written < order.size());
        order[written++] = &node;
      }
      stack_.drop(oldest);
    }
    mains_ = 0;
    main_cost_ = 0;
    filter_cost_ = 0;
  }

  // What was hit, the newest of it first, fills the main share, and then the newest of the rest.
  // Everything has the place of its last use.
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    for (const bool hit : {true, false}) {
      for (std::size_t place = order.size(); place > 0; --place) {
        EntryNode& node = *order[place - 1];
        const std::uint64_t cost = capacity_.cost(node);
        if ((node.visits > 0) != hit || cost > main_limit_ - main_cost_) continue;
        node.flags = kMain;
        main_cost_ += cost;
        ++mains_;
      }
    }
    for (EntryNode* node : order) {
      const bool is_main = node->flags == kMain;
      if (stack_.push_newest(*node, is_main ? kMain : kFilter) && is_main) continue;
      if (is_main) {
        --mains_;
        main_cost_ -= capacity_.cost(*node);
      }
      node->flags = 0;
      filter_.push_newest(*node);
      filter_cost_ += capacity_.cost(*node);
    }
    prune();
  }

 private:
  static History::Slot slot_of(const EntryNode& node) noexcept {
    return static_cast<History::Slot>(node.scratch);
  }

  [[nodiscard]] EntryNode* oldest_main() const noexcept {
    const History::Slot oldest = stack_.oldest();
    return oldest != History::kNone && stack_.state(oldest) == kMain ? &stack_.node(oldest)
                                                                     : nullptr;
  }

  void prune() noexcept {
    if (mains_ == 0) return;  // Everything would go.
    while (stack_.oldest() != History::kNone && stack_.state(stack_.oldest()) != kMain) {
      stack_.drop(stack_.oldest());
    }
  }

  void trim() noexcept {
    while (stack_.ghost_cost() > ghost_limit_) stack_.drop(stack_.oldest_ghost());
  }

  /// The unit of the capacity may be another one now.
  void recount() noexcept {
    main_cost_ = 0;
    filter_cost_ = 0;
    for (History::Slot slot = stack_.oldest(); slot != History::kNone;
         slot = stack_.newer_than(slot)) {
      if (stack_.state(slot) == kMain) main_cost_ += capacity_.cost(stack_.node(slot));
    }
    for (const EntryNode* node = filter_.oldest(); node != nullptr;
         node = filter_.newer_than(*node)) {
      filter_cost_ += capacity_.cost(*node);
    }
  }

  FrdOptions options_;
  StrategyCapacity capacity_;
  History stack_;
  internal::NodeList filter_;
  bool main_left_ = false;  // The last that left was a main entry.
  std::uint64_t mains_ = 0;
  std::uint64_t main_cost_ = 0;
  std::uint64_t filter_cost_ = 0;
  std::uint64_t arriving_cost_ = 0;
  std::uint64_t main_limit_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t ghost_limit_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_frd(const FrdOptions& options) {
  internal::check_option("frd", "main_share", options.main_share, 0, 1);
  internal::check_option("frd", "ghosts", options.ghosts, 0, internal::kMostOfCapacity);
  return std::make_unique<Frd>(options);
}

}  // namespace tarmac
