#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/breaker_store.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/manual_clock.h>

#include <thread>

#include "store_files.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BreakerTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string error_of_load() {
    return message_of<StoreError>([this] { static_cast<void>(store_->load("k", 0)); });
  }
  void fail_times(int times) {
    for (int i = 0; i < times; ++i) EXPECT_THAT(error_of_load(), HasSubstr("told to fail"));
  }

  std::shared_ptr<testing::ManualClock> clock_ = std::make_shared<testing::ManualClock>();
  std::shared_ptr<testing::FaultyStore> inner_ =
      std::make_shared<testing::FaultyStore>(make_memory_store());
  std::shared_ptr<BackingStore> store_ =
      make_breaker_store(inner_, {.failures = 3, .pause = 1s, .pause_max = 3s, .clock = clock_});
};

TEST_F(BreakerTest, OpensAfterFailuresInARowAndAsksNoMore) {
  inner_->fail_loads(true);
  fail_times(3);
  EXPECT_THAT(error_of_load(), AllOf(HasSubstr("left alone after 3 failures in a row"),
                                     HasSubstr("for 1000ms more"), HasSubstr("told to fail")));
  EXPECT_THROW(put(*store_, "k", "v", 1), StoreError);
  EXPECT_EQ(inner_->loads(), 3U);
  EXPECT_EQ(inner_->attempts(), 0U);
  EXPECT_FALSE(store_->health().reachable);
  EXPECT_EQ(store_->name(), "faulty");
}

TEST_F(BreakerTest, TellsItsStateAndHowOftenItHasOpened) {
  const auto is = [this](BreakerState state, std::uint64_t opens) {
    const auto stats = store_->breaker();
    return stats && stats->state == state && stats->opens == opens;
  };
  EXPECT_FALSE(inner_->breaker());
  EXPECT_TRUE(is(BreakerState::closed, 0));
  inner_->fail_loads(true);
  fail_times(3);
  EXPECT_TRUE(is(BreakerState::open, 1));
  clock_->advance(1s);
  EXPECT_TRUE(is(BreakerState::open, 1)) << "nobody tries it yet";
  inner_->block_writes();
  std::thread probe([this] { put(*store_, "k", "v", 1); });
  inner_->await_blocked();
  EXPECT_TRUE(is(BreakerState::half_open, 1));
  inner_->release_writes();
  probe.join();
  EXPECT_TRUE(is(BreakerState::closed, 1));
  fail_times(3);
  EXPECT_TRUE(is(BreakerState::open, 2));
  clock_->advance(1s);
  fail_times(1);
  EXPECT_TRUE(is(BreakerState::open, 3)) << "each pause counts";
}

TEST_F(BreakerTest, StaysClosedIfFailuresAreNotInARow) {
  for (int i = 0; i < 5; ++i) {
    inner_->fail_loads(true);
    fail_times(2);
    inner_->fail_loads(false);
    EXPECT_EQ(store_->load("k", 0), std::nullopt);
  }
}

TEST_F(BreakerTest, ClosesWhenAProbeSucceeds) {
  inner_->fail_loads(true);
  fail_times(3);
  clock_->advance(1s - 1ns);
  EXPECT_THAT(error_of_load(), HasSubstr("left alone"));
  inner_->fail_loads(false);
  clock_->advance(1ns);
  EXPECT_EQ(error_of_load(), "");
  EXPECT_TRUE(store_->health().reachable);
  inner_->fail_loads(true);
  fail_times(3);
  EXPECT_THAT(error_of_load(), HasSubstr("for 1000ms more")) << "the pause begins anew";
}

TEST_F(BreakerTest, DoublesThePauseWithEachProbeThatFails) {
  inner_->fail_loads(true);
  fail_times(3);
  for (const auto pause : {1s, 2s, 3s, 3s}) {
    clock_->advance(pause - 1ns);
    EXPECT_THAT(error_of_load(), HasSubstr("left alone"));
    clock_->advance(1ns);
    fail_times(1);
  }
  EXPECT_EQ(inner_->loads(), 7U);
}

// Goal: the others do not wait for a probe that hangs. Method: the probe is a write that the store
// holds back.
TEST_F(BreakerTest, LetsOneCallProbeAtATime) {
  inner_->fail_loads(true);
  fail_times(3);
  inner_->fail_loads(false);
  clock_->advance(1s);
  inner_->block_writes();
  std::thread probe([this] { put(*store_, "k", "v", 1); });
  inner_->await_blocked();
  EXPECT_THAT(error_of_load(), HasSubstr("is being tried"));
  inner_->release_writes();
  probe.join();
  EXPECT_EQ(store_->load("k", 0)->bytes, "v");
}

TEST_F(BreakerTest, TakesARefusalForASignOfLife) {
  inner_->refuse_keys([](std::string_view) { return true; });
  for (int i = 0; i < 10; ++i) EXPECT_THROW(put(*store_, "k", "v", 1), PermanentStoreError);
  EXPECT_EQ(inner_->attempts(), 10U);
}

TEST_F(BreakerTest, RefusesSettingsThatCannotWork) {
  EXPECT_THROW(static_cast<void>(make_breaker_store(nullptr)), ConfigError);
  EXPECT_THROW(static_cast<void>(make_breaker_store(inner_, {.failures = 0})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_breaker_store(inner_, {.pause = 0s})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_breaker_store(inner_, {.pause = 2s, .pause_max = 1s})),
               ConfigError);
}

TEST(BreakerParameters, AreThoseOfEveryBuiltInStore) {
  const ScratchFolder folder;
  // A folder where the file should be: opening it fails each time.
  std::filesystem::create_directory(folder / "values.json");
  const auto store = store_registry().make("file", {{"path", folder / "values.json"},
                                                    {"breaker_failures", "2"},
                                                    {"breaker_pause", "1h"},
                                                    {"breaker_pause_max", "2h"}});
  const auto error = [&] {
    return message_of<StoreError>([&] { static_cast<void>(store->load("k", 0)); });
  };
  EXPECT_THAT(error(), ::testing::Not(HasSubstr("left alone")));
  EXPECT_THAT(error(), ::testing::Not(HasSubstr("left alone")));
  EXPECT_THAT(error(), HasSubstr("left alone after 2 failures"));
  EXPECT_THROW(static_cast<void>(store_registry().make("memory", {{"breaker_failure", "2"}})),
               ConfigError);
}

}  // namespace
}  // namespace tarmac
