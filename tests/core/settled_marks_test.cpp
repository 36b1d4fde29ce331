// Marks at their highest, which the table knows: as long as they stay there, and no longer.
#include <gtest/gtest.h>
#include <tarmac/core/lowered_marks.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {
namespace {

using Table = internal::NodeTable<true>;

std::unique_ptr<EntryNode> node_with(std::uint64_t hash) {
  auto node = std::make_unique<EntryNode>();
  node->hash = hash;
  return node;
}

bool is_settled(const Table& table, const EntryNode& node) {
  const auto found =
      table.find_pair(node.hash, [&](std::uint64_t key) { return key == node.hash; });
  EXPECT_EQ(found.node, &node);
  return found.is_settled();
}

TEST(SettledMarks, StayWithTheirNodesWhileTheTableGrows) {
  Table table;
  std::vector<std::unique_ptr<EntryNode>> nodes;
  std::vector<Table::Replaced> replaced;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    replaced.push_back(table.make_room(~std::uint64_t{0}));
    nodes.push_back(node_with(mix(i, 1)));
    table.insert(*nodes.back(), {nodes.back()->hash, i}, i % 3 == 0, 0);
    if (i % 2 == 0) table.set_settled(*nodes.back(), true);
  }
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    EXPECT_EQ(is_settled(table, *nodes[i]), i % 2 == 0) << i;
    table.set_settled(*nodes[i], i % 5 == 0);
    EXPECT_EQ(is_settled(table, *nodes[i]), i % 5 == 0) << i;
  }
  table.unsettle_all();
  for (const auto& node : nodes) EXPECT_FALSE(is_settled(table, *node));
}

TEST(SettledMarks, OfANodeThatIsNotInTheTableDoNothing) {
  Table table;
  const auto absent = node_with(7);
  table.set_settled(*absent, true);
  const auto room = table.make_room(10);
  const auto present = node_with(7);  // In the same slot as the other would be.
  table.insert(*present, {7, 7}, false, 0);
  table.set_settled(*absent, true);
  EXPECT_FALSE(is_settled(table, *present));
}

/// Second chance, as somebody might write it who has not heard of LoweredMarks.
class SecondChance final : public EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "second_chance"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return AccessTracking::mark; }
  void on_insert(EntryNode& node) noexcept override { line_.push_back(&node); }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { raise_mark(node); }
  void on_remove(EntryNode& node, RemovalCause) noexcept override { std::erase(line_, &node); }
  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    while (!line_.empty() && line_.front()->mark > 0) {
      line_.front()->mark = 0;
      std::rotate(line_.begin(), line_.begin() + 1, line_.end());
    }
    return line_.empty() ? nullptr : line_.front();
  }
  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::copy(line_.begin(), line_.end(), order.begin());
    for (auto* node : line_) node->mark = 0;
    line_.clear();
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    line_.assign(order.begin(), order.end());
  }

 private:
  std::deque<EntryNode*> line_;
};

class SettledMarksOf : public ::testing::TestWithParam<std::string> {
 protected:
  using Cache = CacheManager<std::uint64_t, std::uint64_t>;

  static CacheOptions options() {
    CacheOptions options;
    options.max_entries = 2;
    options.shards = 1;
    options.background_expiry = false;
    options.eviction = "fifo";
    return options;
  }
  void SetUp() override {
    if (GetParam() == "second_chance") {
      cache_.swap_strategy("second_chance", [] { return std::make_unique<SecondChance>(); });
    } else {
      cache_.swap_strategy(GetParam());
    }
  }
  void hit(int times) {
    for (; times > 0; --times) ASSERT_EQ(cache_.get(1), 1U);
  }

  Cache cache_{options()};
};
INSTANTIATE_TEST_SUITE_P(Strategies, SettledMarksOf,
                         ::testing::Values("second_chance", "clock", "sieve"),
                         [](const auto& one) { return one.param; });

TEST_P(SettledMarksOf, AreRaisedAgainAfterTheyWereLowered) {
  cache_.set(1, 1);
  for (std::uint64_t newcomer = 2; newcomer < 50; ++newcomer) {
    hit(static_cast<int>(newcomer % 7) + 1);  // To the highest mark and beyond, or not as far.
    cache_.set(newcomer, newcomer);
    ASSERT_TRUE(cache_.contains(1)) << "was hit since " << newcomer - 1 << " came in";
  }
}

TEST_P(SettledMarksOf, DoNotProtectWhatIsNoLongerHit) {
  cache_.set(1, 1);
  hit(10);
  for (std::uint64_t newcomer = 2; newcomer < 6; ++newcomer) cache_.set(newcomer, newcomer);
  EXPECT_FALSE(cache_.contains(1));
}

TEST_P(SettledMarksOf, AreForgottenInASwap) {
  cache_.set(1, 1);
  hit(10);
  cache_.swap_strategy("lru");
  cache_.set(2, 2);
  hit(1);
  cache_.set(3, 3);
  EXPECT_TRUE(cache_.contains(1)) << "lru was told of the hit";
}

}  // namespace
}  // namespace tarmac::core_tests
