#include <tarmac/strategies/random.h>

#include <algorithm>
#include <bit>
#include <utility>

#include <tarmac/core/assert.h>

namespace tarmac {
namespace {

/// Nodes at places from 1 to size(): a complete binary tree, in which the children of place n are
/// at 2n (`previous`) and 2n + 1 (`next`), and `scratch` is the parent. An array would be quicker,
/// but nothing bounds how many entries there are, and events may not allocate.
class Places {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Requires: `place` is from 1 to size().
  [[nodiscard]] EntryNode& at(std::size_t place) const noexcept {
    EntryNode* node = root_;
    for (auto bit = std::bit_floor(place) / 2; bit > 0; bit /= 2) {
      node = (place & bit) != 0 ? node->next : node->previous;
    }
    return *node;
  }

  void append(EntryNode& node) noexcept {
    ++size_;
    EntryNode* parent = std::exchange(parent_of_next_, nullptr);
    if (parent == nullptr && size_ > 1) parent = &at(size_ / 2);
    set_parent(node, parent);
    last_ = &node;
    if (parent == nullptr) {
      root_ = &node;
    } else {
      (size_ % 2 == 0 ? parent->previous : parent->next) = &node;
    }
  }

  /// The last takes the place of `node`.
  void remove(EntryNode& node) noexcept {
    TARMAC_ASSERT(size_ > 0);
    EntryNode& last = last_ != nullptr ? *last_ : at(size_);
    last_ = nullptr;
    parent_of_next_ = parent_of(last);
    replace_in_parent(last, nullptr);
    --size_;
    if (&last != &node) {
      if (parent_of_next_ == &node) parent_of_next_ = &last;
      last.previous = node.previous;
      last.next = node.next;
      last.scratch = node.scratch;
      replace_in_parent(node, &last);
      for (EntryNode* child : {last.previous, last.next}) {
        if (child != nullptr) set_parent(*child, &last);
      }
    }
    clear(node);
  }

  /// Writes the nodes to `order`, by place, and forgets them.
  void hand_over(std::span<EntryNode*> order) noexcept {
    TARMAC_ASSERT(order.size() == size_);
    if (size_ > 0) order[0] = root_;
    for (std::size_t i = 1; i < size_; ++i) {
      const EntryNode& parent = *order[(i - 1) / 2];
      order[i] = i % 2 == 1 ? parent.previous : parent.next;
    }
    for (EntryNode* node : order) clear(*node);
    root_ = nullptr;
    last_ = nullptr;
    parent_of_next_ = nullptr;
    size_ = 0;
  }

 private:
  [[nodiscard]] static EntryNode* parent_of(const EntryNode& node) noexcept {
    const auto address = static_cast<std::uintptr_t>(node.scratch);
    return reinterpret_cast<EntryNode*>(address);  // NOLINT(performance-no-int-to-ptr): a link.
  }
  static void set_parent(EntryNode& node, EntryNode* parent) noexcept {
    node.scratch = reinterpret_cast<std::uintptr_t>(parent);
  }

  void replace_in_parent(const EntryNode& node, EntryNode* successor) noexcept {
    EntryNode* const parent = parent_of(node);
    if (parent == nullptr) {
      root_ = successor;
    } else {
      (parent->previous == &node ? parent->previous : parent->next) = successor;
    }
  }

  static void clear(EntryNode& node) noexcept {
    node.previous = nullptr;
    node.next = nullptr;
    node.scratch = 0;
  }

  EntryNode* root_ = nullptr;
  std::size_t size_ = 0;
  // Known from the call before, where one leaves and one comes by turns; else null, and looked for.
  EntryNode* last_ = nullptr;
  EntryNode* parent_of_next_ = nullptr;
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
    if (chosen_ == nullptr && places_.size() > 0) chosen_ = &places_.at(1 + draw(places_.size()));
    return chosen_;
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    EntryNode* const first = choose_victim();
    chosen_ = nullptr;
    places_.hand_over(order);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[draw(i)]);
    const auto place = std::find(order.begin(), order.end(), first);
    if (place != order.end()) std::iter_swap(order.begin(), place);
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    for (EntryNode* node : order) places_.append(*node);
  }

 private:
  /// A number below `bound` (splitmix64; what the remainder favours is far below 1 in a million).
  [[nodiscard]] std::size_t draw(std::size_t bound) noexcept {
    state_ += 0x9E37'79B9'7F4A'7C15U;
    std::uint64_t bits = state_;
    bits = (bits ^ (bits >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    bits = (bits ^ (bits >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return (bits ^ (bits >> 31U)) % bound;
  }

  Places places_;
  std::uint64_t state_;
  EntryNode* chosen_ = nullptr;  // Drawn, and still there.
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_random(const RandomOptions& options) {
  return std::make_unique<Random>(options.seed);
}

}  // namespace tarmac
