// What write-back tells the cache of its entries, and when: between the end of a write and the
// report of it, a flush or a restore of another thread may come.
#include <gmock/gmock.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/manual_clock.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr std::chrono::minutes kLong{1};

/// Does what a test wants while the policy reports a state.
class HookedHost final : public WritePolicyHost {
 public:
  using Hook = std::function<void(const StoreWrite& write, EntryState state)>;

  explicit HookedHost(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {}
  /// Requires: no write is on its way.
  void set_hook(Hook hook) { hook_ = std::move(hook); }

  [[nodiscard]] std::string_view cache_name() const noexcept override { return "hooked"; }
  [[nodiscard]] const std::shared_ptr<Clock>& clock() const noexcept override { return clock_; }
  void on_flush_state(const StoreWrite& write, EntryState state) noexcept override {
    if (hook_) hook_(write, state);
  }
  void on_flushed(std::uint64_t, std::int64_t) noexcept override {}
  void on_store_error(std::string_view) noexcept override {}
  void on_dead_letter(std::string_view) noexcept override {}

 private:
  const std::shared_ptr<Clock> clock_;
  Hook hook_;
};

class WriteBackReportTest : public ::testing::Test {
 protected:
  WriteBackReportTest() {
    policy_ = write_back(store_);
    policy_->attach(host_);
  }
  ~WriteBackReportTest() override { policy_.reset(); }

  void set(std::string key, std::string value) {
    EXPECT_EQ(policy_->on_write({.key = std::move(key),
                                 .value = std::move(value),
                                 .stamp = ++stamp_,
                                 .expires_at = std::nullopt,
                                 .hash = 0}),
              EntryState::dirty);
  }
  /// Calls `work` in another thread while the policy reports that an entry is clean. Whether it
  /// returned before the report had ended: the report goes on when `work`, or what comes after it,
  /// waits on the clock.
  bool returns_during_the_report(const std::function<void()>& work) {
    std::atomic<bool> returned{false};
    std::atomic<bool> reported{false};
    bool started = false;
    bool returned_early = false;
    std::jthread other;
    host_.set_hook([&](const StoreWrite&, EntryState state) {
      if (state != EntryState::clean || std::exchange(started, true)) return;
      other = std::jthread([&] {
        work();
        returned = true;
        std::mutex mutex;
        std::condition_variable never;
        std::unique_lock lock(mutex);
        clock_->wait_until(lock, never, kNever, [&] { return reported.load(); });
      });
      clock_->await_waiters(2);  // The flush below is the first.
      returned_early = returned;
      reported = true;
    });
    EXPECT_TRUE(policy_->flush(kLong).complete());
    clock_->advance(0ns);  // Wakes the other thread if it waits for the end of the report.
    other.join();
    policy_->flush(kLong);
    host_.set_hook({});
    return returned_early;
  }

  std::shared_ptr<testing::ManualClock> clock_ = std::make_shared<testing::ManualClock>();
  std::shared_ptr<testing::FaultyStore> store_ =
      std::make_shared<testing::FaultyStore>(make_memory_store());
  HookedHost host_{clock_};
  std::unique_ptr<WritePolicy> policy_;
  std::uint64_t stamp_ = 0;
};

// Goal: a restore asks whether an entry is owed, and marks it dirty; a report that came before the
// debt was struck off would leave the mark for ever.
TEST_F(WriteBackReportTest, CallsAnEntryCleanWhenNothingIsOwedForItAnyMore) {
  std::vector<bool> owed;
  host_.set_hook([&](const StoreWrite& write, EntryState state) {
    if (state == EntryState::clean) owed.push_back(policy_->pending(write.key).has_value());
  });
  set("a", "1");
  set("b", "1");
  EXPECT_TRUE(policy_->flush(kLong).complete());
  EXPECT_THAT(owed, ElementsAre(false, false));
}

TEST_F(WriteBackReportTest, NamesTheVersionsOfAFailedBatch) {
  std::vector<std::string> told;
  host_.set_hook([&](const StoreWrite& write, EntryState state) {
    if (state != EntryState::dirty) return;
    told.push_back(write.key + std::to_string(write.stamp) +
                   policy_->pending(write.key)->value.value_or("(none)"));
  });
  set("a", "x");
  set("b", "y");
  store_->fail_next_writes(1);
  EXPECT_TRUE(policy_->flush(kLong).complete()) << "a flush tries once more";
  EXPECT_THAT(told, ElementsAre("a1x", "b2y"));
}

TEST_F(WriteBackReportTest, LetsAFlushWaitUntilTheEntriesAreKnownToBeClean) {
  set("k", "v");
  EXPECT_FALSE(returns_during_the_report([&] { EXPECT_TRUE(policy_->flush(kLong).complete()); }));
}

// Goal: what was restored is owed again; a late report of the write before must not call it clean.
TEST_F(WriteBackReportTest, LetsARestoreWaitUntilTheEntriesAreKnownToBeClean) {
  set("k", "v");
  const auto image = policy_->image();
  EXPECT_FALSE(returns_during_the_report([&] { policy_->put_back(*image); }));
}

}  // namespace
}  // namespace tarmac
