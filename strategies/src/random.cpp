#include <tarmac/strategies/random.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <tarmac/core/assert.h>

namespace tarmac {
namespace {

constexpr std::size_t kFewestListed = 1'024;
constexpr std::size_t kMostListed = std::size_t{1} << 24U;

/// Nodes at places from 1 to size(), which they know by `scratch`. The first places are listed.
/// Those behind, of which there may be any number while no event may allocate, hang below them in a
/// binary tree: the children of place n are at 2n (`previous`) and 2n + 1 (`next`).
class Places {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Lists the first `places`, and never fewer than it did.
  void list(std::size_t places) {
    const std::size_t before = listed_.size();
    if (places < before) return;
    listed_.resize(places + 1);
    for (std::size_t place = before; place < listed_.size() && place <= size_; ++place) {
      listed_[place] = child_of(*listed_[place / 2], place);
    }
  }

  /// Requires: `place` is from 1 to size().
  [[nodiscard]] EntryNode& at(std::size_t place) const noexcept {
    if (place < listed_.size()) return *listed_[place];
    unsigned depth = 1;
    while (place >> depth >= listed_.size()) ++depth;
    EntryNode* node = listed_[place >> depth];
    while (depth > 0) node = child_of(*node, place >> --depth);
    return *node;
  }

  /// The node there if it is known without a search, else nullptr.
  [[nodiscard]] const EntryNode* glance_at(std::size_t place) const noexcept {
    return place <= size_ && place < listed_.size() ? listed_[place] : nullptr;
  }
  /// Fetches the memory that glance_at() will need. Inlined, or GCC leaves it out.
  [[gnu::always_inline]] void fetch(std::size_t place) const noexcept {
    if (place < listed_.size()) __builtin_prefetch(&listed_[place], 1);
  }

  void append(EntryNode& node) noexcept { put(++size_, &node); }

  /// The last takes the place of `node`.
  void remove(EntryNode& node) noexcept {
    TARMAC_ASSERT(size_ > 0);
    EntryNode& last = at(size_);
    put(size_--, nullptr);
    if (&last != &node) {
      last.previous = node.previous;
      last.next = node.next;
      put(node.scratch, &last);
    }
    clear(node);
  }

  /// Writes the nodes to `order`, by place, and forgets them.
  void hand_over(std::span<EntryNode*> order) noexcept {
    TARMAC_ASSERT(order.size() == size_);
    for (std::size_t place = 1; place <= size_; ++place) {
      order[place - 1] =
          place < listed_.size() ? listed_[place] : child_of(*order[place / 2 - 1], place);
    }
    for (EntryNode* node : order) clear(*node);
    size_ = 0;
  }

 private:
  [[nodiscard]] static EntryNode* child_of(const EntryNode& parent, std::size_t place) noexcept {
    return place % 2 == 0 ? parent.previous : parent.next;
  }

  void put(std::size_t place, EntryNode* node) noexcept {
    if (node != nullptr) node->scratch = place;
    if (place < listed_.size()) {
      listed_[place] = node;
    } else {
      EntryNode& parent = at(place / 2);
      (place % 2 == 0 ? parent.previous : parent.next) = node;
    }
  }

  static void clear(EntryNode& node) noexcept {
    node.previous = nullptr;
    node.next = nullptr;
    node.scratch = 0;
  }

  std::vector<EntryNode*> listed_ = std::vector<EntryNode*>(kFewestListed);  // From place 1.
  std::size_t size_ = 0;
};

class Random final : public EvictionStrategy {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "random"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::none; }

  void on_insert(EntryNode& node) noexcept override { places_.append(node); }
  void on_update(EntryNode&, std::uint32_t) noexcept override {}
  void on_remove(EntryNode& node, RemovalCause) noexcept override {
    if (chosen_ == &node) chosen_ = nullptr;
    places_.remove(node);
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    if (chosen_ == nullptr && places_.size() > 0) chosen_ = &places_.at(draw_place());
    return chosen_;
  }
  [[nodiscard]] Outlook outlook() const noexcept override {
    if (chosen_ != nullptr) return {chosen_, places_.glance_at(ahead_[0])};
    return {places_.glance_at(ahead_[0]), places_.glance_at(ahead_[1])};
  }

  void on_resize(const StrategyCapacity& capacity) override {
    const bool is_bound = !capacity.in_weight && capacity.amount <= kMostListed;
    places_.list(is_bound ? capacity.amount : kFewestListed);
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    EntryNode* const first = choose_victim();
    chosen_ = nullptr;
    ahead_of_ = 0;
    places_.hand_over(order);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[draw(i)]);
    const auto place = std::find(order.begin(), order.end(), first);
    if (place != order.end()) std::iter_swap(order.begin(), place);
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    for (EntryNode* node : order) places_.append(*node);
  }

 private:
  /// A place that is drawn from all there are.
  [[nodiscard]] std::size_t draw_place() noexcept {
    if (ahead_of_ != places_.size()) {
      ahead_of_ = places_.size();
      for (std::size_t i = 0; i < ahead_.size(); ++i) ahead_[i] = place_after(i);
    }
    const std::size_t place = ahead_[0];
    state_ += kStep;
    ahead_ = {ahead_[1], ahead_[2], place_after(2)};
    places_.fetch(ahead_[2]);
    return place;
  }
  [[nodiscard]] std::size_t place_after(std::size_t draws) const noexcept {
    return 1 + bits_of(state_ + (draws + 1) * kStep) % ahead_of_;
  }

  /// A number below `bound` (splitmix64; what the remainder favours is far below 1 in a million).
  [[nodiscard]] std::size_t draw(std::size_t bound) noexcept {
    state_ += kStep;
    return bits_of(state_) % bound;
  }
  static std::uint64_t bits_of(std::uint64_t state) noexcept {
    std::uint64_t bits = state;
    bits = (bits ^ (bits >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    bits = (bits ^ (bits >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return bits ^ (bits >> 31U);
  }

  static constexpr std::uint64_t kStep = 0x9E37'79B9'7F4A'7C15U;

  Places places_;
  std::uint64_t state_;
  EntryNode* chosen_ = nullptr;  // Drawn, and still there.
  /// What the next draws will give if there are again `ahead_of_` entries then, as in a full cache
  /// there are: so that a victim's memory, which nothing else brings near, comes in time.
  std::array<std::size_t, 3> ahead_{};
  std::size_t ahead_of_ = 0;
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_random(const RandomOptions& options) {
  return std::make_unique<Random>(options.seed);
}

}  // namespace tarmac
