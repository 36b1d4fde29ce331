#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "ranked_lines.h"
#include "reuse_model.h"
#include "wait_log.h"

namespace tarmac::internal {
namespace {

using Waits = std::vector<std::pair<WaitLog::Time, WaitLog::Kind>>;

Waits waits(const WaitLog& log, WaitLog::Time from, WaitLog::Time to) {
  Waits found;
  WaitLog::Time time = from;
  for (; time != to; ++time) {
    log.for_each(time, time + 1, [&](WaitLog::Kind kind) { found.emplace_back(time + 1, kind); });
  }
  return found;
}

// Time wraps in between.
TEST(WaitLog, TellsWhoStillWaits) {
  WaitLog log;
  const WaitLog::Time start = 0U - 50;
  log.reserve(100, 1'000, start);
  for (WaitLog::Time i = 0; i < 100; ++i) log.begin(start + i, i % 3);
  for (WaitLog::Time i = 0; i < 100; ++i) {
    if (i != 40 && i != 60) EXPECT_TRUE(log.end(start + i));
  }
  EXPECT_FALSE(log.end(start + 7)) << "it ended before";
  EXPECT_EQ(waits(log, start - 1, start + 99), (Waits{{start + 40, 1}, {start + 60, 0}}));
  EXPECT_EQ(waits(log, start + 40, start + 60), (Waits{{start + 60, 0}}));
}

TEST(WaitLog, KeepsEveryEighthWhereAllWouldTakeTooMuchMemory) {
  WaitLog log;
  log.reserve(4'000'000, 100'000, 0);
  EXPECT_EQ(log.step(), 8U);
  EXPECT_GE(log.span(), 4'000'000U);
  EXPECT_TRUE(log.keeps(80));
  EXPECT_FALSE(log.keeps(84));
}

// What is kept of them afterwards is what would have been kept from the start.
TEST(WaitLog, KeepsWaitsWhenItGrows) {
  WaitLog log;
  log.reserve(1'000, 100, 0);
  ASSERT_EQ(log.step(), 1U);
  for (WaitLog::Time time = 0; time < 1'000; ++time) log.begin(time, 5);
  log.reserve(200'000, 100, 999);
  ASSERT_EQ(log.step(), 4U);
  std::size_t found = 0;
  log.for_each(99, 999, [&](WaitLog::Kind kind) { found += kind == 5 ? 1 : 0; });
  EXPECT_EQ(found, 900U / 4);
}

TEST(WaitLog, ForgetsAllWhenItStartsAgain) {
  WaitLog log;
  log.reserve(100, 100, 0);
  for (WaitLog::Time time = 0; time < 100; ++time) log.begin(time, 5);
  log.restart(100, 100);
  EXPECT_TRUE(waits(log, 0, 99).empty());
}

/// A model in which classes 1 to 3 are used at other ages each, so that no two orders are alike.
void teach(ReuseModel& model) {
  model.reset(1'000);
  for (const auto& [of, used_in] :
       {std::pair<ReuseModel::Class, std::size_t>{1, 4}, {2, 9}, {3, 12}}) {
    for (std::size_t bin = 0; bin <= used_in; ++bin) model.count_reached(of, bin, 5'000);
    model.count_used(of, used_in, 4'000);
  }
  model.refresh();
}

// Goal: no request pays for a whole refresh, and what comes of it is the same.
TEST(ReuseModel, RefreshedInStepsSaysWhatItSaysAtOnce) {
  ReuseModel at_once;
  teach(at_once);
  ReuseModel in_steps = at_once;
  for (auto* model : {&at_once, &in_steps}) model->count_used(2, 9, 3'000);
  const float before = in_steps.index(ReuseModel::cell(2, 0));
  at_once.refresh();
  EXPECT_FALSE(in_steps.is_refreshing());
  in_steps.begin_refresh();
  std::size_t steps = 0;
  while (in_steps.is_refreshing()) {
    ++steps;
    EXPECT_EQ(in_steps.refresh_next(), steps == ReuseModel::kClasses);
  }
  EXPECT_EQ(steps, ReuseModel::kClasses);
  EXPECT_NE(in_steps.index(ReuseModel::cell(2, 0)), before);
  for (std::size_t cell = 0; cell < ReuseModel::kCells; ++cell) {
    EXPECT_EQ(in_steps.index(cell), at_once.index(cell)) << cell;
  }
}

TEST(ReuseModel, GivesARefreshUpWhenItsBinsChange) {
  ReuseModel model;
  teach(model);
  model.begin_refresh();
  EXPECT_FALSE(model.refresh_next());
  EXPECT_TRUE(model.double_scale());
  EXPECT_FALSE(model.is_refreshing());
}

TEST(ReuseModel, IsNotMadeForMoreEntriesThanItCanTellAgesOf) {
  ReuseModel model;
  model.reset(std::uint64_t{1} << 25U);
  EXPECT_TRUE(model.double_scale());
  EXPECT_FALSE(model.double_scale());
  EXPECT_EQ(model.scale(), std::uint64_t{1} << 26U);
}

class Crowd {
 public:
  explicit Crowd(std::size_t size) : nodes_(size), is_in_(size) { teach(model_); }

  void use(std::size_t i, ReuseModel::Class of) {
    lines_.pass_request();
    remove(i);
    Wait wait;
    wait.of = of;
    wait.used_at = lines_.now();
    keep(nodes_[i], wait);
    lines_.push(nodes_[i]);
    is_in_[i] = true;
  }
  void remove(std::size_t i) {
    if (is_in_[i]) lines_.remove(nodes_[i]);
    is_in_[i] = false;
  }
  RankedLines& lines() { return lines_; }
  std::size_t number_of(const EntryNode* node) const {
    return static_cast<std::size_t>(node - nodes_.data());
  }

  /// Whether nobody is worth less than `node`, and nobody of its kind and bin is older.
  testing::AssertionResult is_lowest(const EntryNode& node) const {
    const Wait chosen = wait_of(node);
    const std::size_t bin = lines_.bin_at(chosen.used_at);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!is_in_[i]) continue;
      const Wait other = wait_of(nodes_[i]);
      const std::size_t other_bin = lines_.bin_at(other.used_at);
      const float index = model_.index(ReuseModel::cell(other.of, other_bin));
      if (index < model_.index(ReuseModel::cell(chosen.of, bin))) {
        return testing::AssertionFailure() << i << " is worth less";
      }
      if (other.of == chosen.of && other_bin == bin && other.used_at < chosen.used_at) {
        return testing::AssertionFailure() << i << " is as much worth, and older";
      }
    }
    return testing::AssertionSuccess();
  }

 private:
  ReuseModel model_;
  RankedLines lines_{model_};
  std::vector<EntryNode> nodes_;
  std::vector<bool> is_in_;
};

TEST(RankedLines, HasNoLowestWhereThereIsNobody) {
  Crowd crowd(1);
  EXPECT_EQ(crowd.lines().lowest(), nullptr);
  crowd.use(0, 1);
  EXPECT_NE(crowd.lines().lowest(), nullptr);
  crowd.remove(0);
  EXPECT_EQ(crowd.lines().lowest(), nullptr);
  EXPECT_EQ(crowd.lines().size(), 0U);
}

// Goal: however entries come, go and grow old, the lowest is the lowest. Method: every entry is
// looked at, after each of many random steps, of which many remove the lowest itself.
TEST(RankedLines, FindsTheLowestOfAll) {
  std::mt19937_64 random(1);
  Crowd crowd(400);
  for (int step = 0; step < 60'000; ++step) {
    const std::size_t i = random() % 400;
    if (random() % 3 != 0) {
      crowd.use(i, static_cast<ReuseModel::Class>(1 + random() % 3));
    } else if (EntryNode* const lowest = crowd.lines().lowest(); lowest != nullptr) {
      ASSERT_TRUE(crowd.is_lowest(*lowest)) << "in step " << step;
      ASSERT_EQ(crowd.lines().lowest(), lowest);
      crowd.remove(random() % 4 == 0 ? i : crowd.number_of(lowest));
    }
    if (step % 16 == 0) crowd.lines().set_time();
  }
}

}  // namespace
}  // namespace tarmac::internal
