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
  explicit ClockStrategy(std::uint64_t bits)
      : LoweredMarks(static_cast<std::uint8_t>((1U << bits) - 1)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "clock"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::mark; }

  void on_insert(EntryNode& node) noexcept override { line_.push_newest(node); }
  void on_update(EntryNode& node, std::uint32_t) noexcept override {
    raise_mark(node, 1, highest_mark());
  }
  void on_remove(EntryNode& node, RemovalCause) noexcept override { line_.remove(node); }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    EntryNode* node = line_.oldest();
    while (node != nullptr && node->mark > 0) {
      lower_mark(*node, static_cast<std::uint8_t>(rounds_of(*node) - 1));
      line_.move_to_newest(*node);
      node = line_.oldest();
    }
    return node;
  }
  [[nodiscard]] Outlook outlook() const noexcept override { return line_.outlook(); }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    line_.hand_over(order);
    internal::sort_stably(order, [this](const EntryNode& node) { return rounds_of(node); });
    for (EntryNode* node : order) node->mark = 0;
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    line_.take_over(order);
  }

 private:
  /// Whoever drives the strategy without a cache may raise marks further than this clock counts.
  [[nodiscard]] std::uint8_t rounds_of(const EntryNode& node) const noexcept {
    return std::min<std::uint8_t>(node.mark, highest_mark());
  }

  internal::NodeList line_;
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
