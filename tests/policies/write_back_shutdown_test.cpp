// The end of write-back, trap I9: bounded, and nothing disappears in silence.
#include <future>
#include <thread>

#include "write_back_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(WriteBackTest, StartsNoThreadBeforeTheFirstWrite) {
  make();
  EXPECT_TRUE(policy_->flush(0s).complete());
  policy_.reset();
  EXPECT_EQ(store_->attempts(), 0U);
}

TEST_F(WriteBackTest, WritesEverythingWhenItIsDestroyed) {
  make({.loss_window_max = 1h});
  for (int i = 0; i < 1'000; ++i) static_cast<void>(set("k" + std::to_string(i)));
  policy_.reset();
  EXPECT_EQ(store_->size(), 1'000U);
  EXPECT_THAT(host_.errors(), IsEmpty());
}

TEST_F(WriteBackTest, ReportsWhatADeadStoreNeverGot) {
  make();
  store_->fail_keys([](std::string_view) { return true; });
  for (int i = 0; i < 10; ++i) static_cast<void>(set("k" + std::to_string(i)));
  policy_.reset();  // The clock stands still: this must end by itself.
  const auto errors = host_.errors();
  ASSERT_FALSE(errors.empty());
  EXPECT_THAT(errors.back(),
              AllOf(HasSubstr("closed with 10 writes not stored"), HasSubstr("told to fail")));
  EXPECT_LE(store_->attempts(), 11U) << "once together, once each";
}

// Goal: a store that never returns holds up the destructor for shutdown_limit and no longer, and
// the thread it is left with touches neither policy nor host. Method: both are gone when it goes
// on.
TEST_F(WriteBackTest, LeavesItsThreadToAStoreThatHangs) {
  std::promise<void> thread_has_let_go;
  auto* faulty = new testing::FaultyStore(make_memory_store());
  std::shared_ptr<testing::FaultyStore> store(faulty, [&](testing::FaultyStore* dead) {
    delete dead;
    thread_has_let_go.set_value();
  });
  {
    testing::RecordingHost host(clock_);
    auto policy = write_back(store, {.shutdown_limit = 5s});
    policy->attach(host);
    store->block_writes();
    static_cast<void>(policy->on_write(
        {.key = "k", .value = "v", .stamp = 1, .expires_at = std::nullopt, .hash = 0}));
    std::thread destroyer([&] { policy.reset(); });
    store->await_blocked();
    await_idle();
    clock_->advance(5s);
    destroyer.join();
    const auto errors = host.errors();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_THAT(errors.back(), HasSubstr("closed with 1 writes not stored"));
  }
  store->release_writes();
  store.reset();
  thread_has_let_go.get_future().wait();
}

TEST_F(WriteBackTest, MayBeDestroyedByASlotOfItsOwnEvents) {
  make();
  std::promise<void> destroyed;
  host_.set_slot([&] {
    policy_.reset();
    destroyed.set_value();
  });
  static_cast<void>(set("k"));
  clock_->advance(100ms);
  destroyed.get_future().wait();
  host_.set_slot({});
  EXPECT_EQ(stored("k"), "v");
}

// Goal: for the thread sanitizer. Method: destroyed while writers are hardly done and the thread is
// in the middle of its batches.
TEST_F(WriteBackTest, LosesNothingWhenItIsDestroyedInFullFlight) {
  for (int round = 0; round < 20; ++round) {
    make({.loss_window_max = 0ns, .batch_max = 3});
    for (int i = 0; i < 50; ++i) static_cast<void>(set(std::to_string(round * 50 + i)));
    policy_.reset();
  }
  EXPECT_EQ(store_->size(), 1'000U);
}

}  // namespace
}  // namespace tarmac
