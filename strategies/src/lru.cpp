#include <tarmac/strategies/lru.h>

#include "node_list.h"
#include "stable_order.h"

namespace tarmac {
namespace {

class Lru final : public EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "lru"; }

  void on_insert(EntryNode& node) noexcept override { line_.push_newest(node); }
  void on_access(EntryNode& node) noexcept override { line_.move_to_newest(node); }
  void on_access_run(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }
  // Writing a key is using it: a key that is only ever written must not leave before idle ones.
  void on_update(EntryNode& node, std::uint32_t) noexcept override { line_.move_to_newest(node); }
  void on_remove(EntryNode& node, RemovalCause) noexcept override { line_.remove(node); }
  [[nodiscard]] EntryNode* choose_victim() noexcept override { return line_.oldest(); }
  [[nodiscard]] Outlook outlook() const noexcept override { return line_.outlook(); }

  void hand_over(std::span<EntryNode*> order) noexcept override { line_.hand_over(order); }
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    line_.take_over(order);
  }

 private:
  internal::NodeList line_;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_lru() { return std::make_unique<Lru>(); }

}  // namespace tarmac
