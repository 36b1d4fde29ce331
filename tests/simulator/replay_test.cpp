#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/testing/scratch_folder.h>

#include <algorithm>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The newest entry leaves first: small, and unlike any real strategy, so that a replay which chose
/// victims by itself would be seen. Writes down what it is told.
class NewestFirst final : public EvictionStrategy {
 public:
  explicit NewestFirst(std::vector<std::string>& log,
                       AccessTracking tracking = AccessTracking::ordered)
      : log_(&log), tracking_(tracking) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "newest_first"; }
  [[nodiscard]] AccessTracking tracking() const noexcept override { return tracking_; }
  void on_insert(EntryNode& node) noexcept override {
    nodes_.push_back(&node);
    log_->push_back("insert w" + std::to_string(node.weight));
  }
  void on_access(EntryNode& node) noexcept override {
    log_->push_back("access v" + std::to_string(node.visits));
  }
  void on_update(EntryNode&, std::uint32_t) noexcept override { log_->push_back("update"); }
  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    nodes_.remove(&node);
    log_->push_back("remove " + std::string(to_string(cause)));
  }
  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    return nodes_.empty() ? nullptr : nodes_.back();
  }
  void on_resize(const StrategyCapacity& capacity) override {
    log_->push_back("resize " + std::to_string(capacity.amount));
  }
  void hand_over(std::span<EntryNode*>) noexcept override { log_->push_back("hand_over"); }
  void on_unrecorded_hits() noexcept override { log_->push_back("unrecorded"); }
  void take_over(std::span<EntryNode*>) noexcept override { log_->push_back("take_over"); }

 private:
  std::vector<std::string>* log_;
  AccessTracking tracking_;
  std::list<EntryNode*> nodes_;
};

class ReplayTest : public ::testing::Test {
 protected:
  [[nodiscard]] StrategyReplay make(std::uint64_t amount, bool in_weight = false,
                                    AccessTracking tracking = AccessTracking::ordered) {
    return StrategyReplay(std::make_unique<NewestFirst>(log_, tracking), {amount, in_weight});
  }
  static Request request(std::uint64_t key, std::uint64_t size = 1) {
    Request result;
    result.key = key;
    result.size = size;
    return result;
  }

  std::vector<std::string> log_;
};

TEST_F(ReplayTest, TellsAtASwapIfHitsWereNotRecorded) {
  for (const auto tracking : {AccessTracking::none, AccessTracking::ordered}) {
    auto replay = make(2, false, tracking);
    replay.play(request(1));
    log_.clear();
    replay.swap_strategy(std::make_unique<NewestFirst>(log_, AccessTracking::ordered));
    if (tracking == AccessTracking::none) {
      EXPECT_THAT(log_, ElementsAre("resize 2", "hand_over", "unrecorded", "take_over"));
    } else {
      EXPECT_THAT(log_, ElementsAre("resize 2", "hand_over", "take_over"));
    }
  }
}

TEST_F(ReplayTest, KnowsWhatItHolds) {
  auto replay = make(2);
  for (const std::uint64_t key : {1U, 2U, 3U}) replay.play(request(key));
  EXPECT_TRUE(replay.holds(1));
  EXPECT_FALSE(replay.holds(2)) << "the newest left";
  EXPECT_TRUE(replay.holds(3));
  EXPECT_FALSE(replay.holds(4));
}

TEST_F(ReplayTest, TellsTheStrategyWhatACacheWouldTellIt) {
  auto replay = make(2);
  EXPECT_FALSE(replay.play(request(1)));
  EXPECT_FALSE(replay.play(request(2)));
  EXPECT_TRUE(replay.play(request(1)));
  EXPECT_TRUE(replay.play(request(1)));
  EXPECT_FALSE(replay.play(request(3)));
  EXPECT_FALSE(replay.play(request(2))) << "2 was the newest when 3 came";
  // Room is made before a newcomer comes in, so it is never the victim of its own arrival.
  EXPECT_THAT(log_, ElementsAre("resize 2", "insert w1", "insert w1", "access v1", "access v2",
                                "remove evicted", "insert w1", "remove evicted", "insert w1"));
}

TEST_F(ReplayTest, DoesNotReportHitsThatTheStrategyDoesNotWant) {
  auto replay = make(2, false, AccessTracking::none);
  EXPECT_FALSE(replay.play(request(1)));
  EXPECT_TRUE(replay.play(request(1)));
  EXPECT_THAT(log_, ElementsAre("resize 2", "insert w1"));
}

TEST_F(ReplayTest, CountsRequestsAndBytes) {
  auto replay = make(2);
  for (const std::uint64_t key : {1U, 2U, 1U, 3U, 1U}) replay.play(request(key, key * 100));
  const ReplayResult& result = replay.result();
  EXPECT_EQ(result.requests, 5U);
  EXPECT_EQ(result.hits, 2U);
  EXPECT_EQ(result.misses, 3U);
  EXPECT_EQ(result.evictions, 1U);
  EXPECT_EQ(result.bypassed, 0U);
  EXPECT_EQ(result.bytes, 800U);
  EXPECT_EQ(result.missed_bytes, 600U);
  EXPECT_DOUBLE_EQ(result.miss_ratio(), 0.6);
  EXPECT_DOUBLE_EQ(result.byte_miss_ratio(), 0.75);
  EXPECT_EQ(replay.objects(), 2U);
}

TEST_F(ReplayTest, OfNothingHasAMissRatioOfZero) {
  EXPECT_EQ(make(1).result().miss_ratio(), 0.0);
  EXPECT_EQ(make(1).result().byte_miss_ratio(), 0.0);
}

TEST_F(ReplayTest, InWeightMakesRoomForTheWholeOfANewcomer) {
  auto replay = make(100, true);
  replay.play(request(1, 40));
  replay.play(request(2, 40));
  EXPECT_EQ(replay.used(), 80U);
  replay.play(request(3, 60));
  EXPECT_EQ(replay.used(), 100U);
  EXPECT_EQ(replay.objects(), 2U);
  replay.play(request(4, 100));
  EXPECT_EQ(replay.used(), 100U);
  EXPECT_EQ(replay.objects(), 1U);
  EXPECT_EQ(replay.result().evictions, 3U);
}

// trap C3: an object larger than the cache must not empty it on its way to being refused.
TEST_F(ReplayTest, LetsAnObjectLargerThanTheCachePassBy) {
  auto replay = make(100, true);
  replay.play(request(1, 60));
  EXPECT_FALSE(replay.play(request(2, 101)));
  EXPECT_FALSE(replay.play(request(2, 101)));
  EXPECT_TRUE(replay.play(request(1, 60)));
  EXPECT_EQ(replay.result().bypassed, 2U);
  EXPECT_EQ(replay.result().misses, 3U);
  EXPECT_EQ(replay.result().evictions, 0U);
}

TEST_F(ReplayTest, CountsAnObjectByTheSizeItCameInWith) {
  auto replay = make(100, true);
  replay.play(request(1, 60));
  EXPECT_TRUE(replay.play(request(1, 90)));
  EXPECT_EQ(replay.used(), 60U);
  replay.play(request(2, 100));
  EXPECT_EQ(replay.used(), 100U);
  EXPECT_EQ(replay.objects(), 1U);
}

TEST_F(ReplayTest, RefusesASizeThatNoNodeCanCarryAndStaysAsItWas) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 32U;
  auto replay = make(kHuge * 4, true);
  replay.play(request(1, kHuge - 1));
  EXPECT_THROW(replay.play(request(2, kHuge)), ConfigError);
  EXPECT_EQ(replay.result().requests, 1U);
  EXPECT_EQ(replay.objects(), 1U);

  auto in_objects = make(2);
  EXPECT_FALSE(in_objects.play(request(2, kHuge)));
  EXPECT_EQ(log_.back(), "insert w4294967295");
}

TEST_F(ReplayTest, RefusesACapacityOfNothingAndNoStrategy) {
  EXPECT_THROW(static_cast<void>(make(0)), ConfigError);
  EXPECT_THROW(StrategyReplay(nullptr, {1, false}), ConfigError);
}

TEST_F(ReplayTest, PlaysAFileAndReportsOnTheWayAndAtTheEnd) {
  const testing::ScratchFolder folder;
  TraceReader trace(folder.write("trace.csv", "key\n1\n2\n1\n3\n1\n"));
  std::vector<std::uint64_t> reported;
  double fraction = 0;
  const ReplayResult result =
      replay(trace, [this] { return std::make_unique<NewestFirst>(log_); }, {2, false},
             {[&](const ReplayResult& so_far, const TraceProgress& progress) {
                reported.push_back(so_far.requests);
                fraction = progress.fraction();
              },
              2});
  EXPECT_EQ(result.misses, 3U);
  EXPECT_THAT(reported, ElementsAre(2, 4, 5));
  EXPECT_EQ(fraction, 1.0);
}

}  // namespace
}  // namespace tarmac::simulator_tests
