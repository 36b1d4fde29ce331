// Write-back when memory runs out in its own threads, which have nobody to throw to: what was
// acknowledged is still owed, and tried again.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/scratch_folder.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "failing_memory.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;

/// Of the thread that is in the store: has its memory run out later, until it comes back.
thread_local std::optional<FailingMemory> short_of_memory;

/// Refuses some keys, fails now and then, and leaves the thread that called it short of memory.
class StarvingStore final : public BackingStore {
 public:
  enum class Manner : std::uint8_t { takes_all, fails, names_the_bad, refuses_the_bad };

  StarvingStore(Manner manner, std::uint64_t request) : manner_(manner), request_(request) {}
  [[nodiscard]] std::uint64_t starved() const noexcept { return starved_; }
  /// From now on there is memory again.
  void relent() noexcept { relents_ = true; }

  [[nodiscard]] std::string_view name() const noexcept override { return "starving"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos now) override {
    return inner_->load(key, now);
  }
  void write(std::span<const StoreWrite> batch) override {
    if (short_of_memory && FailingMemory::has_failed()) ++starved_;
    short_of_memory.reset();
    const auto starve = [this] {
      if (relents_) return;
      FailingMemory::restart(request_);
      short_of_memory.emplace();
    };
    const auto call = ++calls_;
    if (manner_ == Manner::fails && call % 3 != 0) {
      const StoreError error("the store is not in the mood for this, whatever it may be");
      starve();
      throw error;
    }
    std::vector<std::string> bad;
    for (const auto& write : batch) {
      if (write.key.starts_with("bad")) bad.push_back(write.key);
    }
    if (bad.empty() || manner_ == Manner::takes_all || manner_ == Manner::fails) {
      inner_->write(batch);
      starve();
      return;
    }
    if (manner_ == Manner::refuses_the_bad) bad.clear();
    const PermanentStoreError error("the store will never take what it does not like", bad);
    starve();
    throw error;
  }
  void scan(const std::function<void(std::string_view, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }

 private:
  const std::shared_ptr<BackingStore> inner_ = make_memory_store();
  const Manner manner_;
  const std::uint64_t request_;
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> starved_{0};
  std::atomic<bool> relents_{false};
};

/// Has memory of its own.
class FedHost final : public WritePolicyHost {
 public:
  [[nodiscard]] std::string_view cache_name() const noexcept override { return "fed"; }
  [[nodiscard]] const std::shared_ptr<Clock>& clock() const noexcept override { return clock_; }
  void on_flush_state(const StoreWrite& write, EntryState state) noexcept override {
    const FailingMemory::Pause pause;
    const std::lock_guard lock(mutex_);
    if (state == EntryState::clean) clean_.insert(write.key);
    if (state != EntryState::clean) clean_.erase(write.key);
  }
  void on_flushed(std::uint64_t, std::int64_t) noexcept override {}
  void on_store_error(std::string_view message) noexcept override { told_ += message.size(); }
  void on_dead_letter(std::string_view message) noexcept override { told_ += message.size(); }
  [[nodiscard]] std::size_t told() const noexcept { return told_; }
  [[nodiscard]] std::size_t clean() {
    const std::lock_guard lock(mutex_);
    return clean_.size();
  }

 private:
  const std::shared_ptr<Clock> clock_ = system_clock();
  std::mutex mutex_;
  std::set<std::string> clean_;
  std::atomic<std::size_t> told_{0};
};

class WriteBackMemoryTest
    : public ::testing::TestWithParam<std::tuple<StarvingStore::Manner, bool>> {};

// Goal: at whichever request after a call of the store memory runs out, nothing is lost, and no
// exception ends the process. Method: each call leaves its thread short of it, in 40 places.
TEST_P(WriteBackMemoryTest, LosesNothingOfWhatItOwes) {
  const auto [manner, has_letters] = GetParam();
  constexpr std::size_t kKeys = 150;  // For two batches at once, and a third.
  std::uint64_t starved = 0;
  for (std::uint64_t request = 1; request <= 40; ++request) {
    const testing::ScratchFolder folder;
    const auto letters = folder.path() / "letters.jsonl";
    const auto store = std::make_shared<StarvingStore>(manner, request);
    FedHost host;
    const auto policy = write_back(store, {.loss_window_max = 1h,
                                           .batch_max = 64,
                                           .retry_initial = 1us,
                                           .retry_max = 1ms,
                                           .dead_letters = has_letters ? letters : "",
                                           .attempts_max = 1'000'000});
    policy->attach(host);
    std::size_t bad = 0;
    for (std::size_t i = 0; i < kKeys; ++i) {
      const bool is_bad = i % 50 == 7;
      if (is_bad) ++bad;
      const std::string key = is_bad ? "bad key of some length " : "a key of some length ";
      static_cast<void>(policy->on_write({.key = key + std::to_string(i),
                                          .value = "v",
                                          .stamp = i + 1,
                                          .expires_at = std::nullopt,
                                          .hash = 0}));
    }
    const bool takes_bad =
        manner == StarvingStore::Manner::takes_all || manner == StarvingStore::Manner::fails;
    const auto stored = takes_bad ? kKeys : kKeys - bad;
    for (int i = 0; i < 10; ++i) static_cast<void>(policy->flush(1min));
    starved += store->starved();
    store->relent();
    FlushReport report;
    const auto owed = takes_bad || has_letters ? 0 : bad;
    // The store may be taken to be down at first.
    for (int i = 0; i < 1'000 && policy->stats().dirty_pending != owed; ++i) {
      report = policy->flush(1min);
    }
    ASSERT_EQ(store->size(), stored) << "request " << request << ": " << report.error;
    ASSERT_EQ(policy->stats().dirty_pending, owed) << "request " << request;
    ASSERT_EQ(policy->stats().flushed, stored) << "request " << request;
    ASSERT_EQ(host.clean(), kKeys - owed) << "request " << request;
    if (!has_letters || takes_bad) continue;
    std::set<std::string> buried;  // Twice if memory ran out when one was in the file already.
    for (const auto& letter : read_dead_letters(letters).letters) buried.insert(letter.write.key);
    ASSERT_EQ(buried.size(), bad) << "request " << request;
  }
  EXPECT_GT(starved, 0U) << "it has to run out somewhere";
}

// Goal: the destructor does what it can, at whichever request of its thread memory runs out.
TEST(WriteBackMemoryEndTest, TheDestructorStoresOrSaysThatItCannot) {
  std::uint64_t failures = 0;
  for (const bool is_down : {false, true}) {
    for (std::uint64_t request = 1; request <= 30; ++request) {
      const testing::ScratchFolder folder;
      const auto store = std::make_shared<testing::FaultyStore>(make_memory_store());
      if (is_down) store->fail_next_writes(1'000'000);
      FedHost host;
      auto policy =
          write_back(store, {.loss_window_max = 1h, .dead_letters = folder / "letters.jsonl"});
      policy->attach(host);
      for (std::size_t i = 0; i < 20; ++i) {
        static_cast<void>(policy->on_write({.key = "a key of some length " + std::to_string(i),
                                            .value = "v",
                                            .stamp = i + 1,
                                            .expires_at = std::nullopt,
                                            .hash = 0}));
      }
      FailingMemory::restart(request);
      {
        const FailingMemory failing;
        policy.reset();
      }
      if (FailingMemory::has_failed()) ++failures;
      if (is_down) {
        EXPECT_GT(host.told(), 0U);
      } else {
        EXPECT_EQ(store->size(), 20U) << "request " << request;
      }
    }
  }
  EXPECT_GT(failures, 5U) << "it has to run out somewhere";
}

// Goal: a restore that runs out of memory leaves store and debts as they were, or puts back both.
TEST(WriteBackMemoryEndTest, ARestoreHappensOrNot) {
  const auto put = [](WritePolicy& policy, std::size_t first, std::uint64_t stamp) {
    for (std::size_t i = first; i < first + 5; ++i) {
      static_cast<void>(policy.on_write({.key = "a key of some length " + std::to_string(i),
                                         .value = "v",
                                         .stamp = stamp,
                                         .expires_at = std::nullopt,
                                         .hash = 0}));
    }
  };
  std::uint64_t request = 1;
  for (bool has_failed = true; has_failed; ++request) {
    const std::shared_ptr<BackingStore> store = make_memory_store();
    FedHost host;
    const auto policy = write_back(store, {.loss_window_max = 1h});
    policy->attach(host);
    put(*policy, 0, 1);
    ASSERT_TRUE(policy->flush(1min).complete());
    put(*policy, 5, 2);
    const auto image = policy->image();  // Has five and owes five.
    ASSERT_TRUE(policy->flush(1min).complete());
    put(*policy, 10, 3);
    bool is_restored = false;
    FailingMemory::restart(request);
    try {
      const FailingMemory failing;
      policy->put_back(*image);
      is_restored = true;
    } catch (const std::bad_alloc&) {
    }
    has_failed = FailingMemory::has_failed();
    ASSERT_EQ(store->size(), is_restored ? 5U : 10U) << "request " << request;
    ASSERT_EQ(policy->stats().dirty_pending, 5U) << "request " << request;
    ASSERT_EQ(policy->pending("a key of some length 7").has_value(), is_restored);
    ASSERT_EQ(policy->pending("a key of some length 12").has_value(), !is_restored);
    ASSERT_TRUE(policy->flush(1min).complete());
    ASSERT_EQ(store->size(), is_restored ? 10U : 15U);
  }
  EXPECT_GT(request, 5U) << "it has to fail somewhere";
}

INSTANTIATE_TEST_SUITE_P(
    Manners, WriteBackMemoryTest,
    ::testing::Combine(::testing::Values(StarvingStore::Manner::takes_all,
                                         StarvingStore::Manner::fails,
                                         StarvingStore::Manner::names_the_bad,
                                         StarvingStore::Manner::refuses_the_bad),
                       ::testing::Bool()));

}  // namespace
}  // namespace tarmac
