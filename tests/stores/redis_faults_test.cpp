// A Redis server behind a network that fails: no answer goes to the wrong key, nothing that was
// acknowledged is lost. With TARMAC_STRESS_FACTOR longer.
#include <gmock/gmock.h>
#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/redis_store.h>
#include <tarmac/testing/tcp_proxy.h>
#include <tarmac/testing/write_policy_contract.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "redis_server.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using ::testing::HasSubstr;

std::uint64_t factor() {
  const char* text = std::getenv("TARMAC_STRESS_FACTOR");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

class RedisFaultsTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::shared_ptr<BackingStore> store(std::chrono::nanoseconds call_limit) const {
    RedisStoreOptions options;
    options.port = proxy_.port();
    options.call_limit = call_limit;
    options.retry_initial = 1us;
    options.retry_max = 1ms;
    return make_redis_store(options);
  }

  RedisServer server_;
  testing::TcpProxy proxy_{server_.socket()};
};

TEST_F(RedisFaultsTest, AProxyWithoutFaultsIsNotSeen) {
  const auto through = store(30s);
  const std::string large(1'000'000, 'x');
  put(*through, "large", large, 1);
  EXPECT_EQ(through->load("large", 0)->bytes, large);
  EXPECT_EQ(proxy_.accepted(), 1U);
}

// Trap A15: answers that come after their call has given up. Each value names its key, so that one
// that went to another key is seen.
TEST_F(RedisFaultsTest, GiveNoAnswerToTheWrongKeyInAThousandTimeouts) {
  const std::uint64_t wanted = 1'000 * factor();
  constexpr int kKeys = 64;
  const auto patient = store(30s);
  for (int i = 0; i < kKeys; ++i) put(*patient, std::to_string(i), "of " + std::to_string(i), 1);
  const auto hasty = store(3ms);
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::uint64_t> wrong{0};
  proxy_.delay(5, 4ms);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = thread; timeouts < wanted; i = (i + 7) % kKeys) {
        try {
          const auto found = hasty->load(std::to_string(i), 0);
          ++answers;
          if (!found || found->bytes != "of " + std::to_string(i)) ++wrong;
        } catch (const StoreError& error) {
          // Not those that only repeat it while the server is left alone.
          if (std::string_view(error.what()).ends_with("no answer within call_limit")) ++timeouts;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GE(timeouts, wanted);
  EXPECT_GT(answers, 0U);
  RecordProperty("answers", std::to_string(answers));
}

TEST_F(RedisFaultsTest, TakeNoPartOfAnAnswerForTheWhole) {
  const auto patient = store(30s);
  put(*patient, "k", "a value of some length", 1);
  for (std::uint64_t bytes = 0; bytes < 120; ++bytes) {
    const auto through = store(30s);
    proxy_.close_after(bytes);
    try {
      const auto found = through->load("k", 0);
      ASSERT_TRUE(found) << bytes;
      EXPECT_EQ(found->bytes, "a value of some length") << bytes;
    } catch (const StoreError& error) {
      EXPECT_THAT(error.what(), HasSubstr("redis server 127.0.0.1:"));
    }
    proxy_.close_after(std::nullopt);
    proxy_.cut();
  }
}

TEST_F(RedisFaultsTest, HoldTheLimitWhateverTheNetworkDoes) {
  const auto through = store(50ms);
  put(*store(30s), "k", std::string(10'000, 'x'), 1);
  proxy_.trickle(true);
  EXPECT_THAT(message_of<StoreError>([&] { static_cast<void>(through->load("k", 0)); }),
              HasSubstr("no answer within call_limit"));
  proxy_.trickle(false);
  proxy_.hold(true);
  EXPECT_THROW(static_cast<void>(through->load("k", 0)), StoreError);
  proxy_.hold(false);
}

// Goal: write-back over a network that is cut, kept back and closed in the middle of answers loses
// nothing that was set, and brings back nothing older.
TEST_F(RedisFaultsTest, LoseNoWriteOfWriteBack) {
  constexpr int kKeys = 200;
  const int rounds = static_cast<int>(50 * factor());
  testing::RecordingHost host;
  const auto through = store(20ms);
  const auto policy = write_back(
      through, {.loss_window_max = 1ms, .batch_max = 32, .retry_initial = 1ms, .retry_max = 5ms});
  policy->attach(host);
  std::uint64_t stamp = 0;
  for (int round = 0; round < rounds; ++round) {
    proxy_.hold(round % 5 == 1);
    proxy_.close_after(round % 5 == 2 ? std::optional<std::uint64_t>(round) : std::nullopt);
    if (round % 5 == 3) proxy_.cut();
    for (int i = 0; i < kKeys; ++i) {
      static_cast<void>(policy->on_write({.key = std::to_string(i),
                                          .value = std::to_string(round),
                                          .stamp = ++stamp,
                                          .expires_at = std::nullopt,
                                          .hash = 0}));
    }
    static_cast<void>(policy->flush(30ms));
  }
  proxy_.hold(false);
  proxy_.close_after(std::nullopt);
  const auto last = std::to_string(rounds - 1);
  // By the clock: while the server is left alone, a flush comes back at once.
  const auto deadline = deadline_after(system_clock()->steady_now(), nanoseconds(1min).count());
  while (!policy->flush(1s).complete()) ASSERT_LT(system_clock()->steady_now(), deadline);
  const auto patient = store(30s);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(patient->load(std::to_string(i), 0)->bytes, last);
  EXPECT_FALSE(host.errors().empty()) << "or this has shown nothing";
}

}  // namespace
}  // namespace tarmac
