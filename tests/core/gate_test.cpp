// The gate: whoever closes it is alone behind it.
#include <tarmac/core/error.h>
#include <tarmac/core/internal/epoch.h>
#include <tarmac/core/internal/gate.h>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tarmac::internal {
namespace {

TEST(GateTest, IsTriedInVainWhileItIsClosedAndNobodyIsInside) {
  Gate gate;
  {
    const Gate::Closure closed(gate);
    Gate::TriedPassage tried;
    EXPECT_FALSE(tried.enter(gate));
  }
  Gate::TriedPassage tried;
  EXPECT_TRUE(tried.enter(gate));
  EXPECT_TRUE(tried.enter(gate)) << "it is inside";
}

// Goal: nobody follows a writer in who has found the gate closed and turns back. Method: writers of
// the kind that must not wait come again and again, so some are turning back whenever it is closed;
// whoever has closed it tries.
TEST(GateTest, IsTriedInVainWhileWritersTurnBack) {
  constexpr int kTurns = 20'000;
  constexpr int kTries = 2'000;
  Gate gate;
  std::atomic<bool> stops{false};
  std::atomic<int> turned_back{0};
  int followed = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 3; ++i) {
      writers.emplace_back([&] {
        const Gate::PolicyThread mark;
        while (!stops) {
          try {
            const Gate::Passage passage(gate);
          } catch (const UsageError&) {
            ++turned_back;
          }
        }
      });
    }
    while (turned_back < kTurns) {
      const Gate::Closure closed(gate);
      for (int tried = 0; tried < kTries; ++tried) {
        Gate::TriedPassage passage;
        if (passage.enter(gate)) ++followed;
      }
    }
    stops = true;
  }
  EXPECT_EQ(followed, 0);
}

// With somebody inside, whoever closes it waits anyway.
TEST(GateTest, LetsATryFollowWhoeverIsInside) {
  Gate gate;
  std::atomic<bool> has_closed{false};
  std::jthread closer;
  {
    const Gate::Passage inside(gate);
    closer = std::jthread([&] {
      const Gate::Closure closed(gate);
      has_closed = true;
    });
    while (!gate.is_closed()) std::this_thread::yield();
    Gate::TriedPassage tried;
    EXPECT_TRUE(tried.enter(gate));
    EXPECT_FALSE(has_closed);
  }
  closer.join();
  EXPECT_TRUE(has_closed);
}

// A slot is memory, and a try must not throw.
TEST(GateTest, AsksForNothingOfAThread) {
  Gate gate;
  std::jthread([&gate] {
    {
      const Gate::Passage passage(gate);
      const Gate::OpenPassage open(gate);
      Gate::TriedPassage tried;
      EXPECT_TRUE(open);
      EXPECT_TRUE(tried.enter(gate));
    }
    EXPECT_EQ(current_thread_slot, nullptr);
  }).join();
}

}  // namespace
}  // namespace tarmac::internal
