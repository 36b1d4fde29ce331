#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/wtinylfu.h>
#include <tarmac/testing/strategy_replay.h>

#include <array>
#include <vector>

namespace tarmac {
namespace {

using testing::count_misses;
using ::testing::ElementsAre;
using testing::StrategyReplay;

using Keys = std::vector<std::uint64_t>;

// Of five entries one is in the window, and two of the other four can be protected.
constexpr WTinyLfuOptions kSmall = {.window_share = 0.2, .protected_share = 0.5, .adaptive = false};

Keys from_to(std::uint64_t first, std::uint64_t last) {
  Keys keys;
  for (std::uint64_t key = first; key <= last; ++key) keys.push_back(key);
  return keys;
}

/// Requests `rounds` times around the `size` keys from `first` on; how many missed.
std::uint64_t misses_of_rounds(StrategyReplay& cache, std::uint64_t first, std::uint64_t size,
                               int rounds) {
  std::uint64_t misses = 0;
  for (int round = 0; round < rounds; ++round) {
    misses += cache.count_misses(from_to(first, first + size - 1));
  }
  return misses;
}

TEST(WTinyLfu, LetsNothingInThatWasNotUsedMoreOftenThanWhatItWouldReplace) {
  StrategyReplay cache(make_wtinylfu(kSmall), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5, 6});
  EXPECT_FALSE(cache.contains(5));  // 6 has the window now.
  EXPECT_TRUE(cache.contains(1));
}

TEST(WTinyLfu, LetsInWhatWasUsedMoreOften) {
  StrategyReplay cache(make_wtinylfu(kSmall), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5, 5, 6});
  EXPECT_FALSE(cache.contains(1));
  EXPECT_TRUE(cache.contains(5));
}

TEST(WTinyLfu, RemembersTheUsesOfKeysThatLeft) {
  StrategyReplay cache(make_wtinylfu(kSmall), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5, 6, 7});
  ASSERT_FALSE(cache.contains(6));
  cache.count_misses(Keys{6, 8});  // The second use of 6 makes it better than 1.
  EXPECT_TRUE(cache.contains(6));
  EXPECT_FALSE(cache.contains(1));
}

TEST(WTinyLfu, ProtectsWhatIsHitInTheMainPart) {
  StrategyReplay cache(make_wtinylfu(kSmall), 5);
  // 3 is the third to be protected, and so 1 no longer is.
  cache.count_misses(Keys{1, 2, 3, 4, 5, 1, 2, 3});
  // 5 is weighed against 4 and loses; with nothing else to weigh, the oldest leave.
  EXPECT_THAT(cache.drain(), ElementsAre(5, 4, 1, 2, 3));
}

TEST(WTinyLfu, CountsAnUpdateAsAUse) {
  StrategyReplay cache(make_wtinylfu(kSmall), 5);
  cache.count_misses(Keys{1, 2, 3, 4, 5});
  cache.update(5);
  cache.request(6);
  EXPECT_TRUE(cache.contains(5));
  EXPECT_FALSE(cache.contains(1));
}

TEST(WTinyLfu, KeepsTheHotSetThroughAScan) {
  StrategyReplay cache(make_wtinylfu(), 100);
  misses_of_rounds(cache, 1, 90, 5);
  cache.count_misses(from_to(1'000, 1'500));
  for (const std::uint64_t key : from_to(1, 90)) EXPECT_TRUE(cache.contains(key)) << key;
}

// Trap D14. Goal: counts fade, so that a hot set that is dead leaves within 60 times the capacity.
TEST(WTinyLfu, LetsADeadHotSetLeave) {
  constexpr std::uint64_t kCapacity = 100;
  StrategyReplay cache(make_wtinylfu(), kCapacity);
  misses_of_rounds(cache, 1, kCapacity, 100);
  EXPECT_GT(misses_of_rounds(cache, 1'000, kCapacity, 60), 2 * kCapacity);  // Not at once.
  EXPECT_EQ(misses_of_rounds(cache, 1'000, kCapacity, 10), 0U);
}

// Goal: the window grows where recency is all that counts. Method: each key is used again twice, 5
// and 10 misses later, and never after; those of a window of one entry are gone by then.
TEST(WTinyLfu, WidensItsWindowForTrafficThatMoves) {
  Keys keys;
  for (std::uint64_t key = 100; key < 60'000; ++key) {
    keys.push_back(key);
    keys.push_back(key - 5);
    keys.push_back(key - 10);
  }
  const WTinyLfuOptions fixed = {.adaptive = false};
  const std::uint64_t misses_of_fixed = count_misses(make_wtinylfu(fixed), 100, keys);
  EXPECT_LT(count_misses(make_wtinylfu(), 100, keys), misses_of_fixed * 3 / 4);
  EXPECT_LT(count_misses(make_wtinylfu({.by_correlation = true}), 100, keys),
            misses_of_fixed * 3 / 4);
  EXPECT_LT(count_misses(make_wtinylfu({.window_share = 0.5, .adaptive = false}), 100, keys),
            misses_of_fixed * 3 / 4);
}

// Trap C5: the ten most used of a hundred stay, but for one place, the window's.
TEST(WTinyLfu, KeepsWhatWasUsedMostWhenItShrinks) {
  StrategyReplay cache(make_wtinylfu(), 100);
  cache.count_misses(from_to(1, 100));
  for (int round = 0; round < 3; ++round) cache.count_misses(from_to(41, 50));
  cache.resize(10);
  for (const std::uint64_t key : from_to(42, 50)) EXPECT_TRUE(cache.contains(key)) << key;
}

// Trap D3: the hits of what it takes over count as uses.
TEST(WTinyLfu, KeepsTheHotSetItTakesOverThroughAScan) {
  StrategyReplay cache(make_lru(), 100);
  cache.count_misses(from_to(1, 100));
  misses_of_rounds(cache, 1, 20, 10);
  cache.swap_strategy(make_wtinylfu());
  cache.count_misses(from_to(1'000, 1'100));
  for (const std::uint64_t key : from_to(1, 19)) EXPECT_TRUE(cache.contains(key)) << key;
}

// The oldest was hit more often than the newest, but over a life so long that a sketch would hardly
// know of it any more.
TEST(WTinyLfu, CountsUsesThatItTakesOverByTheTimeTheyTook) {
  const auto strategy = make_wtinylfu();
  strategy->on_resize({.amount = 10});
  std::array<EntryNode, 10> nodes;
  std::vector<EntryNode*> order;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    nodes[i].hash = i;
    nodes[i].visits = 5;
    nodes[i].accessed_at = 100'000 + i;
    order.push_back(&nodes[i]);
  }
  nodes[9].visits = 2;
  nodes[9].inserted_at = 100'000;
  strategy->take_over(order);
  EXPECT_EQ(strategy->choose_victim(), &nodes[0]);
}

// Each key comes a second time ten requests after the first, and then no more: the window of a
// hundredth is too small for that. How soon newcomers are hit tells how large it should be.
TEST(WTinyLfu, OpensItsWindowAtASwapWhereNewcomersAreHitSoon) {
  const auto pairs = [](StrategyReplay& cache, std::uint64_t first) {
    std::uint64_t hits = 0;
    for (std::uint64_t key = first; key < first + 1'000; ++key) {
      cache.request(key);
      if (key >= first + 5 && cache.request(key - 5)) ++hits;
    }
    return hits;
  };
  for (const bool adaptive : {true, false}) {
    StrategyReplay cache(make_lru(), 100);
    EXPECT_GT(pairs(cache, 0), 990U);
    cache.swap_strategy(make_wtinylfu({.adaptive = adaptive}));
    if (adaptive) {
      EXPECT_GT(pairs(cache, 10'000), 990U);
    } else {
      EXPECT_LT(pairs(cache, 10'000), 100U) << "the share that was asked for stays";
    }
  }
}

// Of a restart all that is known is the order of last uses: that an entry was hit does not mean
// that it was hit soon.
TEST(WTinyLfu, KeepsItsWindowSmallWhereArrivalsAreNotKnown) {
  std::array<EntryNode, 100> nodes;
  for (const bool is_known : {true, false}) {
    const auto strategy = make_wtinylfu();
    strategy->on_resize({.amount = nodes.size()});
    std::vector<EntryNode*> order;
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      nodes[i].hash = i;
      nodes[i].visits = 1;
      nodes[i].accessed_at = 100 + i;
      nodes[i].inserted_at = 100 + i - (is_known ? 10 : 0);
      order.push_back(&nodes[i]);
    }
    strategy->take_over(order);
    // Used as often as the others, what is about to leave the window does.
    EXPECT_EQ(strategy->choose_victim(), &nodes[is_known ? 75 : 99]);
    std::vector<EntryNode*> left(order.size());
    strategy->hand_over(left);
  }
}

// Of a capacity of 100 in weight, 20 are the window and 40 can be protected.
TEST(WTinyLfu, DoesNotProtectAnEntryHeavierThanTheShare) {
  const auto strategy = make_wtinylfu(kSmall);
  strategy->on_resize({.amount = 100, .in_weight = true});
  std::array<EntryNode, 4> nodes;
  const std::array<std::uint32_t, 4> weights = {50, 10, 10, 20};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].hash = i;
    nodes[i].weight = weights[i];
    strategy->on_insert(nodes[i]);
  }
  strategy->on_access(nodes[1]);  // Protected.
  strategy->on_access(nodes[0]);  // Only the newest of its part, behind the other.
  strategy->on_remove(nodes[3], RemovalCause::erased);
  EXPECT_EQ(strategy->choose_victim(), &nodes[2]);
  strategy->on_remove(nodes[2], RemovalCause::evicted);
  EXPECT_EQ(strategy->choose_victim(), &nodes[0]);
}

// Goal: while victims come from one part, what the cache fetches ahead is what leaves. Method: a
// full cache, in which of the keys that arrive eight are used often enough to be let in, then eight
// not.
TEST(WTinyLfu, ForeseesTheNextVictimOfThePartThatLostLast) {
  std::vector<EntryNode> nodes(201);
  const auto lfu = make_wtinylfu({.window_share = 0.1, .adaptive = false});
  lfu->on_resize({.amount = 200});
  EXPECT_EQ(lfu->outlook().next, nullptr);
  std::uint64_t hash = 0;
  for (EntryNode& node : nodes) {
    node.hash = ++hash;
    if (&node != &nodes.back()) lfu->on_insert(node);
  }
  EntryNode* outside = &nodes.back();
  const EntryNode* next = nullptr;
  bool was_let_in = false;
  std::array<int, 2> foreseen{};
  for (int i = 0; i < 300; ++i) {
    outside->hash = ++hash;
    lfu->on_arrival(*outside);
    EntryNode* const victim = lfu->choose_victim();
    const bool is_let_in = hash - victim->hash > 100;  // An old one had to leave.
    if (i > 0 && is_let_in == was_let_in) {
      ASSERT_EQ(victim, next) << i;
      ++foreseen.at(is_let_in ? 1 : 0);
    }
    lfu->on_remove(*victim, RemovalCause::evicted);
    was_let_in = is_let_in;
    next = lfu->outlook().next;
    lfu->on_insert(*outside);
    if (i / 8 % 2 == 0) lfu->on_access(*outside);
    outside = victim;
  }
  EXPECT_GT(foreseen[0], 20);
  EXPECT_GT(foreseen[1], 20);
}

TEST(WTinyLfu, RefusesOptionsOutOfRange) {
  EXPECT_THROW(static_cast<void>(make_wtinylfu({.window_share = -0.1})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_wtinylfu({.protected_share = 1.1})), ConfigError);
}

}  // namespace
}  // namespace tarmac
