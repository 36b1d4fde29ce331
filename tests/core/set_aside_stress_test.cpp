// Writes that a cache keeps for its write policy, while everything else goes on as well.
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/write_back.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;

/// Fails now and then, and remembers whether it was ever given an older write of a key after a
/// newer one.
class OrderStore final : public BackingStore {
 public:
  void be_well() noexcept { is_well_ = true; }
  [[nodiscard]] std::uint64_t out_of_order() const noexcept { return out_of_order_; }

  [[nodiscard]] std::string_view name() const noexcept override { return "order"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos) override {
    const std::lock_guard lock(mutex_);
    const auto found = newest_.find(std::string(key));
    if (found == newest_.end() || !found->second.value) return std::nullopt;
    return StoredValue{*found->second.value, found->second.stamp, std::nullopt};
  }
  void write(std::span<const StoreWrite> batch) override {
    if (!is_well_ && ++calls_ % 9 == 0) throw StoreError("not now");
    const std::lock_guard lock(mutex_);
    for (const auto& write : batch) {
      auto& known = newest_[write.key];
      if (write.stamp < known.stamp) ++out_of_order_;
      known = write;
    }
  }
  void scan(const std::function<void(std::string_view, const StoredValue&)>&) override {}
  [[nodiscard]] std::size_t size() override { return 0; }

 private:
  std::mutex mutex_;
  std::map<std::string, StoreWrite> newest_;
  std::atomic<bool> is_well_{false};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> out_of_order_{0};
};

class SetAsideStressTest : public ::testing::Test {
 protected:
  using Numbers = CacheManager<std::uint64_t, std::uint64_t>;
  static constexpr std::size_t kWriters = 3;
  static constexpr std::uint64_t kKeys = 40;
  static constexpr std::uint64_t kRounds = 150;
  using Expected = std::map<std::uint64_t, std::optional<std::uint64_t>>;

  static CacheOptions options() {
    CacheOptions options;
    options.name = "stress";
    options.shards = 4;
    options.max_entries = 64;  // Half of the keys: much is read from where it is owed.
    options.read_through = true;
    return options;
  }
  void use_new_policy() {
    cache_.set_write_policy(write_back(store_, {.loss_window_max = 1ms,
                                                .batch_max = 16,
                                                .dirty_max = 64,
                                                .block_max = 60s,
                                                .retry_initial = 100us,
                                                .retry_max = 1ms}),
                            10s);
  }
  /// Keys that nobody else writes. What they are in the end.
  Expected write(std::size_t writer) {
    Expected expected;
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      for (std::uint64_t i = 0; i < kKeys; ++i) {
        const auto key = 1'000 * writer + i;
        const auto chance = (7 * round + i) % 17;
        expected[key] = round;
        if (chance == 0) {
          cache_.erase(key);
          expected[key] = std::nullopt;
        } else if (chance <= 2) {
          cache_.compute(key, [round](const auto&) { return std::optional(round); });
        } else {
          cache_.set(key, round);
        }
        const auto other = 1'000 * writer + (i * 13 + round) % kKeys;
        if (expected.contains(other) && cache_.get(other) != expected[other]) ++stale_;
      }
    }
    return expected;
  }
  void disturb(std::uint64_t turn) {
    static_cast<void>(cache_.stats());
    if (turn % 3 == 0) static_cast<void>(cache_.flush(1ms));
    if (turn % 5 == 0) static_cast<void>(cache_.take_snapshot());
    if (turn % 11 == 0) cache_.clear();
    if (turn % 7 != 0) return;
    try {
      use_new_policy();
    } catch (const StoreError&) {
      ++swaps_refused_;
    }
  }

  const std::shared_ptr<OrderStore> store_ = std::make_shared<OrderStore>();
  Numbers cache_{options()};
  std::atomic<std::uint64_t> stale_{0};
  std::uint64_t swaps_refused_ = 0;
};

// Goal: a thread reads what it has written, wherever that is by now, the store gets the writes of a
// key in their order, and in the end it has the last.
TEST_F(SetAsideStressTest, NothingIsLostAndNothingComesTwiceInTheWrongOrder) {
  use_new_policy();
  std::array<Expected, kWriters> expected;
  {
    std::atomic<bool> stops{false};
    const std::jthread disturber([&] {
      for (std::uint64_t turn = 1; !stops; ++turn) disturb(turn);
    });
    {
      std::vector<std::jthread> writers;
      for (std::size_t i = 0; i < kWriters; ++i) {
        writers.emplace_back([&, i] { expected.at(i) = write(i); });
      }
    }
    stops = true;
  }
  store_->be_well();
  while (!cache_.flush(10s).complete()) continue;
  EXPECT_EQ(stale_, 0U);
  EXPECT_EQ(store_->out_of_order(), 0U);
  EXPECT_EQ(cache_.stats().dirty_writes_pending, 0U);
  for (const auto& keys : expected) {
    ASSERT_EQ(keys.size(), kKeys);
    for (const auto& [key, value] : keys) {
      const auto stored = store_->load(Codec<std::uint64_t>::encode(key), 0);
      ASSERT_EQ(stored.has_value(), value.has_value()) << key;
      if (!value) continue;
      EXPECT_EQ(Codec<std::uint64_t>::decode(stored->bytes), *value) << key;
    }
  }
}

}  // namespace
}  // namespace tarmac::core_tests
