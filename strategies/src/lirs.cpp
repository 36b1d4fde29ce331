#include <tarmac/strategies/lirs.h>

#include "history.h"
#include "node_list.h"
#include "shares.h"
#include "stable_order.h"

#include <algorithm>

namespace tarmac {
namespace {

using internal::History;

// In the history: what a resident is. In `flags` of a node: kLir or, for HIR, nothing.
constexpr std::uint8_t kLir = 1;
constexpr std::uint8_t kHir = 2;

/// The stack S of the paper is the history: residents and ghosts by their last use. Its oldest
/// place is always that of a LIR entry, because whatever is older can no longer prove itself. The
/// queue Q holds the HIR entries, in the stack or not.
class Lirs final : public EvictionStrategy {
 public:
  explicit Lirs(const LirsOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "lirs"; }

  void on_arrival(const EntryNode& node) noexcept override { stack_.announce(node.hash); }

  void on_insert(EntryNode& node) noexcept override {
    const std::uint64_t cost = capacity_.cost(node);
    const bool has_come_back = stack_.comes_back(node.hash) && cost <= lir_limit_;
    const bool is_lir =
        has_come_back || (lir_cost_ <= lir_limit_ && cost <= lir_limit_ - lir_cost_);
    if (stack_.push_newest(node, is_lir ? kLir : kHir) && is_lir) {
      become_lir(node);
    } else {
      queue_.push_newest(node);
    }
    trim();
  }

  void on_access(EntryNode& node) noexcept override {
    if ((node.flags & kLir) != 0) {
      const bool was_oldest = stack_.oldest() == slot_of(node);
      stack_.move_to_newest(slot_of(node));
      if (was_oldest) prune();
    } else if (node.scratch == History::kNone) {
      queue_.move_to_newest(node);
      stack_.push_newest(node, kHir);
      trim();
    } else if (stack_.newest() == slot_of(node) || capacity_.cost(node) > lir_limit_) {
      stack_.move_to_newest(slot_of(node));
      queue_.move_to_newest(node);
    } else {
      queue_.remove(node);
      stack_.move_to_newest(slot_of(node));
      stack_.set_state(slot_of(node), kLir);
      become_lir(node);
    }
  }
  // After the first of a run the entry is the newest, and the others say nothing new.
  void on_access_run(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    if (node.scratch != History::kNone) stack_.reweigh(slot_of(node));
    if (capacity_.in_weight && (node.flags & kLir) != 0) {
      lir_cost_ -= old_weight;
      lir_cost_ += node.weight;
    }
    // Else it would demote everything else before itself.
    if ((node.flags & kLir) != 0 && capacity_.cost(node) > lir_limit_) demote(node);
    on_access(node);
    fit();
    trim();
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if ((node.flags & kLir) != 0) {
      lir_cost_ -= capacity_.cost(node);
      node.flags = 0;
      stack_.drop(slot_of(node));
      prune();
      return;
    }
    queue_.remove(node);
    if (node.scratch == History::kNone) return;
    if (cause == RemovalCause::evicted) {
      stack_.leave_ghost(slot_of(node));
      trim();
    } else {
      stack_.drop(slot_of(node));
    }
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    if (!queue_.empty()) return queue_.oldest();
    return stack_.oldest() == History::kNone ? nullptr : &stack_.node(stack_.oldest());
  }
  [[nodiscard]] Outlook outlook() const noexcept override { return queue_.outlook(); }

  void prefetch(std::uint64_t hash) const noexcept override { stack_.prefetch(hash); }

  void on_resize(const StrategyCapacity& capacity) override {
    stack_.reserve_for(
        capacity, options_.stack > 0 ? std::min(options_.ghosts, options_.stack) : options_.ghosts);
    capacity_ = capacity;
    const std::uint64_t hir =
        std::max<std::uint64_t>(1, internal::share_of(capacity.amount, options_.hir_share));
    lir_limit_ = capacity.amount - std::min(hir, capacity.amount);
    ghost_limit_ = internal::share_of(capacity.amount, options_.ghosts);
    stack_limit_ = options_.stack > 0 ? internal::share_of(capacity.amount, options_.stack)
                                      : std::numeric_limits<std::uint64_t>::max();
    stack_.weigh_by(capacity.in_weight);
    recount();
    fit();
    trim();
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = queue_.hand_over(order);
    while (stack_.oldest() != History::kNone) {
      const History::Slot oldest = stack_.oldest();
      if (stack_.state(oldest) == kLir) {
        EntryNode& node = stack_.node(oldest);
        node.flags = 0;
        TARMAC_ASSERT(written < order.size());
        order[written++] = &node;
      }
      stack_.drop(oldest);
    }
    lir_cost_ = 0;
  }

  // What was never hit, the oldest of it first, makes up the HIR share: nothing is known of how far
  // its uses lie apart. Everything has the place of its last use.
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    std::uint64_t total = 0;
    for (const EntryNode* node : order) total += capacity_.cost(*node);
    for (const bool hit : {false, true}) {
      for (EntryNode* node : order) {
        if ((node->visits > 0) != hit || node->flags != 0) continue;
        const std::uint64_t cost = capacity_.cost(*node);
        if (total <= lir_limit_ && cost <= lir_limit_) continue;
        node->flags = kHir;
        total -= cost;
      }
    }
    for (EntryNode* node : order) {
      const bool is_lir = node->flags != kHir;
      node->flags = 0;
      if (stack_.push_newest(*node, is_lir ? kLir : kHir) && is_lir) {
        node->flags = kLir;
        lir_cost_ += capacity_.cost(*node);
      } else {
        queue_.push_newest(*node);
      }
    }
    prune();
  }

 private:
  static History::Slot slot_of(const EntryNode& node) noexcept {
    return static_cast<History::Slot>(node.scratch);
  }

  /// `node` has its place in the stack already, and none in the queue.
  void become_lir(EntryNode& node) noexcept {
    node.flags = kLir;
    lir_cost_ += capacity_.cost(node);
    fit();
  }

  /// Demotes the LIR entries idle for the longest time until the others fit their share.
  void fit() noexcept {
    while (lir_cost_ > lir_limit_) {
      const History::Slot oldest = stack_.oldest();
      TARMAC_ASSERT(oldest != History::kNone && stack_.state(oldest) == kLir);
      demote(stack_.node(oldest));
    }
  }

  void demote(EntryNode& node) noexcept {
    lir_cost_ -= capacity_.cost(node);
    node.flags = 0;
    stack_.drop(slot_of(node));
    queue_.push_newest(node);
    prune();
  }

  void prune() noexcept {
    while (stack_.oldest() != History::kNone && stack_.state(stack_.oldest()) != kLir) {
      stack_.drop(stack_.oldest());
    }
  }

  /// After something was added: keeps the bounds, and the stack empty while nothing is LIR.
  void trim() noexcept {
    prune();
    while (stack_.ghost_cost() > ghost_limit_ ||
           (stack_.cost() > stack_limit_ && stack_.ghosts() > 0)) {
      stack_.drop(stack_.oldest_ghost());
    }
  }

  /// The unit of the capacity may be another one now.
  void recount() noexcept {
    lir_cost_ = 0;
    for (History::Slot slot = stack_.oldest(); slot != History::kNone;
         slot = stack_.newer_than(slot)) {
      if (stack_.state(slot) == kLir) lir_cost_ += capacity_.cost(stack_.node(slot));
    }
  }

  LirsOptions options_;
  StrategyCapacity capacity_;
  History stack_;
  internal::NodeList queue_;
  std::uint64_t lir_cost_ = 0;
  std::uint64_t lir_limit_ = std::numeric_limits<std::uint64_t>::max() - 1;
  std::uint64_t ghost_limit_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t stack_limit_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_lirs(const LirsOptions& options) {
  internal::check_option("lirs", "hir_share", options.hir_share, 0, 1);
  internal::check_option("lirs", "ghosts", options.ghosts, 0, internal::kMostOfCapacity);
  internal::check_option("lirs", "stack", options.stack, 0, internal::kMostOfCapacity);
  return std::make_unique<Lirs>(options);
}

}  // namespace tarmac
