#include <tarmac/strategies/two_q.h>

#include <string>
#include <utility>

#include "ghost_list.h"
#include "segment.h"
#include "shares.h"
#include "stable_order.h"

namespace tarmac {
namespace {

class TwoQ final : public EvictionStrategy {
 public:
  explicit TwoQ(const TwoQOptions& options) : options_(options) { apply_capacity(); }

  [[nodiscard]] std::string_view name() const noexcept override { return "2q"; }

  void on_arrival(const EntryNode& node) noexcept override {
    // Asked before room is made: the evictions to come would change what is remembered.
    is_awaited_ = true;
    awaited_hash_ = node.hash;
    came_back_ = left_.remove(node.hash);
  }

  void on_insert(EntryNode& node) noexcept override {
    if (!std::exchange(is_awaited_, false) || awaited_hash_ != node.hash) {
      came_back_ = left_.remove(node.hash);
    }
    if (came_back_) {
      node.flags = kIsProven;
      proven_.push_newest(node);
    } else {
      waiting_.push_newest(node);
    }
  }

  void on_access(EntryNode& node) noexcept override {
    if (is_proven(node)) proven_.move_to_newest(node);
  }
  void on_access_run(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    segment_of(node).reweigh(node, old_weight);
    on_access(node);
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if (cause == RemovalCause::evicted && !is_proven(node)) {
      left_.push(node.hash, capacity_.cost(node));
    }
    segment_of(node).remove(node);
    node.flags = 0;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    return waiting_gives() ? waiting_.oldest() : proven_.oldest();
  }
  [[nodiscard]] Outlook outlook() const noexcept override {
    return waiting_gives() ? waiting_.outlook() : proven_.outlook();
  }
  void prefetch(std::uint64_t hash) const noexcept override { left_.prefetch(hash); }

  void on_resize(const StrategyCapacity& capacity) override {
    // What is remembered was counted in the other unit.
    if (capacity.in_weight != capacity_.in_weight) left_.clear();
    capacity_ = capacity;
    apply_capacity();
  }

  /// What the line has too much, then the LRU, then the rest of the line.
  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = 0;
    while (!waiting_.empty() && waiting_gives()) {
      EntryNode* const node = waiting_.oldest();
      waiting_.remove(*node);
      order[written++] = node;
    }
    written += proven_.hand_over(order.subspan(written));
    waiting_.hand_over(order.subspan(written));
    for (EntryNode* node : order) node->flags = 0;
    left_.clear();
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::inserted_at);
    // Hits of the latest arrivals would not have counted.
    std::uint64_t latest = 0;
    std::size_t older = order.size();
    while (older > 0 && latest + capacity_.cost(*order[older - 1]) <= waiting_share_) {
      latest += capacity_.cost(*order[--older]);
    }
    std::size_t proven = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i < older && order[i]->visits > 0) {
        std::swap(order[proven++], order[i]);
      } else {
        waiting_.push_newest(*order[i]);
      }
    }
    const auto kept = order.first(proven);
    internal::sort_by_tick(kept, &EntryNode::accessed_at);
    for (EntryNode* node : kept) node->flags = kIsProven;
    proven_.take_over(kept);
  }

 private:
  static constexpr std::uint8_t kIsProven = 1;

  [[nodiscard]] static bool is_proven(const EntryNode& node) noexcept {
    return (node.flags & kIsProven) != 0;
  }
  [[nodiscard]] internal::Segment& segment_of(const EntryNode& node) noexcept {
    return is_proven(node) ? proven_ : waiting_;
  }
  [[nodiscard]] bool waiting_gives() const noexcept {
    return waiting_.amount(capacity_) > waiting_share_ || proven_.empty();
  }
  void apply_capacity() noexcept {
    waiting_share_ = internal::share_of(capacity_.amount, options_.in_share);
    left_.set_limit(internal::share_of(capacity_.amount, options_.out_share));
  }

  TwoQOptions options_;
  StrategyCapacity capacity_;
  std::uint64_t waiting_share_ = 0;
  internal::Segment waiting_;  // A1in.
  internal::Segment proven_;   // Am.
  internal::GhostList left_;   // A1out.
  std::uint64_t awaited_hash_ = 0;
  bool is_awaited_ = false;
  bool came_back_ = false;  // Whether the key that arrives was remembered.
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_two_q(const TwoQOptions& options) {
  if (!(options.in_share >= 0 && options.in_share <= 1)) {
    throw ConfigError("strategy \"2q\": in_share must be from 0 to 1, not " +
                      std::to_string(options.in_share));
  }
  if (!(options.out_share >= 0 && options.out_share <= 10)) {
    throw ConfigError("strategy \"2q\": out_share must be from 0 to 10, not " +
                      std::to_string(options.out_share));
  }
  return std::make_unique<TwoQ>(options);
}

}  // namespace tarmac
