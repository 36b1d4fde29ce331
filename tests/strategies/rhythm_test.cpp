#include <gtest/gtest.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/rhythm.h>
#include <tarmac/testing/strategy_replay.h>

#include <cstdint>
#include <random>
#include <vector>

#include "ghost_ring.h"
#include "reuse_model.h"

namespace tarmac {
namespace {

using testing::StrategyReplay;
using Keys = std::vector<std::uint64_t>;

double miss_ratio(std::unique_ptr<EvictionStrategy> strategy, std::uint64_t capacity,
                  const Keys& keys) {
  const std::uint64_t misses = testing::count_misses(std::move(strategy), capacity, keys);
  return static_cast<double>(misses) / static_cast<double>(keys.size());
}

Keys loop(std::uint64_t length, int times) {
  Keys keys;
  for (int time = 0; time < times; ++time) {
    for (std::uint64_t key = 0; key < length; ++key) keys.push_back(key);
  }
  return keys;
}

// The best there is keeps half of the keys for ever; LRU drops each just before it comes.
TEST(Rhythm, KeepsAPartOfALoopThatDoesNotFit) {
  const Keys keys = loop(1'000, 30);
  EXPECT_EQ(miss_ratio(make_lru(), 500, keys), 1.0);
  EXPECT_LT(miss_ratio(make_rhythm(), 500, keys), 0.56);
}

// Half of the requests go to 400 favourites, in between keys pass that never come again.
TEST(Rhythm, KeepsFavouritesThroughAScan) {
  std::mt19937_64 random(7);
  Keys keys;
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    keys.push_back(random() % 400);
    keys.push_back(1'000 + i);
  }
  const double best = 0.5;
  EXPECT_LT(miss_ratio(make_rhythm(), 500, keys), best + 0.02);
  EXPECT_GT(miss_ratio(make_lru(), 500, keys), best + 0.1);
}

// What came while the cache filled has had no time to be used again when keys pass that never will
// be: nothing tells the two apart but when they came.
TEST(Rhythm, KeepsWhatCameFirstThroughAScan) {
  const Keys favourites = loop(500, 1);
  StrategyReplay cache(make_rhythm(), 500);
  cache.count_misses(favourites);
  for (std::uint64_t key = 1'000; key < 2'000; ++key) cache.request(key);
  EXPECT_LT(cache.count_misses(favourites), 50U);
}

TEST(Rhythm, LetsGoOfFavouritesThatAreFavouritesNoMore) {
  std::mt19937_64 random(7);
  StrategyReplay cache(make_rhythm(), 300);
  for (int i = 0; i < 30'000; ++i) cache.request(random() % 250);
  for (int i = 0; i < 30'000; ++i) cache.request(10'000 + random() % 250);
  const std::uint64_t before = cache.misses();
  for (int i = 0; i < 1'000; ++i) cache.request(10'000 + random() % 250);
  EXPECT_LT(cache.misses() - before, 20U);
}

/// Misses of rhythm in weight: objects of 1 and of 100 units, used equally often.
std::uint64_t misses_with_sizes(bool in_weight) {
  const auto rhythm = make_rhythm();
  rhythm->on_resize({.amount = 5'000, .in_weight = in_weight});
  std::vector<EntryNode> nodes(1'000);
  std::vector<bool> is_resident(nodes.size());
  std::mt19937_64 random(7);
  std::uint64_t used = 0;
  std::uint64_t misses = 0;
  for (std::uint32_t now = 1; now < 100'000; ++now) {
    const std::size_t key = random() % nodes.size();
    EntryNode& node = nodes[key];
    if (is_resident[key]) {
      rhythm->on_access(node);
      continue;
    }
    ++misses;
    node.hash = (key + 1) * 0x9E37'79B9'7F4A'7C15U;
    node.weight = key % 2 == 0 ? 1 : 100;
    rhythm->on_arrival(node);
    while (used + node.weight > 5'000) {
      EntryNode* const victim = rhythm->choose_victim();
      used -= victim->weight;
      is_resident[static_cast<std::size_t>(victim - nodes.data())] = false;
      rhythm->on_remove(*victim, RemovalCause::evicted);
    }
    rhythm->on_insert(node);
    used += node.weight;
    is_resident[key] = true;
  }
  return misses;
}

// All 500 small objects and 45 large ones fit: 45 % of the requests must miss.
TEST(Rhythm, PrefersManySmallObjectsToAFewLargeOnes) {
  EXPECT_LT(misses_with_sizes(true), 50'000U);
  EXPECT_GT(misses_with_sizes(false), 60'000U) << "the test does not tell sizes apart";
}

TEST(Rhythm, KeepsWhatItHasLearnedThroughASmallChangeOfCapacity) {
  const Keys keys = loop(1'000, 10);
  StrategyReplay cache(make_rhythm(), 500);
  cache.count_misses(keys);
  cache.resize(550);
  EXPECT_LT(cache.count_misses(keys), 5'000U);
}

/// Half of the requests go to 150 favourites that change slowly, the others to keys that come
/// twice, soon after each other.
Keys mixed(std::uint64_t requests) {
  std::mt19937_64 random(11);
  Keys keys;
  for (std::uint64_t i = 0; i < requests; ++i) {
    keys.push_back(1'000'000 + i / 40 + random() % 150);
    keys.push_back(i % 2 == 0 || i < 40 ? i : i - 21);
  }
  return keys;
}

TEST(Rhythm, TakesOverWhatTheHitsOfEntriesTell) {
  const Keys keys = mixed(40'000);
  const auto middle = static_cast<std::ptrdiff_t>(keys.size() / 2);
  const Keys before(keys.begin(), keys.begin() + middle);
  const Keys after(keys.begin() + middle, keys.begin() + middle + 2'000);
  StrategyReplay from_the_start(make_rhythm(), 200);
  from_the_start.count_misses(before);
  StrategyReplay swapped(make_lru(), 200);
  swapped.count_misses(before);
  swapped.swap_strategy(make_rhythm());
  // With nothing but the order of the entries it would miss 240 more.
  EXPECT_LT(swapped.count_misses(after), from_the_start.count_misses(after) + 170);
}

TEST(ReuseModel, RanksWhatComesBackSoonerHigher) {
  internal::ReuseModel model;
  model.reset(1'000);
  const auto soon = model.class_of(3, 2, 1);
  const auto late = model.class_of(3, 15, 1);
  ASSERT_NE(soon, late);
  for (int i = 0; i < 1'000; ++i) {
    for (std::size_t bin = 0; bin <= 15; ++bin) model.count_reached(late, bin);
    for (std::size_t bin = 0; bin <= 2; ++bin) model.count_reached(soon, bin);
    model.count_used(late, 15);
    model.count_used(soon, 2);
  }
  model.refresh();
  const auto index = [&model](auto of, std::size_t bin) {
    return model.index(internal::ReuseModel::cell(of, bin));
  };
  EXPECT_GT(index(soon, 0), index(late, 0));
  // In a loop the longer it was not used, the sooner it comes; what missed its time does not.
  EXPECT_GT(index(late, 14), index(late, 3));
  EXPECT_LT(index(soon, 6), index(soon, 1));
}

// Nothing is expected of what comes late, until keys like it have been used.
TEST(ReuseModel, LetsLateNewcomersProveThemselves) {
  internal::ReuseModel model;
  model.reset(1'000);
  const auto early = model.class_of_newcomer(true, 1);
  const auto late = model.class_of_newcomer(false, 1);
  const auto index = [&model](auto of) { return model.index(internal::ReuseModel::cell(of, 0)); };
  EXPECT_LT(index(late), index(early));
  for (const auto of : {early, late}) model.count_reached(of, 0, 1'000);
  model.count_used(late, 0, 900);
  model.refresh();
  EXPECT_GT(index(late), index(early));
}

TEST(ReuseModel, FindsTheBinOfEveryAge) {
  internal::ReuseModel model;
  for (const std::uint64_t entries : {0U, 1U, 100U, 12'345U, 4'000'000'000U}) {
    model.reset(entries);
    for (std::size_t bin = 0; bin < internal::ReuseModel::kBins; ++bin) {
      EXPECT_EQ(model.bin_of(model.begin(bin)), bin) << entries;
    }
    EXPECT_EQ(model.bin_of(~std::uint32_t{0}), internal::ReuseModel::kBins - 1);
  }
}

TEST(ReuseModel, MovesWhatItLearnedWithTheScale) {
  internal::ReuseModel model;
  model.reset(1'000);
  for (int i = 0; i < 1'000; ++i) {
    for (std::size_t bin = 0; bin <= 10; ++bin) model.count_reached(0, bin);
    model.count_used(0, 10);
  }
  model.refresh();
  const auto begin = model.begin(10);
  model.double_scale();
  EXPECT_EQ(model.scale(), 2'000U);
  EXPECT_NEAR(model.begin(8), begin, 1);
  model.refresh();
  const auto index = [&model](std::size_t bin) { return model.index(bin); };
  EXPECT_GT(index(8), index(4));
  EXPECT_GT(index(8), index(10));
}

struct Memory {
  int value = 0;
  bool is_kept = false;
};

TEST(GhostRing, ForgetsTheOldestAndFindsTheOthers) {
  internal::GhostRing<Memory> ghosts;
  ghosts.reserve(3);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(ghosts.push(static_cast<std::uint64_t>(i), {.value = i}).is_kept);
  }
  const Memory forgotten = ghosts.push(4, {.value = 4});
  EXPECT_TRUE(forgotten.is_kept);
  EXPECT_EQ(forgotten.value, 1);
  EXPECT_EQ(ghosts.size(), 3U);
  EXPECT_EQ(ghosts.find(1), ghosts.kNone);
  ASSERT_NE(ghosts.find(2), ghosts.kNone);
  EXPECT_EQ(ghosts[ghosts.find(2)].value, 2);
  ghosts.forget(ghosts.find(3));
  EXPECT_EQ(ghosts.size(), 2U);
  ghosts.push(4, {.value = 40});
  EXPECT_EQ(ghosts[ghosts.find(4)].value, 40);
  EXPECT_EQ(ghosts.size(), 1U) << "4 took the place of 2, and left its own";
}

TEST(GhostRing, KeepsTheNewestWhenItShrinksAndAllWhenItGrows) {
  internal::GhostRing<Memory> ghosts;
  ghosts.reserve(4);
  for (int i = 1; i <= 6; ++i) ghosts.push(static_cast<std::uint64_t>(i), {.value = i});
  ghosts.reserve(100);
  EXPECT_EQ(ghosts.size(), 4U);
  for (const std::uint64_t hash : {3U, 4U, 5U, 6U}) EXPECT_NE(ghosts.find(hash), ghosts.kNone);
  for (int i = 7; i <= 50; ++i) ghosts.push(static_cast<std::uint64_t>(i), {.value = i});
  EXPECT_EQ(ghosts.size(), 48U);
  ghosts.reserve(2);
  EXPECT_EQ(ghosts.size(), 2U);
  EXPECT_EQ(ghosts[ghosts.find(50)].value, 50);
}

}  // namespace
}  // namespace tarmac
