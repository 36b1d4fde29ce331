// Work shared out among threads.
#include <gtest/gtest.h>
#include <tarmac/core/internal/crew.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace tarmac::internal {
namespace {

TEST(Crew, GivesEachMemberItsPartOnce) {
  Crew crew(3);
  std::vector<std::atomic<int>> done(3);
  std::atomic<std::size_t> members{0};
  for (int round = 0; round < 1'000; ++round) {
    crew.run([&](std::size_t member, std::size_t all) {
      members = all;
      ++done[member];
    });
  }
  ASSERT_LE(members, 3U);
  for (std::size_t i = 0; i < done.size(); ++i) EXPECT_EQ(done[i], i < members ? 1'000 : 0) << i;
}

TEST(Crew, LetsTheCallerDoOtherThingsMeanwhile) {
  Crew crew(2);
  std::atomic<bool> caller_was_here{false};
  std::atomic<int> others{0};
  const auto members = crew.begin([&](std::size_t, std::size_t) {
    while (!caller_was_here) std::this_thread::yield();
    ++others;
  });
  caller_was_here = true;
  crew.end();
  EXPECT_EQ(others, static_cast<int>(members) - 1);
}

TEST(Crew, IsTheCallerAloneWhereThereIsNoMoreToHave) {
  Crew crew(1);
  EXPECT_FALSE(crew.is_more_than_one());
  int done = 0;
  crew.run([&](std::size_t member, std::size_t members) {
    EXPECT_EQ(member, 0U);
    EXPECT_EQ(members, 1U);
    ++done;
  });
  EXPECT_EQ(done, 1);
}

TEST(Crew, ThrowsWhatAMemberHasThrownWhenAllAreDone) {
  Crew crew(2);
  for (const std::size_t thrower : {std::size_t{0}, std::size_t{1}}) {
    std::atomic<std::size_t> done{0};
    std::size_t members = 0;
    const auto work = [&](std::size_t member, std::size_t all) {
      if (member == 0) members = all;
      if (member == thrower) throw std::runtime_error("no");
      ++done;
    };
    if (thrower == 1 && !crew.is_more_than_one()) break;
    EXPECT_THROW(crew.run(work), std::runtime_error);
    EXPECT_EQ(done, members - 1);
    EXPECT_NO_THROW(crew.end()) << "it is told once";
  }
}

TEST(Crew, EndsItsWorkBeforeItGoes) {
  std::atomic<bool> over{false};
  std::atomic<bool> has_others{false};
  {
    Crew crew(2);
    has_others = crew.begin([&](std::size_t, std::size_t) { over = true; }) > 1;
  }
  EXPECT_EQ(over, has_others);
}

}  // namespace
}  // namespace tarmac::internal
