// Write-back over a store that misbehaves in every way at once: nothing is lost, and no key goes
// back to an older value. With TARMAC_STRESS_FACTOR longer, with TARMAC_STRESS_SEED otherwise.
#include <tarmac/policies/dead_letters.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "store_files.h"
#include "write_back_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;

std::uint64_t number_from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

class WriteBackFaultsTest : public WriteBackTest {
 protected:
  static std::uint64_t factor() { return number_from_environment("TARMAC_STRESS_FACTOR", 1); }
  static std::uint64_t seed() { return number_from_environment("TARMAC_STRESS_SEED", 1); }
  static std::string key_of(std::uint64_t i) { return "k" + std::to_string(i); }

  void make_with_file(WriteBackOptions options = {}) {
    options.dead_letters = file_;
    options.seed = seed();
    make(options);
  }
  /// Moves the clock until nothing is owed.
  void settle(std::chrono::nanoseconds step) {
    while (policy_->stats().dirty_pending != 0) {
      await_idle();
      clock_->advance(step);
    }
  }
  /// In no call the store was asked to write something older than before.
  void expect_order() const {
    std::map<std::string, std::uint64_t> newest;
    for (const auto& batch : store_->batches()) {
      for (const auto& write : batch) {
        auto& stamp = newest[write.key];
        ASSERT_GE(write.stamp, stamp) << write.key;
        stamp = write.stamp;
      }
    }
  }

  ScratchFolder folder_;
  std::filesystem::path file_ = folder_ / "letters.jsonl";
};

// Trap A16, store down: ten seconds by the clock, while every key is written again and again.
TEST_F(WriteBackFaultsTest, LosesNothingWhileTheStoreIsDown) {
  const std::uint64_t keys = 2'000 * factor();
  make_with_file();
  store_->fail_keys([](std::string_view) { return true; });
  for (int second = 0; second < 10; ++second) {
    for (std::uint64_t i = 0; i < keys; ++i) {
      static_cast<void>(set(key_of(i), std::to_string(second)));
    }
    await_idle();
    clock_->advance(1s);
  }
  EXPECT_EQ(policy_->stats().dirty_pending, keys);
  EXPECT_GE(policy_->stats().oldest_dirty_nanoseconds, std::chrono::nanoseconds(9s).count());
  store_->fail_keys({});
  settle(100ms);
  EXPECT_EQ(store_->size(), keys);
  for (std::uint64_t i = 0; i < keys; ++i) ASSERT_EQ(stored(key_of(i)), "9");
  EXPECT_EQ(policy_->stats().dead_letters, 0U) << "a store that is down makes no dead letters";
  expect_order();
}

// Trap A16, one write in a hundred is poison: as many dead letters, and nobody else waits for the
// clock. A store that names the bad keys costs each batch one more call, any other takes it apart.
TEST_F(WriteBackFaultsTest, LetsPoisonHoldUpNobody) {
  const std::uint64_t keys = 5'000 * factor();
  const auto is_poison = [](std::string_view key) { return key.ends_with("42"); };
  for (const bool named : {true, false}) {
    store_ = std::make_shared<testing::FaultyStore>(make_memory_store());
    file_ = folder_ / (named ? "named.jsonl" : "unnamed.jsonl");
    store_->refuse_keys(is_poison, named);
    make_with_file({.loss_window_max = 1h});
    for (std::uint64_t i = 0; i < keys; ++i) static_cast<void>(set(key_of(i)));
    const auto report = policy_->flush(kLong);
    EXPECT_TRUE(report.complete()) << report.error;
    const auto poison = keys / 100;
    EXPECT_EQ(store_->size(), keys - poison);
    EXPECT_EQ(policy_->stats().dead_letters, poison);
    EXPECT_EQ(policy_->stats().dirty_pending, 0U);
    EXPECT_EQ(read_dead_letters(file_).letters.size(), poison);
    const auto batches = (keys + 255) / 256;
    // Each batch of 256 alone, then its parts of 16, then the keys of those with poison in them.
    EXPECT_LE(store_->attempts(), named ? 2 * batches : keys / 3);
    std::printf("%llu batches with poison, %s: %llu calls of the store\n",
                static_cast<unsigned long long>(batches), named ? "named" : "not named",
                static_cast<unsigned long long>(store_->attempts()));
    expect_order();
    store_->refuse_keys({});
    EXPECT_EQ(replay_dead_letters(file_, *store_).replayed, poison);
    EXPECT_EQ(store_->size(), keys);
  }
}

// Trap A16, all at once: threads write and remove their keys while batches fail by chance, in part,
// and for a key's first attempts. In the end the store has the last write of each key.
TEST_F(WriteBackFaultsTest, EndsWithTheLastWriteOfEachKeyWhateverFailed) {
  constexpr std::uint64_t kThreads = 4;
  const std::uint64_t writes = 2'000 * factor();
  make_with_file({.loss_window_max = 0ns, .batch_max = 16, .retry_initial = 1ns, .retry_max = 2ns});
  store_->fail_keys(
      [random = std::mt19937_64(seed())](std::string_view) mutable { return random() % 100 == 0; });
  std::vector<std::map<std::string, std::string>> last(kThreads);
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> stamp{0};
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(seed() * kThreads + thread);
      for (std::uint64_t i = 0; i < writes; ++i) {
        StoreWrite write;
        write.key = std::to_string(thread) + "/" + std::to_string(random() % 200);
        write.stamp = ++stamp;
        if (random() % 4 != 0) write.value = std::to_string(write.stamp);
        last[thread][write.key] = write.value.value_or("(none)");
        static_cast<void>(policy_->on_write(std::move(write)));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  settle(1ms);
  for (const auto& keys : last) {
    for (const auto& [key, value] : keys) ASSERT_EQ(stored(key), value) << key;
  }
  EXPECT_EQ(policy_->stats().dead_letters, 0U);
  EXPECT_GT(policy_->stats().store_errors, 0U) << "or this has shown nothing";
  expect_order();
}

}  // namespace
}  // namespace tarmac
