#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/internal/node_table.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace tarmac::internal {
namespace {

struct KeyedNode : EntryNode {
  int key = 0;
};

/// Hashes that collide in the place, in the tag, in both, or hardly.
std::uint64_t bad_hash(int key, int kind) {
  const auto k = static_cast<std::uint64_t>(key);
  switch (kind) {
    case 0:
      return 0;
    case 1:
      return k % 3;
    case 2:
      return k << 32U;
    case 3:
      return ~std::uint64_t{0} - (k % 5);  // Probes that wrap round the end.
    default:
      return k * 0x9E3779B97F4A7C15ULL;
  }
}

void check_same(const NodeTable& table, const std::map<int, std::unique_ptr<KeyedNode>>& nodes,
                const std::unordered_map<int, KeyedNode*>& model, int kind) {
  RC_ASSERT(table.size() == model.size());
  for (const auto& [key, node] : nodes) {
    EntryNode* found = table.find(bad_hash(key, kind), [k = key](const EntryNode& one) {
      return static_cast<const KeyedNode&>(one).key == k;
    });
    const auto expected = model.find(key);
    RC_ASSERT(found == (expected == model.end() ? nullptr : expected->second));
  }
  std::set<const EntryNode*> visited;
  table.for_each([&visited](EntryNode& node) { RC_ASSERT(visited.insert(&node).second); });
  RC_ASSERT(visited.size() == model.size());
}

// Goal: whatever comes and goes, each node is found and none is found twice, also when all hashes
// are equal. Method: random operations against std::unordered_map.
TEST(NodeTable, FindsWhatAStandardMapFindsHoweverHashesCollide) {  // trap H1
  const bool held = rc::check("table against std::unordered_map", [] {
    const int kind = *rc::gen::inRange(0, 5);
    NodeTable table;
    std::map<int, std::unique_ptr<KeyedNode>> nodes;
    std::unordered_map<int, KeyedNode*> model;
    const auto steps = *rc::gen::inRange(1, 150);
    for (int step = 0; step < steps; ++step) {
      const int key = *rc::gen::inRange(0, 40);
      auto& node = nodes[key];
      if (!node) {
        node = std::make_unique<KeyedNode>();
        node->key = key;
        node->hash = bad_hash(key, kind);
      }
      if (model.contains(key)) {
        table.erase(*node);
        model.erase(key);
      } else if (*rc::gen::inRange(0, 60) == 0) {
        NodeTable none;
        table.swap(none);
        model.clear();
      } else {
        static_cast<void>(table.make_room(40));
        table.insert(*node);
        model[key] = node.get();
      }
      check_same(table, nodes, model, kind);
    }
  });
  EXPECT_TRUE(held);
}

TEST(NodeTable, FindsNothingInAnEmptyTable) {
  const NodeTable table;
  EXPECT_EQ(table.find(0, [](const EntryNode&) { return true; }), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace tarmac::internal
