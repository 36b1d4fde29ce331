#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/internal/node_table.h>
#include <tarmac/core/internal/table_glimpse.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

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

/// The shortest search may miss what is there, and is otherwise to say the same as the long one.
void check_glimpse(const NodeTable<true>& table, std::uint64_t hash, std::uint64_t word,
                   const KeyedNode* node) {
  const auto* groups = table.groups();
  if (groups == nullptr) return;
  const auto seen = glimpse(groups->home_of(hash), hash, [word](auto key) { return key == word; });
  if (seen.is_absent) RC_ASSERT(node == nullptr);
  if (seen.slot == 0) return;
  RC_ASSERT(NodeTable<true>::node_of(seen.slot) == node);
  RC_ASSERT(seen.value == node->weight);
  RC_ASSERT(seen.outlives(0, 0) == (node->flags == 0));
}

template <class Table>
void check_same(const Table& table, const std::map<int, std::unique_ptr<KeyedNode>>& nodes,
                const std::unordered_map<int, KeyedNode*>& model, int kind) {
  RC_ASSERT(table.size() == model.size());
  for (const auto& [key, node] : nodes) {
    EntryNode* found = table.find(bad_hash(key, kind), [k = key](const EntryNode& one) {
      return static_cast<const KeyedNode&>(one).key == k;
    });
    const auto expected = model.find(key);
    RC_ASSERT(found == (expected == model.end() ? nullptr : expected->second));
    if constexpr (std::is_same_v<Table, NodeTable<true>>) {
      const auto word = static_cast<std::uint64_t>(key);
      const auto pair =
          table.find_pair(bad_hash(key, kind), [word](std::uint64_t k) { return k == word; });
      RC_ASSERT(pair.node == found);
      check_glimpse(table, bad_hash(key, kind), word, static_cast<KeyedNode*>(found));
      if (found != nullptr) RC_ASSERT(pair.value == node->weight);
      if (found != nullptr) RC_ASSERT(pair.may_expire() == (node->flags != 0));
    }
  }
  std::set<const EntryNode*> visited;
  table.for_each([&visited](EntryNode& node) { RC_ASSERT(visited.insert(&node).second); });
  RC_ASSERT(visited.size() == model.size());
}

template <class Table>
class NodeTables : public testing::Test {};
using BothTables = testing::Types<NodeTable<false>, NodeTable<true>>;
TYPED_TEST_SUITE(NodeTables, BothTables);

// Goal: whatever comes and goes, each node is found and none is found twice, also when all hashes
// are equal. Method: random operations against std::unordered_map.
TYPED_TEST(NodeTables, FindWhatAStandardMapFindsHoweverHashesCollide) {  // trap H1
  const bool held = rc::check("table against std::unordered_map", [] {
    const int kind = *rc::gen::inRange(0, 5);
    TypeParam table;
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
        const int what = *rc::gen::inRange(0, 3);
        if (what == 0) {
          table.erase(*node);
          model.erase(key);
        } else if (what == 1) {
          table.set_value(*node, ++node->weight);
        } else {
          table.note_deadline(*node, 0);
          node->flags = 1;
        }
      } else if (*rc::gen::inRange(0, 60) == 0) {
        TypeParam none;
        table.swap(none);
        model.clear();
      } else {
        static_cast<void>(table.make_room(*rc::gen::inRange<std::uint64_t>(0, 80)));
        node->flags = step % 2 == 0 ? 1 : 0;
        table.insert(*node, {static_cast<std::uint64_t>(key), node->weight}, node->flags != 0, 0);
        model[key] = node.get();
      }
      check_same(table, nodes, model, kind);
    }
  });
  EXPECT_TRUE(held);
}

// What hits are quick by: all but a few look-ups, of what is there and of what is not, come to
// their end at the first slot.
TEST(NodeTable, AnswersNearlyAllLookUpsAtAGlimpse) {
  constexpr std::uint64_t kNodes = 10'000;
  NodeTable<true> table;
  std::vector<KeyedNode> nodes(kNodes);
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    nodes[i].hash = bad_hash(static_cast<int>(i), 4);
    static_cast<void>(table.make_room(kNodes));
    table.insert(nodes[i], {i, i}, false, 0);
  }
  std::uint64_t found = 0;
  std::uint64_t absent = 0;
  for (std::uint64_t i = 0; i < 2 * kNodes; ++i) {
    const auto hash = bad_hash(static_cast<int>(i), 4);
    const auto seen =
        glimpse(table.groups()->home_of(hash), hash, [i](auto key) { return key == i; });
    found += seen.slot != 0 ? 1U : 0U;
    absent += seen.is_absent ? 1U : 0U;
  }
  EXPECT_GT(found, kNodes * 93 / 100);
  EXPECT_GT(absent, kNodes * 80 / 100);
  EXPECT_LE(absent, kNodes);
}

// Goal: what a glimpse gives is of one node, and of one moment of its deadline. Method: the change
// comes while the key is compared, which is between the two looks at the slot.
TEST(NodeTable, GivesNothingAtAGlimpseOfASlotThatChanges) {
  NodeTable<true> table;
  KeyedNode first;
  KeyedNode second;
  static_cast<void>(table.make_room(2));
  table.insert(first, {1, 10}, false, 0);
  const auto& group = table.groups()->home_of(0);
  auto seen = glimpse(group, 0, [&](std::uint64_t key) {
    first.expires_at = 5'000'000'000;
    table.note_deadline(first, 0);
    table.set_value(first, 11);
    return key == 1;
  });
  EXPECT_EQ(seen.slot, 0U) << "the new value, as if it had no deadline";
  EXPECT_FALSE(seen.is_absent);
  seen = glimpse(group, 0, [&](std::uint64_t key) {
    table.erase(first);
    table.insert(second, {2, 20}, false, 0);
    return key == 1;
  });
  EXPECT_EQ(seen.slot, 0U) << "the first one's key, the second one's value";
  EXPECT_FALSE(seen.is_absent);
}

// Through growth and changes, until another node stands there.
TEST(NodeTable, KnowsWhereBlocksAre) {
  constexpr std::uint64_t kNodes = 200;
  NodeTable<false> table;
  std::vector<KeyedNode> nodes(kNodes);
  const auto block_of = [&table](const KeyedNode& node) {
    const auto& group = table.groups()->home_of(node.hash);
    for (std::size_t i = 0; i < group.slots.size(); ++i) {
      if (NodeTable<false>::node_of(group.slots[i]) == &node) return group.blocks[i].load();
    }
    return std::uint64_t{0};  // It stands further on.
  };
  std::uint64_t seen = 0;
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    nodes[i].hash = bad_hash(static_cast<int>(i), 4);
    static_cast<void>(table.make_room(0));
    table.insert(nodes[i], {0, i + 1}, false, 0);
    if (i % 3 == 0) table.set_value(nodes[i], i + 1'000);
  }
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    const auto block = block_of(nodes[i]);
    if (block == 0) continue;
    EXPECT_EQ(block, i % 3 == 0 ? i + 1'000 : i + 1);
    ++seen;
  }
  EXPECT_GT(seen, kNodes * 3 / 4);
}

TYPED_TEST(NodeTables, FindNothingWhileTheyAreEmpty) {
  const TypeParam table;
  EXPECT_EQ(table.find(0, [](const EntryNode&) { return true; }), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

// A large table lies on whole huge pages; what is left of the last one is groups, too.
TYPED_TEST(NodeTables, UseAllOfThePagesTheyHave) {
  constexpr std::size_t kPage = std::size_t{2} << 20U;
  constexpr std::size_t kGroup = sizeof(typename TypeParam::Group);
  for (const std::size_t bytes : {kPage, kPage / 2}) {
    // So many nodes that their groups take a little more than that.
    const std::size_t expected = bytes / kGroup * TypeParam::Group::kSlots * 3 / 5 + 1'000;
    TypeParam table;
    std::vector<KeyedNode> nodes(2 * expected);
    std::size_t count = 0;
    for (; count < expected || table.has_room(); ++count) {
      ASSERT_LT(count, nodes.size());
      nodes[count].hash = bad_hash(static_cast<int>(count), 4);
      static_cast<void>(table.make_room(expected));
      table.insert(nodes[count], {count, 0}, false, 0);
    }
    EXPECT_GT(count, expected * 19 / 10) << "there is room for twice as many";
    for (std::size_t i = 0; i < count; ++i) {
      const auto* const node = &nodes[i];
      ASSERT_EQ(table.find(node->hash, [&](const EntryNode& one) { return &one == node; }), node);
    }
  }
}

}  // namespace
}  // namespace tarmac::internal
