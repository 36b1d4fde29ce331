#include <tarmac/core/lowered_marks.h>
#include <tarmac/strategies/clockproplus.h>

#include "history.h"
#include "node_list.h"
#include "shares.h"
#include "stable_order.h"

#include <algorithm>

namespace tarmac {
namespace {

using internal::History;
using Slot = History::Slot;

constexpr std::uint64_t kFewestCold = 2;

// In the history: what a resident is. Ghosts are in their test period, always.
constexpr std::uint8_t kHot = 1;
constexpr std::uint8_t kCold = 2;
constexpr std::uint8_t kColdInTest = 3;
// In `flags` of a cold node: it was hot, and not used since.
constexpr std::uint8_t kDemoted = 1;

/// The clock of the paper, cut open: since whatever a hand passes goes to the newest place or
/// changes its kind, a hand is where the search for the oldest of a kind goes on. Nothing of this
/// kind is older. The exception is the hot hand, which does something to what it passes (it ends
/// test periods) and therefore always stands on the oldest hot entry.
class ClockProPlus final : public EvictionStrategy, public LoweredMarks {
 public:
  explicit ClockProPlus(const ClockProPlusOptions& options) : LoweredMarks(1), options_(options) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "clockproplus"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::mark; }

  void on_insert(EntryNode& node) noexcept override {
    const std::uint64_t cost = capacity_.cost(node);
    const std::uint64_t held = hot_cost_ + cold_cost_;
    const std::uint64_t first_fill = capacity_.amount - cold_min_;
    std::uint8_t kind = kColdInTest;
    if (const Slot ghost = clock_.find_ghost(node.hash); ghost != History::kNone) {
      move_target(true, cost);
      if (can_become_hot(ghost, cost)) kind = kHot;
      if (const Slot still = clock_.find_ghost(node.hash); still != History::kNone) drop(still);
    }
    if (!is_filled_ && held <= first_fill && cost <= first_fill - held) kind = kHot;
    track(node, kind);
  }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    if (capacity_.in_weight) {
      std::uint64_t& share = is_hot(node) ? hot_cost_ : cold_cost_;
      share -= old_weight;
      share += node.weight;
      if ((node.flags & kDemoted) != 0) {
        demoted_cost_ -= old_weight;
        demoted_cost_ += node.weight;
      }
    }
    if (node.scratch != History::kNone) clock_.reweigh(slot_of(node));
    raise_mark(node, 1, highest_mark());
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    forget_demotion(node);
    if (cause == RemovalCause::evicted) is_filled_ = true;
    if (node.scratch == History::kNone) {
      discount(kCold, capacity_.cost(node));
      unplaced_.remove(node);
      return;
    }
    const Slot slot = slot_of(node);
    const std::uint8_t kind = clock_.state(slot);
    discount(kind, capacity_.cost(node));
    if (kind == kColdInTest && cause == RemovalCause::evicted) {
      leave_ghost(slot);
    } else {
      drop(slot);
    }
    advance_hot_hand();
    // What the next search would pass over anyway: outlook() shows who stands behind it.
    static_cast<void>(oldest_cold());
  }

  // Marked entries are dealt with on the way, so that the second question meets the same victim.
  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    if (!unplaced_.empty()) return unplaced_.oldest();
    while (true) {
      const Slot slot = oldest_cold();
      if (slot == History::kNone) {
        if (hots_ == 0) return nullptr;
        demote_oldest_hot(History::kNone);
      } else if (clock_.node(slot).mark == 0) {
        return &clock_.node(slot);
      } else {
        spare(slot);
      }
    }
  }

  [[nodiscard]] Outlook outlook() const noexcept override {
    if (!unplaced_.empty()) return unplaced_.outlook();
    if (!is_cold(cold_hand_)) return {};
    const Slot after = clock_.newer_than(cold_hand_);
    clock_.fetch_beyond(after);
    return {&clock_.node(cold_hand_), is_cold(after) ? &clock_.node(after) : nullptr};
  }
  void prefetch(std::uint64_t hash) const noexcept override { clock_.prefetch(hash); }

  void on_resize(const StrategyCapacity& capacity) override {
    clock_.reserve_for(capacity, options_.ghosts);
    if (capacity.amount > capacity_.amount || hots_ == 0) is_filled_ = false;
    capacity_ = capacity;
    const std::uint64_t amount = capacity.amount;
    cold_min_ = std::min(
        amount, std::max(kFewestCold, internal::share_of(amount, options_.cold_share_min)));
    cold_max_ = std::clamp(internal::share_of(amount, options_.cold_share_max), cold_min_,
                           std::max(cold_min_, amount - cold_min_));
    cold_target_ = std::clamp(cold_target_, cold_min_, cold_max_);
    ghost_limit_ = internal::share_of(amount, options_.ghosts);
    clock_.weigh_by(capacity.in_weight);
    recount();
    trim();
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = 0;
    const auto give = [&](EntryNode& node) {
      TARMAC_ASSERT(written < order.size());
      on_remove(node, RemovalCause::cleared);
      node.mark = 0;
      order[written++] = &node;
    };
    if (EntryNode* const victim = choose_victim(); victim != nullptr) give(*victim);
    while (!unplaced_.empty()) give(*unplaced_.oldest());
    for (Slot slot = oldest_cold(); slot != History::kNone; slot = oldest_cold()) {
      give(clock_.node(slot));
    }
    while (hots_ > 0) give(clock_.node(hot_hand_));
    while (clock_.oldest() != History::kNone) clock_.drop(clock_.oldest());
    cold_hand_ = test_hand_ = hot_hand_ = History::kNone;
    is_filled_ = false;
    cold_target_ = cold_min_;
  }

  // What was hit, the newest of it first, becomes hot, and then the newest of the rest. Everything
  // has the place of its last use.
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    std::uint64_t room = hot_limit();
    for (const bool hit : {true, false}) {
      for (std::size_t place = order.size(); place > 0; --place) {
        EntryNode& node = *order[place - 1];
        const std::uint64_t cost = capacity_.cost(node);
        if ((node.visits > 0) != hit || node.scratch != 0 || cost > room) continue;
        node.scratch = 1;  // Until all are tracked: it will be hot.
        room -= cost;
      }
    }
    for (EntryNode* node : order) {
      const bool hot = node->scratch != 0;
      node->scratch = 0;
      track(*node, hot ? kHot : kColdInTest);
    }
  }

 private:
  static Slot slot_of(const EntryNode& node) noexcept { return static_cast<Slot>(node.scratch); }

  [[nodiscard]] bool is_hot(const EntryNode& node) const noexcept {
    return node.scratch != History::kNone && clock_.state(slot_of(node)) == kHot;
  }
  /// False for kNone.
  [[nodiscard]] bool is_cold(Slot slot) const noexcept {
    return clock_.state(slot) == kCold || clock_.state(slot) == kColdInTest;
  }
  [[nodiscard]] std::uint64_t hot_limit() const noexcept { return capacity_.amount - cold_target_; }

  void track(EntryNode& node, std::uint8_t kind) noexcept {
    if (clock_.push_newest(node, kind)) {
      settle_hands(slot_of(node));
    } else {
      unplaced_.push_newest(node);  // Without memory for its place: the next victim.
      kind = kCold;
    }
    count(kind, capacity_.cost(node));
    advance_hot_hand();
  }

  void count(std::uint8_t kind, std::uint64_t cost) noexcept {
    (kind == kHot ? hot_cost_ : cold_cost_) += cost;
    if (kind == kHot) ++hots_;
  }

  void discount(std::uint8_t kind, std::uint64_t cost) noexcept {
    (kind == kHot ? hot_cost_ : cold_cost_) -= cost;
    if (kind == kHot) --hots_;
  }

  /// Moves a resident to the newest place as `kind`, with its mark taken down.
  void renew(Slot slot, std::uint8_t kind) noexcept {
    EntryNode& node = clock_.node(slot);
    lower_mark(node, 0);
    discount(clock_.state(slot), capacity_.cost(node));
    leave_hands(slot);
    clock_.move_to_newest(slot);
    clock_.set_state(slot, kind);
    settle_hands(slot);
    count(kind, capacity_.cost(node));
  }

  /// The oldest cold entry was used: it becomes hot if its test says so, and is newest in any case.
  void spare(Slot slot) noexcept {
    EntryNode& node = clock_.node(slot);
    const std::uint64_t cost = capacity_.cost(node);
    reward_demoted(node);
    const bool is_tested = clock_.state(slot) == kColdInTest;
    renew(slot, is_tested && can_become_hot(slot, cost) ? kHot : kColdInTest);
    advance_hot_hand();
  }

  /// Demotes hot entries until one of `cost` fits in with them. False if the hot hand passes the
  /// candidate before: its last two uses lie further apart than those of the hot entries.
  [[nodiscard]] bool can_become_hot(Slot candidate, std::uint64_t cost) noexcept {
    if (cost > hot_limit()) return false;
    candidate_ = candidate;
    while (candidate_ != History::kNone && hot_cost_ > hot_limit() - cost) {
      demote_oldest_hot(candidate);
    }
    const bool is_before_the_hand = candidate_ != History::kNone;
    candidate_ = History::kNone;
    return is_before_the_hand;
  }

  /// Turns the hot hand until it has found a hot entry without a mark, or reaches `end`, which it
  /// then passes.
  void demote_oldest_hot(Slot end) noexcept {
    bool has_demoted = false;
    while (hots_ > 0 && hot_hand_ != end && !has_demoted) {
      const Slot slot = hot_hand_;
      if (clock_.state(slot) != kHot) {
        if (clock_.state(slot) != History::kGhost && clock_.node(slot).mark != 0) {
          reward_demoted(clock_.node(slot));
        }
        pass(slot);
      } else if (clock_.node(slot).mark != 0) {
        renew(slot, kHot);
      } else {
        clock_.node(slot).flags = kDemoted;
        demoted_cost_ += capacity_.cost(clock_.node(slot));
        renew(slot, kCold);
        has_demoted = true;
      }
    }
    if (hots_ > 0 && hot_hand_ == end) pass(end);
    advance_hot_hand();
  }

  void advance_hot_hand() noexcept {
    while (hots_ > 0 && clock_.state(hot_hand_) != kHot) pass(hot_hand_);
  }

  /// The hot hand steps over what stands under it and ends its test period.
  void pass(Slot slot) noexcept {
    hot_hand_ = clock_.newer_than(slot);
    end_test(slot);
  }

  void end_test(Slot slot) noexcept {
    if (slot == candidate_) candidate_ = History::kNone;
    if (clock_.state(slot) == History::kGhost) {
      drop(slot);
    } else if (clock_.state(slot) == kColdInTest) {
      clock_.set_state(slot, kCold);
    }
  }

  /// A demoted entry was used again: it ought to have stayed hot.
  void reward_demoted(EntryNode& node) noexcept {
    if ((node.flags & kDemoted) == 0) return;
    move_target(false, capacity_.cost(node));
    forget_demotion(node);
  }

  void forget_demotion(EntryNode& node) noexcept {
    if ((node.flags & kDemoted) == 0) return;
    node.flags = 0;
    demoted_cost_ -= capacity_.cost(node);
  }

  /// By one entry, or by as many times that as the other side outweighs the one that had a hit.
  void move_target(bool up, std::uint64_t cost) noexcept {
    const std::uint64_t hit = up ? clock_.ghost_cost() : demoted_cost_;
    const std::uint64_t other = up ? demoted_cost_ : clock_.ghost_cost();
    const std::uint64_t times = hit == 0 ? 1 : std::max<std::uint64_t>(1, other / hit);
    // The costs are of 32 bits each, but `times` may be anything.
    const std::uint64_t step = times < capacity_.amount / (cost + 1) ? times * cost : cold_max_;
    if (up) {
      cold_target_ += std::min(step, cold_max_ - cold_target_);
    } else {
      cold_target_ -= std::min(step, cold_target_ - cold_min_);
    }
  }

  [[nodiscard]] Slot oldest_cold() noexcept {
    while (cold_hand_ != History::kNone && !is_cold(cold_hand_)) {
      cold_hand_ = clock_.newer_than(cold_hand_);
    }
    return cold_hand_;
  }

  void leave_ghost(Slot slot) noexcept {
    if (const Slot same = clock_.find_ghost(clock_.node(slot).hash); same != History::kNone) {
      drop(same);
    }
    const Slot newer = clock_.newer_than(slot);
    if (!clock_.leave_ghost(slot)) replace_in_hands(slot, newer);
    trim();
  }

  /// Ends the oldest test periods until the ghosts keep their bound.
  void trim() noexcept {
    while (clock_.ghost_cost() > ghost_limit_) {
      while (clock_.state(test_hand_) != History::kGhost &&
             clock_.state(test_hand_) != kColdInTest) {
        test_hand_ = clock_.newer_than(test_hand_);
      }
      const Slot slot = test_hand_;
      test_hand_ = clock_.newer_than(slot);
      end_test(slot);
    }
    clock_.fetch_beyond(test_hand_);  // The next to go, as a rule.
  }

  void drop(Slot slot) noexcept {
    leave_hands(slot);
    clock_.drop(slot);
  }

  void leave_hands(Slot slot) noexcept { replace_in_hands(slot, clock_.newer_than(slot)); }
  void replace_in_hands(Slot slot, Slot by) noexcept {
    for (Slot* const hand : {&cold_hand_, &hot_hand_, &test_hand_}) {
      if (*hand == slot) *hand = by;
    }
  }
  /// A hand that has passed everything waits for what comes to the newest place.
  void settle_hands(Slot slot) noexcept { replace_in_hands(History::kNone, slot); }

  /// The unit of the capacity may be another one now.
  void recount() noexcept {
    hot_cost_ = 0;
    cold_cost_ = 0;
    demoted_cost_ = 0;
    const auto add = [this](const EntryNode& node) {
      const std::uint64_t cost = capacity_.cost(node);
      (is_hot(node) ? hot_cost_ : cold_cost_) += cost;
      if ((node.flags & kDemoted) != 0) demoted_cost_ += cost;
    };
    for (Slot slot = clock_.oldest(); slot != History::kNone; slot = clock_.newer_than(slot)) {
      if (clock_.state(slot) != History::kGhost) add(clock_.node(slot));
    }
    for (const EntryNode* node = unplaced_.oldest(); node != nullptr;
         node = unplaced_.newer_than(*node)) {
      add(*node);
    }
  }

  ClockProPlusOptions options_;
  StrategyCapacity capacity_;
  History clock_;
  internal::NodeList unplaced_;
  Slot cold_hand_ = History::kNone;
  Slot hot_hand_ = History::kNone;
  Slot test_hand_ = History::kNone;
  Slot candidate_ = History::kNone;  // Set to kNone when its test period ends.
  bool is_filled_ = false;           // Something was evicted: newcomers are no longer hot at once.
  std::uint64_t hots_ = 0;
  std::uint64_t hot_cost_ = 0;
  std::uint64_t cold_cost_ = 0;
  std::uint64_t demoted_cost_ = 0;
  std::uint64_t cold_min_ = 0;
  std::uint64_t cold_max_ = 0;
  std::uint64_t cold_target_ = 0;
  std::uint64_t ghost_limit_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_clockproplus(const ClockProPlusOptions& options) {
  internal::check_option("clockproplus", "cold_share_min", options.cold_share_min, 0, 1);
  internal::check_option("clockproplus", "cold_share_max", options.cold_share_max,
                         options.cold_share_min, 1);
  internal::check_option("clockproplus", "ghosts", options.ghosts, 0, internal::kMostOfCapacity);
  return std::make_unique<ClockProPlus>(options);
}

}  // namespace tarmac
