#include <tarmac/core/lowered_marks.h>
#include <tarmac/strategies/sieve.h>

#include <algorithm>

#include "node_list.h"
#include "stable_order.h"

namespace tarmac {
namespace {

class Sieve final : public EvictionStrategy, public LoweredMarks {
 public:
  Sieve() : LoweredMarks(1) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "sieve"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::mark; }

  void on_insert(EntryNode& node) noexcept override { line_.push_newest(node); }
  void on_update(EntryNode& node, std::uint32_t) noexcept override {
    raise_mark(node, 1, highest_mark());
  }
  void on_remove(EntryNode& node, RemovalCause) noexcept override {
    // Not reset: entries it has just spared would be judged twice in one sweep.
    if (hand_ == &node) hand_ = line_.newer_than(node);
    line_.remove(node);
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    EntryNode* node = at_hand();
    while (node != nullptr && node->mark > 0) {
      lower_mark(*node, 0);
      hand_ = line_.newer_than(*node);
      node = at_hand();
    }
    hand_ = node;
    return node;
  }

  [[nodiscard]] Outlook outlook() const noexcept override {
    const EntryNode* const next = at_hand();
    return {next, next != nullptr ? line_.newer_than(*next) : nullptr};
  }

  /// The rest of the sweep without marks, then the others in the order of a sweep.
  void hand_over(std::span<EntryNode*> order) noexcept override {
    EntryNode* const first = choose_victim();
    line_.hand_over(order);
    hand_ = nullptr;
    std::rotate(order.begin(), std::find(order.begin(), order.end(), first), order.end());
    internal::sort_stably(order, [](const EntryNode& node) { return node.mark > 0 ? 1 : 0; });
    for (EntryNode* node : order) node->mark = 0;
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::inserted_at);
    line_.take_over(order);
    for (EntryNode* node : order) node->mark = node->visits > 0 ? 1 : 0;
  }

 private:
  [[nodiscard]] EntryNode* at_hand() const noexcept {
    return hand_ != nullptr ? hand_ : line_.oldest();
  }

  internal::NodeList line_;
  EntryNode* hand_ = nullptr;  // Null before the first sweep, and past the newest.
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_sieve() { return std::make_unique<Sieve>(); }

}  // namespace tarmac
