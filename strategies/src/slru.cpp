#include <tarmac/strategies/slru.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "segment.h"
#include "shares.h"
#include "stable_order.h"

namespace tarmac {
namespace {

constexpr std::size_t kFewestSegments = 2;
constexpr std::size_t kMostSegments = 16;
constexpr std::uint32_t kLargestProportion = 1'000'000;

/// `flags` of a node is the segment that it is in.
class Slru final : public EvictionStrategy {
 public:
  explicit Slru(const std::vector<std::uint32_t>& proportions) : count_(proportions.size()) {
    double sum = 0;
    for (const std::uint32_t proportion : proportions) sum += proportion;
    for (std::size_t i = 0; i < count_; ++i) fractions_[i] = proportions[i] / sum;
    apply_capacity();
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "slru"; }

  void on_insert(EntryNode& node) noexcept override {
    const std::uint64_t cost = capacity_.cost(node);
    std::size_t lowest = 0;
    while (lowest < count_ && segments_[lowest].amount(capacity_) + cost > shares_[lowest]) {
      ++lowest;
    }
    enter(lowest < count_ ? lowest : 0, node);
  }

  void on_access(EntryNode& node) noexcept override {
    const std::size_t from = node.flags;
    const std::size_t to = from + 1;
    if (to == count_ || capacity_.cost(node) > shares_[to]) {
      segments_[from].move_to_newest(node);
      return;
    }
    segments_[from].remove(node);
    enter(to, node);
    cool(to);
  }

  void on_access_run(EntryNode& node, std::uint32_t hits) noexcept override {
    // At the top, or where it may rise no further, more hits change nothing.
    for (std::uint32_t hit = 0; hit < std::min<std::uint64_t>(hits, count_); ++hit) on_access(node);
  }

  void on_update(EntryNode& node, std::uint32_t old_weight) noexcept override {
    segments_[node.flags].reweigh(node, old_weight);
    on_access(node);
    cool(node.flags);
  }

  void on_remove(EntryNode& node, RemovalCause) noexcept override {
    segments_[node.flags].remove(node);
    node.flags = 0;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override { return lowest().oldest(); }
  [[nodiscard]] Outlook outlook() const noexcept override { return lowest().outlook(); }

  void on_resize(const StrategyCapacity& capacity) override {
    capacity_ = capacity;
    apply_capacity();
    cool(count_ - 1);
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      written += segments_[i].hand_over(order.subspan(written));
    }
    for (EntryNode* node : order) node->flags = 0;
  }

  void on_unrecorded_hits() noexcept override { hits_are_known_ = false; }

  // What had the most hits, the newest of it first, rises highest: as far as its hits say, or as
  // far as a cache would have filled its segments that took so much without a hit; not so where
  // hits were not recorded, since newcomers that are hit should find room above. In each segment,
  // entries stand by their last use.
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    std::uint64_t total = 0;
    for (const EntryNode* node : order) total += capacity_.cost(*node);
    std::size_t filled = 0;
    if (std::exchange(hits_are_known_, true)) {
      for (std::uint64_t held = shares_[0]; held < total && filled + 1 < count_;) {
        held += shares_[++filled];
      }
    }
    std::array<std::uint64_t, kMostSegments> room = shares_;
    for (std::size_t hits = count_; hits-- > 0;) {
      for (std::size_t i = order.size(); i-- > 0;) {
        EntryNode& node = *order[i];
        if (std::min<std::size_t>(node.visits, count_ - 1) != hits) continue;
        const std::uint64_t cost = capacity_.cost(node);
        std::size_t place = std::max(hits, filled);
        while (place > 0 && cost > room[place]) --place;
        room[place] -= std::min(room[place], cost);
        node.flags = static_cast<std::uint8_t>(place);
      }
    }
    for (EntryNode* node : order) segments_[node->flags].push_newest(*node);
  }

 private:
  void enter(std::size_t place, EntryNode& node) noexcept {
    node.flags = static_cast<std::uint8_t>(place);
    segments_[place].push_newest(node);
  }

  /// Lowers what is too much, from the segment `top` down. The lowest may have more than its share.
  void cool(std::size_t top) noexcept {
    for (std::size_t i = top; i > 0; --i) {
      while (segments_[i].amount(capacity_) > shares_[i]) {
        EntryNode& node = *segments_[i].oldest();
        segments_[i].remove(node);
        enter(i - 1, node);
      }
    }
  }

  [[nodiscard]] const internal::Segment& lowest() const noexcept {
    std::size_t place = 0;
    while (place + 1 < count_ && segments_[place].empty()) ++place;
    return segments_[place];
  }

  void apply_capacity() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      shares_[i] = internal::share_of(capacity_.amount, fractions_[i]);
    }
  }

  std::size_t count_;
  StrategyCapacity capacity_;
  std::array<double, kMostSegments> fractions_{};
  std::array<std::uint64_t, kMostSegments> shares_{};
  std::array<internal::Segment, kMostSegments> segments_;
  bool hits_are_known_ = true;  // Of what is taken over next.
};

/// Empty if `text` is no list of proportions.
std::vector<std::uint32_t> proportions_of(const std::string& text) {
  std::vector<std::uint32_t> proportions;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    std::uint32_t proportion = 0;
    const auto [stop, error] = std::from_chars(at, end, proportion);
    const bool sound = error == std::errc{} && proportion >= 1 && proportion <= kLargestProportion;
    if (!sound || proportions.size() == kMostSegments) return {};
    proportions.push_back(proportion);
    if (stop == end) return proportions;
    if (*stop != ':') return {};
    at = stop + 1;
  }
}

}  // namespace

std::unique_ptr<EvictionStrategy> make_slru(const SlruOptions& options) {
  const auto proportions = proportions_of(options.segments);
  if (proportions.size() < kFewestSegments) {
    throw ConfigError(
        "strategy \"slru\": segments must be 2 to 16 numbers from 1 to 1000000 with colons "
        "between, as \"1:4\", not \"" +
        options.segments + "\"");
  }
  return std::make_unique<Slru>(proportions);
}

}  // namespace tarmac
