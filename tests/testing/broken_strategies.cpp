// A program whose tests must fail: the contract over strategies with one fault each. `sound` has
// none, and passes. Run by strategy_contract_control_test.cpp, one suite at a time.
#include <tarmac/testing/eviction_strategy_contract.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

namespace tarmac::testing {
namespace {

/// FIFO as a plain vector, with the fault of its name.
class Flawed final : public EvictionStrategy {
 public:
  explicit Flawed(std::string_view fault) : fault_(fault) {}

  [[nodiscard]] std::string_view name() const noexcept override { return fault_; }
  [[nodiscard]] AccessTracking tracking() const noexcept override {
    return fault_ == "keeps_marks" ? AccessTracking::mark : AccessTracking::ordered;
  }

  void on_arrival(const EntryNode& node) noexcept override { announced_ = node.hash; }
  void on_insert(EntryNode& node) noexcept override {
    ++inserted_;
    if (fault_ == "forgets_one_in_a_thousand" && inserted_ % 1'000 == 0) return;
    if (fault_ == "wants_arrivals" && announced_ != node.hash) return;
    if (fault_ == "refuses_what_left" && left_.contains(node.hash)) return;
    if (fault_ == "dirties_nodes") node.scratch = 1;
    line_.push_back(&node);
  }
  void on_access(EntryNode&) noexcept override {}
  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    if (fault_ == "loses_what_grows" && node.weight > 10 * old_weight) std::erase(line_, &node);
  }
  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if (fault_ == "keeps_what_expired" && cause == RemovalCause::expired) return;
    std::erase(line_, &node);
    if (fault_ == "foresees_what_left") foreseen_ = &node;
    if (fault_ == "refuses_what_left") left_.insert(node.hash);
    if (fault_ == "clears_too_much") line_.clear();
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    if (line_.empty()) return nullptr;
    if (fault_ == "changes_its_mind") std::rotate(line_.begin(), line_.begin() + 1, line_.end());
    if (fault_ == "goes_by_addresses") return *std::ranges::min_element(line_);
    return line_.front();
  }

  [[nodiscard]] Outlook outlook() const noexcept override { return {nullptr, foreseen_}; }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::ranges::copy(line_, order.begin());
    if (fault_ == "hands_over_backwards") std::ranges::reverse(order);
    if (fault_ == "hands_over_twice" && order.size() > 1) order.back() = order.front();
    if (fault_ != "keeps_what_it_handed_over") line_.clear();
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    if (fault_ == "takes_over_all_but_one" && order.size() > 5) order = order.first(5);
    line_.assign(order.begin(), order.end());
  }

 private:
  std::string_view fault_;
  std::vector<EntryNode*> line_;
  std::uint64_t inserted_ = 0;
  std::uint64_t announced_ = 0;
  const EntryNode* foreseen_ = nullptr;
  std::set<std::uint64_t> left_;
};

[[maybe_unused]] const bool kRegistered = [] {
  for (const std::string_view fault :
       {"sound", "forgets_one_in_a_thousand", "dirties_nodes", "loses_what_grows",
        "keeps_what_expired", "clears_too_much", "changes_its_mind", "goes_by_addresses",
        "hands_over_backwards", "hands_over_twice", "keeps_what_it_handed_over",
        "takes_over_all_but_one", "keeps_marks", "wants_arrivals", "refuses_what_left",
        "foresees_what_left"}) {
    register_eviction_strategy_contract(fault, [fault] { return std::make_unique<Flawed>(fault); });
  }
  return true;
}();

}  // namespace
}  // namespace tarmac::testing
