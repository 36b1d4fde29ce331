#include <tarmac/strategies/fifo.h>

#include "node_list.h"
#include "stable_order.h"

namespace tarmac {
namespace {

class Fifo final : public EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "fifo"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::none; }

  void on_insert(EntryNode& node) noexcept override { line_.push_newest(node); }
  // The entry is the one that came in, with another value: it keeps its turn.
  void on_update(EntryNode&, std::uint32_t) noexcept override {}
  void on_remove(EntryNode& node, RemovalCause) noexcept override { line_.remove(node); }
  [[nodiscard]] EntryNode* choose_victim() noexcept override { return line_.oldest(); }
  [[nodiscard]] Outlook outlook() const noexcept override { return line_.outlook(); }

  void hand_over(std::span<EntryNode*> order) noexcept override { line_.hand_over(order); }
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::inserted_at);
    line_.take_over(order);
  }

 private:
  internal::NodeList line_;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_fifo() { return std::make_unique<Fifo>(); }

}  // namespace tarmac
