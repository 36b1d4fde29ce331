#include <tarmac/core/lowered_marks.h>
#include <tarmac/strategies/clock.h>

#include <algorithm>
#include <string>

#include "node_list.h"
#include "stable_order.h"

namespace tarmac {
namespace {

/// The hand stands at the oldest place: the line turns, not the hand.
class ClockStrategy final : public EvictionStrategy, public LoweredMarks {
 public:
  explicit ClockStrategy(std::uint64_t bits) : rounds_max_((1U << bits) - 1) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "clock"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::mark; }

  void on_insert(EntryNode& node) noexcept override { line_.push_newest(node); }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { raise_mark(node); }
  void on_remove(EntryNode& node, RemovalCause) noexcept override { line_.remove(node); }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    EntryNode* node = line_.oldest();
    while (node != nullptr && node->mark > 0) {
      // Marks may count further than this clock does; cutting them here is as good as at the hit.
      const auto counted = std::min<std::uint32_t>(node->mark, rounds_max_);
      lower_mark(*node, static_cast<std::uint8_t>(counted - 1));
      line_.move_to_newest(*node);
      node = line_.oldest();
    }
    return node;
  }
  [[nodiscard]] Outlook outlook() const noexcept override { return line_.outlook(); }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    line_.hand_over(order);
    internal::sort_stably(order, [](const EntryNode& node) { return node.mark; });
    for (EntryNode* node : order) node->mark = 0;
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    line_.take_over(order);
  }

 private:
  internal::NodeList line_;
  std::uint32_t rounds_max_;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_clock(const ClockOptions& options) {
  if (options.bits < 1 || options.bits > 2) {
    throw ConfigError("strategy \"clock\": bits must be 1 or 2, not " +
                      std::to_string(options.bits));
  }
  return std::make_unique<ClockStrategy>(options.bits);
}

}  // namespace tarmac
