#include <tarmac/strategies/ttl.h>

#include "node_list.h"
#include "stable_order.h"

#include <boost/intrusive/rbtree_algorithms.hpp>

namespace tarmac {
namespace {

/// Lays a red-black tree over the fields a strategy may use: the links are the children, `scratch`
/// is the parent, one bit of `flags` the colour.
struct TreeTraits {
  using node = EntryNode;
  using node_ptr = EntryNode*;
  using const_node_ptr = const EntryNode*;
  using color = bool;

  static constexpr std::uint8_t kBlack = 1;

  static node_ptr get_parent(const_node_ptr n) noexcept {
    // The word is as wide as an address.
    return reinterpret_cast<node_ptr>(n->scratch);  // NOLINT(performance-no-int-to-ptr): was one
  }
  static void set_parent(node_ptr n, node_ptr parent) noexcept {
    n->scratch = reinterpret_cast<std::uintptr_t>(parent);
  }
  static node_ptr get_left(const_node_ptr n) noexcept { return n->previous; }
  static void set_left(node_ptr n, node_ptr left) noexcept { n->previous = left; }
  static node_ptr get_right(const_node_ptr n) noexcept { return n->next; }
  static void set_right(node_ptr n, node_ptr right) noexcept { n->next = right; }
  static color get_color(const_node_ptr n) noexcept { return (n->flags & kBlack) != 0; }
  static void set_color(node_ptr n, color c) noexcept {
    n->flags = static_cast<std::uint8_t>(c ? n->flags | kBlack : n->flags & ~kBlack);
  }
  static color black() noexcept { return true; }
  static color red() noexcept { return false; }
};

using Tree = boost::intrusive::rbtree_algorithms<TreeTraits>;

class Ttl final : public EvictionStrategy {
 public:
  Ttl() noexcept { Tree::init_header(&header_); }

  [[nodiscard]] std::string_view name() const noexcept override { return "ttl"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::none; }

  void on_insert(EntryNode& node) noexcept override {
    if (node.expires_at == kNever) {
      lasting_.push_newest(node);
    } else {
      node.flags = kInTree;
      Tree::insert_equal_upper_bound(&header_, &node, expires_sooner);
    }
  }

  // A hit matters only where it moves the deadline (expire-after-access).
  void on_access(EntryNode& node) noexcept override {
    if (is_out_of_place(node)) {
      forget(node);
      on_insert(node);
    }
  }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }
  void on_remove(EntryNode& node, RemovalCause) noexcept override { forget(node); }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    EntryNode* const soonest = Tree::begin_node(&header_);
    return soonest != &header_ ? soonest : lasting_.oldest();
  }
  [[nodiscard]] Outlook outlook() const noexcept override {
    const EntryNode* const soonest = Tree::begin_node(&header_);
    if (soonest == &header_) return lasting_.outlook();
    // With nothing to its left it has at most one node to its right: a tree of red and black.
    const EntryNode* after =
        soonest->next != nullptr ? soonest->next : TreeTraits::get_parent(soonest);
    return {soonest, after != &header_ ? after : lasting_.oldest()};
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = 0;
    for (EntryNode* node = Tree::begin_node(&header_); node != &header_;
         node = Tree::next_node(node)) {
      TARMAC_ASSERT(written < order.size());
      order[written++] = node;
    }
    // Cleared only now: the walk needs the links of nodes it has passed.
    for (EntryNode* node : order.first(written)) clear(*node);
    Tree::init_header(&header_);
    lasting_.hand_over(order.subspan(written));
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::inserted_at);
    internal::sort_stably(order, [](const EntryNode& node) { return node.expires_at; });
    for (EntryNode* node : order) {
      if (node->expires_at == kNever) {
        lasting_.push_newest(*node);
      } else {
        node->flags = kInTree;
        Tree::push_back(&header_, node);
      }
    }
  }

 private:
  static constexpr std::uint8_t kInTree = 2;

  static bool expires_sooner(const EntryNode* a, const EntryNode* b) noexcept {
    return a->expires_at < b->expires_at;
  }

  static void clear(EntryNode& node) noexcept {
    node.previous = nullptr;
    node.next = nullptr;
    node.scratch = 0;
    node.flags = 0;
  }

  void forget(EntryNode& node) noexcept {
    if ((node.flags & kInTree) != 0) {
      Tree::erase(&header_, &node);
      clear(node);
    } else {
      lasting_.remove(node);
    }
  }

  /// The deadline the tree was built by is gone, overwritten by the cache; but the neighbours tell
  /// whether the new one still belongs between them.
  [[nodiscard]] bool is_out_of_place(EntryNode& node) noexcept {
    if ((node.flags & kInTree) == 0) return node.expires_at != kNever;
    if (node.expires_at == kNever) return true;
    if (&node != Tree::begin_node(&header_) && expires_sooner(&node, Tree::prev_node(&node))) {
      return true;
    }
    const EntryNode* const later = Tree::next_node(&node);
    return later != &header_ && expires_sooner(later, &node);
  }

  EntryNode header_;            // Of the tree: its root, its first and its last node.
  internal::NodeList lasting_;  // Entries without a deadline.
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_ttl() { return std::make_unique<Ttl>(); }

}  // namespace tarmac
