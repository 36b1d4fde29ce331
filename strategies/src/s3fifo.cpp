#include <tarmac/core/lowered_marks.h>
#include <tarmac/strategies/s3fifo.h>

#include <algorithm>
#include <string>
#include <utility>

#include "ghost_list.h"
#include "segment.h"
#include "shares.h"
#include "stable_order.h"

namespace tarmac {
namespace {

class S3Fifo final : public EvictionStrategy, public LoweredMarks {
 public:
  explicit S3Fifo(const S3FifoOptions& options)
      : LoweredMarks(EntryNode::kMaxMark), options_(options) {
    apply_capacity();
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "s3fifo"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::mark; }

  void on_arrival(const EntryNode& node) noexcept override {
    // Asked before room is made: the evictions to come would change what is remembered.
    is_awaited_ = true;
    awaited_hash_ = node.hash;
    came_back_ = ghosts_.remove(node.hash);
  }

  void on_insert(EntryNode& node) noexcept override {
    if (!std::exchange(is_awaited_, false) || awaited_hash_ != node.hash) {
      came_back_ = ghosts_.remove(node.hash);
    }
    chosen_ = nullptr;
    const bool fills_main = options_.fill_main && !has_evicted_ && !small_has_room();
    if (came_back_ || fills_main) {
      node.flags = kInMain;
      main_.push_newest(node);
    } else {
      small_.push_newest(node);
    }
  }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    chosen_ = nullptr;
    segment_of(node).reweigh(node, old_weight);
    raise_mark(node);
  }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    chosen_ = nullptr;
    if (cause == RemovalCause::evicted) {
      has_evicted_ = true;
      if (!is_in_main(node)) ghosts_.push(node.hash, capacity_.cost(node));
    }
    segment_of(node).remove(node);
    node.flags = 0;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    // Moving entries on changes which queue has too much; without this, so would the answer.
    if (chosen_ != nullptr && !deserves_to_stay(*chosen_)) return chosen_;
    chosen_ = search();
    return chosen_;
  }

  [[nodiscard]] Outlook outlook() const noexcept override {
    return main_gives() ? main_.outlook() : small_.outlook();
  }
  void prefetch(std::uint64_t hash) const noexcept override { ghosts_.prefetch(hash); }

  void on_resize(const StrategyCapacity& capacity) override {
    if (capacity.amount > capacity_.amount) has_evicted_ = false;
    // What is remembered was counted in the other unit.
    if (capacity.in_weight != capacity_.in_weight) ghosts_.clear();
    capacity_ = capacity;
    chosen_ = nullptr;
    apply_capacity();
  }

  /// What has no hits before what has, the small queue before the main one.
  void hand_over(std::span<EntryNode*> order) noexcept override {
    EntryNode* const first = choose_victim();
    const std::size_t small = small_.hand_over(order);
    main_.hand_over(order.subspan(small));
    internal::sort_stably(order, [this, first](const EntryNode& node) {
      return &node == first ? 0 : deserves_to_stay(node) ? 2 : 1;
    });
    for (EntryNode* node : order) {
      node->flags = 0;
      node->mark = 0;
    }
    chosen_ = nullptr;
    ghosts_.clear();
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::inserted_at);
    std::size_t proven = 0;
    for (EntryNode*& node : order) {
      if (node->visits >= options_.threshold) {
        std::swap(order[proven++], node);
      } else {
        node->mark = static_cast<std::uint8_t>(node->visits);
        small_.push_newest(*node);
      }
    }
    const auto kept = order.first(proven);
    internal::sort_by_tick(kept, &EntryNode::accessed_at);
    for (EntryNode* node : kept) {
      node->flags = kInMain;
      node->mark = 0;
      main_.push_newest(*node);
    }
  }

 private:
  static constexpr std::uint8_t kInMain = 1;

  [[nodiscard]] static bool is_in_main(const EntryNode& node) noexcept {
    return (node.flags & kInMain) != 0;
  }
  [[nodiscard]] internal::Segment& segment_of(const EntryNode& node) noexcept {
    return is_in_main(node) ? main_ : small_;
  }
  [[nodiscard]] bool deserves_to_stay(const EntryNode& node) const noexcept {
    return node.mark >= (is_in_main(node) ? 1 : options_.threshold);
  }
  [[nodiscard]] bool small_has_room() const noexcept {
    return small_.amount(capacity_) < small_share_;
  }
  [[nodiscard]] bool main_gives() const noexcept {
    return main_.amount(capacity_) > main_share_ || small_.empty();
  }

  void apply_capacity() noexcept {
    small_share_ =
        std::max<std::uint64_t>(1, internal::share_of(capacity_.amount, options_.small_share));
    main_share_ = capacity_.amount - std::min(small_share_, capacity_.amount);
    ghosts_.set_limit(internal::share_of(capacity_.amount, options_.ghost_share));
  }

  [[nodiscard]] EntryNode* search() noexcept {
    if (!main_gives()) {
      if (EntryNode* const victim = search_small()) return victim;
    }
    return search_main();
  }

  [[nodiscard]] EntryNode* search_small() noexcept {
    EntryNode* node = small_.oldest();
    while (node != nullptr && deserves_to_stay(*node)) {
      small_.remove(*node);
      lower_mark(*node, 0);
      node->flags = kInMain;
      main_.push_newest(*node);
      node = small_.oldest();
    }
    return node;
  }

  [[nodiscard]] EntryNode* search_main() noexcept {
    EntryNode* node = main_.oldest();
    while (node != nullptr && node->mark > 0) {
      lower_mark(*node, static_cast<std::uint8_t>(node->mark - 1));
      main_.move_to_newest(*node);
      node = main_.oldest();
    }
    return node;
  }

  S3FifoOptions options_;
  StrategyCapacity capacity_;
  std::uint64_t small_share_ = 0;
  std::uint64_t main_share_ = 0;
  internal::Segment small_;
  internal::Segment main_;
  internal::GhostList ghosts_;
  EntryNode* chosen_ = nullptr;
  std::uint64_t awaited_hash_ = 0;
  bool is_awaited_ = false;
  bool came_back_ = false;  // Whether the key that arrives was remembered.
  bool has_evicted_ = false;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_s3fifo(const S3FifoOptions& options) {
  const auto refuse = [](const char* option, const char* range, const std::string& value) {
    throw ConfigError(std::string("strategy \"s3fifo\": ") + option + " must be " + range +
                      ", not " + value);
  };
  if (!(options.small_share > 0 && options.small_share < 1)) {
    refuse("small_share", "over 0 and under 1", std::to_string(options.small_share));
  }
  if (!(options.ghost_share >= 0 && options.ghost_share <= 10)) {
    refuse("ghost_share", "from 0 to 10", std::to_string(options.ghost_share));
  }
  if (options.threshold < 1 || options.threshold > EntryNode::kMaxMark) {
    refuse("threshold", "from 1 to 3 hits", std::to_string(options.threshold));
  }
  return std::make_unique<S3Fifo>(options);
}

}  // namespace tarmac
