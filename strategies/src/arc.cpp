#include <tarmac/strategies/arc.h>

#include <algorithm>
#include <utility>

#include "ghost_list.h"
#include "segment.h"
#include "stable_order.h"

namespace tarmac {
namespace {

/// Names as in the paper: T1 and T2 hold entries, B1 and B2 remember keys; L1 is T1 and B1.
class Arc final : public EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "arc"; }

  void on_arrival(const EntryNode& node) noexcept override {
    is_awaited_ = true;
    awaited_hash_ = node.hash;
    look_up(node);
  }

  void on_insert(EntryNode& node) noexcept override {
    if (!std::exchange(is_awaited_, false) || awaited_hash_ != node.hash) look_up(node);
    if (std::exchange(origin_, Origin::unknown) == Origin::unknown) {
      t1_.push_newest(node);
    } else {
      node.flags = kInT2;
      t2_.push_newest(node);
    }
    trim();
  }

  void on_access(EntryNode& node) noexcept override {
    if (is_in_t2(node)) {
      t2_.move_to_newest(node);
    } else {
      t1_.remove(node);
      node.flags = kInT2;
      t2_.push_newest(node);
    }
  }
  void on_access_run(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    (is_in_t2(node) ? t2_ : t1_).reweigh(node, old_weight);
    on_access(node);
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    const bool remembered = cause == RemovalCause::evicted;
    if (is_in_t2(node)) {
      t2_.remove(node);
      if (remembered) b2_.push(node.hash, capacity_.cost(node));
    } else {
      t1_.remove(node);
      if (remembered) b1_.push(node.hash, capacity_.cost(node));
    }
    node.flags = 0;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    return t1_gives() ? t1_.oldest() : t2_.oldest();
  }
  [[nodiscard]] Outlook outlook() const noexcept override {
    return t1_gives() ? t1_.outlook() : t2_.outlook();
  }
  void prefetch(std::uint64_t hash) const noexcept override {
    b1_.prefetch(hash);
    b2_.prefetch(hash);
  }

  void on_resize(const StrategyCapacity& capacity) override {
    if (capacity.in_weight != capacity_.in_weight) {
      // What is remembered was counted in the other unit.
      b1_.clear();
      b2_.clear();
    }
    capacity_ = capacity;
    t1_target_ = std::min(t1_target_, static_cast<double>(capacity.amount));
    trim();
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    const bool t1_first = t1_gives();
    const std::size_t first = (t1_first ? t1_ : t2_).hand_over(order);
    (t1_first ? t2_ : t1_).hand_over(order.subspan(first));
    for (EntryNode* node : order) node->flags = 0;
    b1_.clear();
    b2_.clear();
    t1_target_ = 0;
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    for (EntryNode* node : order) {
      if (node->visits > 0) node->flags = kInT2;
      (node->visits > 0 ? t2_ : t1_).push_newest(*node);
    }
  }

 private:
  static constexpr std::uint8_t kInT2 = 1;
  enum class Origin : std::uint8_t { unknown, b1, b2 };

  [[nodiscard]] static bool is_in_t2(const EntryNode& node) noexcept {
    return (node.flags & kInT2) != 0;
  }

  /// Whether the key of `node` was remembered, and what follows from it for the target.
  void look_up(const EntryNode& node) noexcept {
    const auto b1 = static_cast<double>(b1_.amount());
    const auto b2 = static_cast<double>(b2_.amount());
    const auto cost = static_cast<double>(capacity_.cost(node));
    if (b1_.remove(node.hash)) {
      origin_ = Origin::b1;
      t1_target_ = std::min(t1_target_ + std::max(b2 / b1, 1.0) * cost,
                            static_cast<double>(capacity_.amount));
    } else if (b2_.remove(node.hash)) {
      origin_ = Origin::b2;
      t1_target_ = std::max(t1_target_ - std::max(b1 / b2, 1.0) * cost, 0.0);
    } else {
      origin_ = Origin::unknown;
    }
  }

  [[nodiscard]] bool t1_gives() const noexcept {
    if (t1_.empty() || t2_.empty()) return t2_.empty();
    const auto t1 = static_cast<double>(t1_.amount(capacity_));
    return t1 > t1_target_ || (origin_ == Origin::b2 && t1 == t1_target_);
  }

  /// Restores |L1| <= c and |L1| + |L2| <= 2c. The paper forgets before it evicts; to forget after
  /// the newcomer is in comes to the same, and needs no word on which evictions are its doing.
  void trim() noexcept {
    const std::uint64_t c = capacity_.amount;
    const std::uint64_t t1 = t1_.amount(capacity_);
    while (!b1_.empty() && t1 + b1_.amount() > c) b1_.pop_oldest();
    const std::uint64_t both = 2 * std::min(c, GhostList::kUnlimited / 2);
    const std::uint64_t held = t1 + t2_.amount(capacity_);
    while (!b2_.empty() && held + b1_.amount() + b2_.amount() > both) b2_.pop_oldest();
  }

  using GhostList = internal::GhostList;

  StrategyCapacity capacity_;
  internal::Segment t1_;
  internal::Segment t2_;
  GhostList b1_;
  GhostList b2_;
  double t1_target_ = 0;  // p in the paper.
  Origin origin_ = Origin::unknown;
  std::uint64_t awaited_hash_ = 0;
  bool is_awaited_ = false;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_arc() { return std::make_unique<Arc>(); }

}  // namespace tarmac
