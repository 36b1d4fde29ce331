// Threads on a durable cache: nobody sees what a crash could still take away.
#include <gmock/gmock.h>

#include <atomic>
#include <charconv>
#include <thread>

#include "durable_rig.h"
#include "stress.h"

namespace tarmac::core_tests {
namespace {

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class DurableThreads : public DurableTest {
 protected:
  static constexpr int kKeys = 4;

  /// Writers count up, each key its own; readers look whether what they see is safe by then.
  /// Returns how many values were seen that were not.
  std::uint64_t watch() {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> too_early{0};
    std::atomic<std::uint64_t> looks{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < kKeys; ++k) {
      threads.emplace_back([this, k, &stop] {
        const auto key = std::to_string(k);
        for (std::uint64_t i = 1; !stop; ++i) cache_->set(key, std::to_string(i));
      });
    }
    for (int reader = 0; reader < 2; ++reader) {
      threads.emplace_back([this, &stop, &too_early, &looks] {
        for (int i = 0; !stop; ++i) {
          const auto key = std::to_string(i % kKeys);
          const auto seen = cache_->get(key);
          if (!seen) continue;
          looks.fetch_add(1);
          const auto safe = disk_->safe_value(key);
          if (!safe || number_of(*safe) < number_of(*seen)) too_early.fetch_add(1);
        }
      });
    }
    const auto target = 2'000 * stress_factor();
    while (disk_->stats().appended_records < target || looks < target) std::this_thread::yield();
    stop = true;
    for (auto& thread : threads) thread.join();
    return too_early;
  }

  void write_few_keys() {
    options_.shards = 4;
    options_.max_entries = 1'000;
    reopen();
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([this, t] {
        for (std::uint64_t i = 0; i < 500 * stress_factor(); ++i) {
          const auto key = std::to_string((i * 7 + t + stress_seed()) % 6);
          switch ((i + t) % 5) {
            case 0:
              cache_->erase(key);
              break;
            case 1:
              cache_->compute(key, [](const std::optional<std::string>& v) {
                return std::to_string(number_of(v.value_or("0")) + 1);
              });
              break;
            case 2:
              static_cast<void>(cache_->get_or_load(key, [i] { return std::to_string(i); }));
              break;
            default:
              cache_->set(key, std::to_string(t * 1'000'000 + i));
          }
          if (t == 0 && i % 100 == 50) cache_->clear();
          if (t == 1 && i % 50 == 25) cache_->compact();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    const auto before = content();
    std::map<std::string, std::uint64_t> newest;
    for (const auto& batch : disk_->batches()) {
      for (const auto& one : batch) {
        if (one.key.empty()) continue;
        EXPECT_LT(newest[one.key], one.record.stamp) << one.key;
        newest[one.key] = one.record.stamp;
      }
    }
    reopen();  // Loads are not waited for.
    EXPECT_EQ(content(), before);
  }
};

TEST_F(DurableThreads, SeeNoValueThatIsNotSafe) { EXPECT_EQ(watch(), 0U); }

TEST_F(DurableThreads, SeeNoValueThatIsNotSafeWhereTheLogTakesSomeAtOnce) {
  disk_->take_at_once(2);
  EXPECT_EQ(watch(), 0U);
  EXPECT_GT(disk_->taken_at_once(), 0U);
}

// The negative control: with a journal that acknowledges too early, the watchers notice.
TEST_F(DurableThreads, WouldNoticeAJournalThatAcknowledgesTooEarly) {
  disk_->acknowledge_early(true);
  EXPECT_GT(watch(), 0U);
}

// Goal: log order is the order of a key's versions, whoever writes. Method: writers, computes and
// loads on few keys; after a crash the content is what it was.
TEST_F(DurableThreads, LogEachKeyInTheOrderOfItsVersions) { write_few_keys(); }

// The same where some writes hold their key, and others go past those that do not.
TEST_F(DurableThreads, LogEachKeyInTheOrderOfItsVersionsWhereTheLogTakesSomeAtOnce) {
  disk_->take_at_once(2);
  write_few_keys();
  EXPECT_GT(disk_->taken_at_once(), 0U);
}

}  // namespace
}  // namespace tarmac::core_tests
