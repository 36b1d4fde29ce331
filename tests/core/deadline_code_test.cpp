#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/internal/deadline_code.h>
#include <tarmac/core/internal/node_table.h>
#include <tarmac/core/internal/table_glimpse.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tarmac::internal {
namespace {

constexpr SteadyNanos kSecond = 1'000'000'000;
constexpr SteadyNanos kUnit = SteadyNanos{1} << DeadlineCode::kUnitShift;
constexpr SteadyNanos kHour = 3600 * kSecond;

SteadyNanos any_time() { return *rc::gen::inRange<SteadyNanos>(-kHour, 1'000'000 * kHour); }

// Goal: a code never says that a deadline lies ahead which does not, and says so of all that lie
// ahead by two units, as long as it may be trusted.
TEST(DeadlineCode, TellsWhatLiesAhead) {
  const bool held = rc::check("code against deadline", [] {
    const auto made = any_time();
    const auto deadline = made + *rc::gen::inRange<SteadyNanos>(-kHour, 3 * kHour);
    const auto now = made + *rc::gen::inRange<SteadyNanos>(0, DeadlineCode::kWindow);
    const bool ahead = DeadlineCode::is_ahead(DeadlineCode::of(deadline, made), now);
    if (deadline <= now + Clock::kCoarseLag) RC_ASSERT(!ahead);
    const auto kept = std::min(deadline, made + DeadlineCode::kWindow);
    if (kept > now + Clock::kCoarseLag + 2 * kUnit) RC_ASSERT(ahead);
  });
  EXPECT_TRUE(held);
}

TEST(DeadlineCode, KnowsTheEndsOfItsWindow) {
  constexpr auto kMade = 7 * kUnit - 1;  // The last moment of a unit.
  const auto over = DeadlineCode::of(kMade - kHour, kMade);
  EXPECT_FALSE(DeadlineCode::is_ahead(over, kMade));
  EXPECT_FALSE(DeadlineCode::is_ahead(over, kMade + DeadlineCode::kWindow));
  const auto never = DeadlineCode::of(kNever, kMade);
  EXPECT_TRUE(DeadlineCode::is_ahead(never, kMade));
  EXPECT_TRUE(DeadlineCode::is_ahead(never, kMade + DeadlineCode::kWindow - 2 * kUnit));
  // What the window is for: a whole turn later the code of what is over would lie ahead.
  EXPECT_TRUE(DeadlineCode::is_ahead(over, kMade + DeadlineCode::kWindow + 4 * kUnit));
}

// Goal: what a code is made of anew is what it stands for, or nothing.
TEST(DeadlineCode, TellsTheUnitItWasMadeOf) {
  const bool held = rc::check("code against unit", [] {
    const auto first = any_time() >> DeadlineCode::kUnitShift << DeadlineCode::kUnitShift;
    const auto made = first + *rc::gen::inRange<SteadyNanos>(0, DeadlineCode::kWindow / 2);
    const auto deadline = made + *rc::gen::inRange<SteadyNanos>(1, 3 * kHour);
    const auto unit = DeadlineCode::unit_of(DeadlineCode::of(deadline, made), first);
    if (unit) RC_ASSERT(*unit <= deadline && deadline < *unit + kUnit);
    if (!unit) RC_ASSERT(deadline > first + DeadlineCode::kWindow);
  });
  EXPECT_TRUE(held);
}

class TimedTable {
 public:
  explicit TimedTable(SteadyNanos now) : now_(now) {}

  void insert(std::size_t i, SteadyNanos deadline) {
    nodes_.at(i).hash = i * 0x9E3779B97F4A7C15ULL;
    nodes_[i].expires_at = deadline;
    static_cast<void>(table_.make_room(nodes_.size()));
    table_.insert(nodes_[i], {i, i}, true, now_);
  }
  void move(std::size_t i, SteadyNanos deadline) {
    nodes_.at(i).expires_at = deadline;
    table_.note_deadline(nodes_[i], now_);
  }
  void erase(std::size_t i) { table_.erase(nodes_.at(i)); }
  void pass(SteadyNanos time) { now_ += time; }
  [[nodiscard]] SteadyNanos now() const { return now_; }
  [[nodiscard]] SteadyNanos deadline(std::size_t i) const { return nodes_.at(i).expires_at; }
  [[nodiscard]] bool is_in(std::size_t i) const { return find(i).node != nullptr; }
  /// As a hit asks, by a clock that is as far behind as it may be.
  [[nodiscard]] bool outlives(std::size_t i) const {
    return find(i).outlives(now_ - Clock::kCoarseLag + 1);
  }
  /// The same at a glimpse, which may see nothing.
  [[nodiscard]] bool glimpsed_outlives(std::size_t i) const {
    const auto& groups = *table_.groups();
    const auto hash = i * 0x9E3779B97F4A7C15ULL;
    const auto seen = glimpse(groups.home_of(hash), hash, [i](auto key) { return key == i; });
    return seen.slot != 0 && seen.outlives(now_ - Clock::kCoarseLag + 1, groups.trusted_until);
  }

  static constexpr std::size_t kNodes = 24;

 private:
  [[nodiscard]] FoundPair find(std::size_t i) const {
    return table_.find_pair(i * 0x9E3779B97F4A7C15ULL, [i](std::uint64_t key) { return key == i; });
  }

  SteadyNanos now_;
  std::array<EntryNode, kNodes> nodes_{};
  NodeTable<true> table_;
};

// Goal: whatever time passes between writes, also more than the codes can tell apart, nothing that
// is over is taken for alive; and what lives long is known to, while somebody writes now and then.
TEST(TimedTable, NeverTakesWhatIsOverForAlive) {
  const bool held = rc::check("table against deadlines", [] {
    TimedTable table(any_time());
    SteadyNanos last_write = table.now();
    const auto steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      const auto i = *rc::gen::inRange<std::size_t>(0, TimedTable::kNodes);
      const auto deadline = table.now() + *rc::gen::inRange<SteadyNanos>(1, 12 * kHour);
      const auto what = *rc::gen::inRange(0, 4);
      if (what == 0) {
        table.pass(*rc::gen::inRange<SteadyNanos>(0, 9 * kHour));
      } else if (!table.is_in(i)) {
        table.insert(i, deadline);
        last_write = table.now();
      } else if (what == 1) {
        table.erase(i);
      } else {
        table.move(i, deadline);
        last_write = table.now();
      }
      for (std::size_t k = 0; k < TimedTable::kNodes; ++k) {
        if (!table.is_in(k)) continue;
        if (table.deadline(k) <= table.now()) RC_ASSERT(!table.outlives(k));
        if (table.glimpsed_outlives(k)) RC_ASSERT(table.outlives(k));
        if (table.now() == last_write && table.deadline(k) > table.now() + 3 * kUnit) {
          RC_ASSERT(table.outlives(k));
        }
      }
    }
  });
  EXPECT_TRUE(held);
}

// Growth, and a table that is swapped in, bring along until when their codes may be trusted.
TEST(TimedTable, IsNotTrustedForLongerThanItsCodesHold) {
  TimedTable table(kHour);
  table.insert(0, 2 * kHour);
  EXPECT_TRUE(table.outlives(0));
  EXPECT_TRUE(table.glimpsed_outlives(0));
  table.pass(DeadlineCode::kWindow + 4 * kUnit);  // Its code would lie ahead again.
  EXPECT_FALSE(table.outlives(0));
  table.insert(1, kNever);  // All codes are made anew.
  EXPECT_FALSE(table.outlives(0));
  EXPECT_TRUE(table.outlives(1));
  for (std::size_t i = 2; i < TimedTable::kNodes; ++i) table.insert(i, kNever);
  EXPECT_FALSE(table.outlives(0));
  EXPECT_TRUE(table.outlives(1));
}

}  // namespace
}  // namespace tarmac::internal
