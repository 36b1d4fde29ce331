#include "contract.h"
#include "strategy_rig.h"

#include <gtest/gtest.h>
#include <tarmac/testing/eviction_strategy_contract.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace tarmac::testing {
namespace {

using internal::below;
using internal::StrategyRig;
using Id = StrategyRig::Id;

constexpr StrategyCapacity entries(std::uint64_t amount) { return {.amount = amount}; }
constexpr StrategyCapacity weight(std::uint64_t amount) {
  return {.amount = amount, .in_weight = true};
}

bool failed() { return ::testing::Test::HasFailure(); }

void has_a_name_and_no_victim_at_first(const StrategyFactory& factory) {
  StrategyRig rig(factory, entries(10));
  EXPECT_FALSE(rig.strategy().name().empty());
  EXPECT_EQ(rig.strategy().name(), factory()->name());
  EXPECT_EQ(rig.strategy().choose_victim(), nullptr);
}

// Method: more entries than fit, each used so often as its number says; trap C4 for capacities
// 1, 2.
void names_a_tracked_victim_at_any_capacity(const StrategyFactory& factory) {
  for (const std::uint64_t capacity : {1U, 2U, 3U, 7U, 64U, 5'000U}) {
    for (const bool in_weight : {false, true}) {
      SCOPED_TRACE("capacity " + std::to_string(capacity) + (in_weight ? " in weight" : ""));
      StrategyRig rig(factory, {.amount = capacity, .in_weight = in_weight});
      for (std::uint64_t i = 0; i < 3 * capacity && !failed(); ++i) {
        if (rig.size() == capacity) rig.evict();
        const Id id = rig.insert();
        for (std::uint64_t hit = 0; hit < i % 4; ++hit) rig.access(id);
        rig.check_victim();
      }
      EXPECT_EQ(rig.drain().size(), capacity);
    }
  }
}

void works_without_a_bound(const StrategyFactory& factory) {
  StrategyRig rig(factory, StrategyCapacity{});
  for (int i = 0; i < 2'000; ++i) rig.access(rig.insert());
  EXPECT_EQ(rig.drain().size(), 2'000U);
}

// Goal: after any life, evicting yields exactly what the model says is tracked, each entry once.
void drains_exactly_the_tracked_entries(const StrategyFactory& factory) {
  for (std::uint64_t seed = 1; seed <= 200 && !failed(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::uint64_t capacity = 1 + below(random, 30);
    StrategyRig rig(factory, entries(capacity));
    for (int step = 0; step < 300 && !failed(); ++step) rig.random_step(random, capacity);
    const std::set<Id> expected(rig.ids().begin(), rig.ids().end());
    const std::vector<Id> drained = rig.drain();
    EXPECT_EQ(std::set<Id>(drained.begin(), drained.end()), expected);
    EXPECT_EQ(drained.size(), expected.size());
  }
}

// Method: every position of lists of up to 8, with and without hits, with and without a search for
// a victim before (which may leave a hand or a cursor on any entry).
void survives_the_removal_of_any_entry(const StrategyFactory& factory) {
  for (Id count = 1; count <= 8; ++count) {
    for (Id position = 0; position < count; ++position) {
      for (int variant = 0; variant < 8 && !failed(); ++variant) {
        SCOPED_TRACE("entry " + std::to_string(position) + " of " + std::to_string(count) +
                     ", variant " + std::to_string(variant));
        StrategyRig rig(factory, entries(count));
        for (Id id = 0; id < count; ++id) rig.insert(1, id % 2 == 0 ? kNever : 100);
        for (Id id = 0; id < count; ++id) {
          if ((variant & 1) != 0 && id % 2 == 0) rig.access(id);
          if ((variant & 2) != 0 && id >= position) rig.access(id);
        }
        if ((variant & 4) != 0) rig.check_victim();
        rig.remove(position, RemovalCause::erased);
        rig.check_victim();
        rig.insert();
        EXPECT_EQ(rig.drain().size(), count);
      }
    }
  }
}

void survives_the_loss_of_the_victim_it_chose(const StrategyFactory& factory) {
  StrategyRig rig(factory, entries(50));
  for (int i = 0; i < 50; ++i) rig.insert();
  for (int i = 0; i < 50; i += 3) rig.access(rig.ids()[static_cast<std::size_t>(i)]);
  for (int round = 0; round < 500 && !failed(); ++round) {
    Id victim = 0;
    rig.check_victim(&victim);
    rig.remove(victim, RemovalCause::erased);
    rig.check_victim();
    rig.insert();
  }
  EXPECT_EQ(rig.drain().size(), 50U);
}

void accepts_new_weights(const StrategyFactory& factory) {
  StrategyRig rig(factory, weight(100));
  for (int i = 0; i < 20; ++i) rig.insert(5);
  std::uint32_t next_weight = 0;
  for (const Id id : std::vector<Id>(rig.ids())) {
    rig.update(id, next_weight, kNever);
    next_weight = next_weight == 0 ? 1 : next_weight * 3;  // From none to over the whole capacity.
    rig.check_victim();
  }
  EXPECT_EQ(rig.drain().size(), 20U);
}

void follows_deadlines_that_move(const StrategyFactory& factory) {
  StrategyRig rig(factory, entries(64));
  for (SteadyNanos i = 0; i < 64; ++i) rig.insert(1, i % 8 == 0 ? kNever : 100 + i);
  std::mt19937_64 random(7);
  for (SteadyNanos now = 0; now < 2'000 && !failed(); ++now) {
    rig.access_and_prolong(rig.any(random), now % 5 == 0 ? kNever : now + 100);
    rig.update(rig.any(random), 1, now % 7 == 0 ? kNever : now + 50);
    rig.check_victim();
  }
  EXPECT_EQ(rig.drain().size(), 64U);
}

// Trap C5: the bound is lowered and raised while entries come and go; also below what is tracked.
void accepts_a_new_capacity_at_any_time(const StrategyFactory& factory) {
  std::mt19937_64 random(11);
  StrategyRig rig(factory, entries(100));
  for (int round = 0; round < 300 && !failed(); ++round) {
    const std::uint64_t capacity = round % 10 == 0 ? 1 : 1 + below(random, 200);
    rig.resize(round % 3 == 0 ? weight(capacity * 4) : entries(capacity));
    rig.check_victim();
    while (rig.size() > capacity && !failed()) rig.evict();
    for (int step = 0; step < 40 && !failed(); ++step) rig.random_step(random, capacity);
  }
  rig.drain();
}

void hands_over_everything_and_starts_afresh(const StrategyFactory& factory) {
  std::mt19937_64 random(13);
  for (const std::size_t count : {0U, 1U, 2U, 100U}) {
    SCOPED_TRACE(std::to_string(count) + " entries");
    StrategyRig rig(factory, entries(100));
    for (int step = 0; step < 400 && count != 0 && !failed(); ++step) {
      rig.random_step(random, count);
    }
    std::vector<EntryNode*> order = rig.hand_over();
    rig.take_over(std::move(order));  // The same instance must be usable again.
    rig.check_victim();
    if (rig.size() != 0) rig.access(rig.any(random));
    rig.drain();
  }
}

// Method: nodes with any memory, in any order, into capacities smaller and larger than their
// number.
void takes_over_any_order(const StrategyFactory& factory) {
  for (std::uint64_t seed = 1; seed <= 100 && !failed(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    StrategyRig rig(factory, entries(1 + below(random, 80)));
    const std::uint64_t count = below(random, 80);
    for (std::uint64_t i = 0; i < count; ++i) rig.insert();
    std::vector<EntryNode*> order = rig.hand_over();
    for (EntryNode* node : order) {
      node->visits = static_cast<std::uint16_t>(seed % 2 == 0 ? below(random, 4) : random());
      node->accessed_at = static_cast<std::uint32_t>(random());  // Far apart: no order on a circle.
      node->inserted_at = static_cast<std::uint32_t>(below(random, 10));
      node->weight = static_cast<std::uint32_t>(random());
      node->expires_at = below(random, 2) == 0 ? kNever : static_cast<SteadyNanos>(random() >> 1U);
    }
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[below(random, i)]);
    }
    rig.take_over(std::move(order));
    for (int step = 0; step < 50 && !failed(); ++step) rig.random_step(random, 80);
    rig.drain();
  }
}

// Traps D1, D2, D6: ten thousand swaps, each to a new instance, with traffic between.
void keeps_everything_through_ten_thousand_swaps(const StrategyFactory& factory) {
  std::mt19937_64 random(17);
  StrategyRig rig(factory, entries(16));
  for (int swap = 0; swap < 10'000 && !failed(); ++swap) {
    rig.random_step(random, 16);
    const std::size_t before = rig.size();
    rig.swap_strategy(factory());
    EXPECT_EQ(rig.size(), before);
    rig.check_victim();
  }
  rig.drain();
}

// Trap D12. Method: two instances, the same events, nodes at different addresses.
void is_deterministic(const StrategyFactory& factory) {
  StrategyRig first(factory, entries(40));
  StrategyRig second(factory, entries(40));
  std::mt19937_64 random_for_first(19);
  std::mt19937_64 random_for_second(19);
  for (int step = 0; step < 20'000 && !failed(); ++step) {
    first.random_step(random_for_first, 40);
    second.random_step(random_for_second, 40);
    if (step % 1'000 == 0) {
      first.swap_strategy(factory());
      second.swap_strategy(factory());
    }
    Id chosen_by_first = 0;
    Id chosen_by_second = 0;
    first.check_victim(&chosen_by_first);
    second.check_victim(&chosen_by_second);
    ASSERT_EQ(chosen_by_first, chosen_by_second) << "at step " << step;
  }
  EXPECT_EQ(first.drain(), second.drain());
}

void survives_a_long_random_life(const StrategyFactory& factory) {
  std::mt19937_64 random(23);
  StrategyRig rig(factory, entries(500));
  for (int step = 0; step < 300'000 && !failed(); ++step) rig.random_step(random, 500);
  rig.drain();
}

constexpr auto kStrategyClauses = std::to_array<Clause<const StrategyFactory>>({
    {"HasANameAndNoVictimAtFirst", has_a_name_and_no_victim_at_first},
    {"NamesATrackedVictimAtAnyCapacity", names_a_tracked_victim_at_any_capacity},
    {"WorksWithoutABound", works_without_a_bound},
    {"DrainsExactlyTheTrackedEntries", drains_exactly_the_tracked_entries},
    {"SurvivesTheRemovalOfAnyEntry", survives_the_removal_of_any_entry},
    {"SurvivesTheLossOfTheVictimItChose", survives_the_loss_of_the_victim_it_chose},
    {"AcceptsNewWeights", accepts_new_weights},
    {"FollowsDeadlinesThatMove", follows_deadlines_that_move},
    {"AcceptsANewCapacityAtAnyTime", accepts_a_new_capacity_at_any_time},
    {"HandsOverEverythingAndStartsAfresh", hands_over_everything_and_starts_afresh},
    {"TakesOverAnyOrder", takes_over_any_order},
    {"KeepsEverythingThroughTenThousandSwaps", keeps_everything_through_ten_thousand_swaps},
    {"IsDeterministic", is_deterministic},
    {"SurvivesALongRandomLife", survives_a_long_random_life},
});

}  // namespace

bool register_eviction_strategy_contract(std::string_view name, const StrategyFactory& factory) {
  register_clauses("EvictionStrategyContract/" + std::string(name), kStrategyClauses,
                   [factory](auto check) { check(factory); });
  return true;
}

}  // namespace tarmac::testing
