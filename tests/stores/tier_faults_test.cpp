// TieredCache when Redis is stopped, killed, emptied or cut off, and when many write at once.
#include <gtest/gtest.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "tier_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;

class TierFaults : public ::testing::Test {
 protected:
  TierFaults() {
    await_heard(cache_);
    cache_.set("k", "old");
    await_all_heard(cache_);  // Or word of our own write might drop what is read now.
    static_cast<void>(cache_.get("k"));
    EXPECT_TRUE(cache_.l1().contains("k"));
  }
  static TieredOptions brief(const RedisServer& server) {
    auto options = tiered(server);
    options.l2.heartbeat_limit = 200ms;
    options.l2.server.call_limit = 200ms;
    return options;
  }
  /// What get() gives; "failed" if it throws.
  std::string answer() {
    try {
      return cache_.get("k").value_or("none");
    } catch (const StoreError&) {
      return "failed";
    }
  }

  RedisServer server_;
  StringTiers cache_{brief(server_)};
};

// Goal: however the channel is lost, a value that was replaced is returned for no longer than
// heartbeat_limit and what a call takes.
TEST_F(TierFaults, DropWhatTheyKeepWhenTheChannelIsCut) {  // trap K4
  const auto losses = cache_.stats().l2.lost_invalidations;
  for (int i = 0; i < 5; ++i) {
    const auto value = "v" + std::to_string(i);
    server_.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    server_.ask({"SET", "t:k", value});  // Perhaps told to nobody.
    await([&] { return answer() == value; });
    await_heard(cache_);
    EXPECT_EQ(answer(), value);
  }
  EXPECT_GT(cache_.stats().l2.lost_invalidations, losses);
  EXPECT_GT(cache_.stats().l2.unheard_seconds, 0);
}

TEST_F(TierFaults, ReturnNothingOldWhileTheServerIsStopped) {
  server_.send(SIGSTOP);
  const auto& clock = *system_clock();
  const auto stopped_at = clock.steady_now();
  await_heard(cache_, false);
  const auto seconds = static_cast<double>(clock.steady_now() - stopped_at) * 1e-9;
  EXPECT_EQ(answer(), "failed");
  EXPECT_LT(seconds, 0.5);  // heartbeat_limit, and what a busy machine takes.
  // The breaker: calls fail at once for a while.
  int quick = 0;
  for (int i = 0; i < 100; ++i) {
    const auto began = clock.steady_now();
    static_cast<void>(answer());
    if (clock.steady_now() - began < 50'000'000) ++quick;
  }
  EXPECT_GE(quick, 80);  // trap K7
  server_.send(SIGCONT);
  await_heard(cache_);
  await([&] { return answer() == "old"; });
}

TEST_F(TierFaults, ForgetWhatARestartedServerNoLongerHas) {
  server_.kill();
  await_heard(cache_, false);
  EXPECT_EQ(cache_.get_or_load("k", [] { return "of the source"; }), "of the source");
  EXPECT_FALSE(cache_.l1().contains("k"));
  server_.start();
  await_heard(cache_);
  await([&] { return answer() == "none"; });
  EXPECT_EQ(cache_.get_or_load("k", [] { return "again"; }), "again");
  EXPECT_EQ(server_.ask({"GET", "t:k"}), "again");
}

TEST_F(TierFaults, ForgetAllWhenTheServerIsEmptied) {
  server_.ask({"FLUSHALL"});
  await([&] { return answer() == "none"; });
  EXPECT_GE(cache_.stats().l2.flush_invalidations, 1U);
}

TEST_F(TierFaults, MaySurviveALossForAWhileIfTold) {
  auto options = brief(server_);
  options.l2.serve_unheard = 1h;
  StringTiers stubborn(options);
  await_heard(stubborn);
  static_cast<void>(stubborn.get("k"));
  server_.kill();
  await([&] { return stubborn.stats().l2.unheard_seconds > 0.05; });
  EXPECT_EQ(stubborn.get("k"), "old");
  EXPECT_THROW(stubborn.set("k", "new"), StoreError);
  EXPECT_THROW(static_cast<void>(stubborn.get("k")), StoreError);  // It may have been written.
}

TEST_F(TierFaults, CallOneLoaderHoweverManyAskWhileTheServerIsGone) {
  server_.kill();
  await_heard(cache_, false);
  constexpr int kThreads = 8;
  std::atomic<int> running{0};
  std::atomic<int> most_at_once{0};
  std::atomic<int> asked{0};
  // Nothing is kept, so who comes after the first has left loads again; but never beside another.
  const auto load = [&] {
    most_at_once = std::max<int>(most_at_once, ++running);
    while (asked < kThreads) std::this_thread::yield();
    --running;
    return std::string("v");
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      ++asked;
      EXPECT_EQ(cache_.get_or_load("cold", load), "v");
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(most_at_once, 1);
  EXPECT_FALSE(cache_.l1().contains("cold"));
}

/// What most near-caches do: keep the answer when it comes, drop what is told to have changed.
class NaiveNearCache {
 public:
  explicit NaiveNearCache(const RedisTierOptions& options)
      : l2_(options, {[this](std::string_view key) {
                        const std::lock_guard lock(mutex_);
                        kept_.erase(std::string(key));
                      },
                      [this] {
                        const std::lock_guard lock(mutex_);
                        kept_.clear();
                      }}) {}

  void read(const std::string& key) {
    {
      const std::lock_guard lock(mutex_);
      if (kept_.contains(key)) return;
    }
    const std::vector<std::string> keys{key};
    const auto found = l2_.fetch(keys).front();
    std::this_thread::yield();
    const std::lock_guard lock(mutex_);
    if (found) kept_[key] = found->bytes;
  }
  std::optional<std::string> kept(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto at = kept_.find(key);
    return at == kept_.end() ? std::nullopt : std::optional(at->second);
  }
  void write(const std::string& key, const std::string& value) { l2_.store(key, value, {}); }
  void settle() {
    const auto before = l2_.stats().heartbeats;
    await([&] { return l2_.stats().heartbeats >= before + 2; });
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> kept_;
  RedisTier l2_;
};

/// The same face for the real thing.
class TwoTiers {
 public:
  explicit TwoTiers(const RedisTierOptions& options)
      : tiers_({.l1 = quiet(), .l2 = options, .l2_ttl = std::nullopt}) {
    await_heard(tiers_);
  }
  void read(const std::string& key) { static_cast<void>(tiers_.get(key)); }
  std::optional<std::string> kept(const std::string& key) { return tiers_.l1().get(key); }
  void write(const std::string& key, const std::string& value) { tiers_.set(key, value); }
  void settle() { await_all_heard(tiers_); }

 private:
  static CacheOptions quiet() {
    CacheOptions options;
    options.name = "race";
    return options;
  }
  StringTiers tiers_;
};

struct Race {
  const char* name;
  bool tcp;
  /// Writers change the server behind the cache's back, instead of through it.
  bool foreign;
};

class TierRace : public ::testing::TestWithParam<Race> {
 protected:
  static constexpr int kRounds = 8;
  static constexpr int kKeys = 64;

  static std::string key_of(int i) { return "k" + std::to_string(i); }

  /// How many values are kept that the server does not have, when all has come to rest: of kRounds
  /// times kKeys. Two writers, four readers.
  template <class Cache>
  static int count_stale(Cache& cache, Cache& writing, const RedisServer& server) {
    int stale = 0;
    for (int round = 0; round < kRounds; ++round) {
      std::atomic<bool> ends{false};
      std::vector<std::thread> threads;
      for (int reader = 0; reader < 4; ++reader) {
        threads.emplace_back([&, reader] {
          for (int i = reader * 16; !ends; ++i) cache.read(key_of(i % kKeys));
        });
      }
      std::vector<std::thread> writers;
      for (int writer = 0; writer < 2; ++writer) {
        writers.emplace_back([&, writer] {
          for (int i = 0; i < 20 * kKeys; ++i) {
            writing.write(key_of((i * 7 + writer) % kKeys),
                          std::to_string(round) + "." + std::to_string(writer * 100'000 + i));
          }
        });
      }
      for (auto& writer : writers) writer.join();
      ends = true;
      for (auto& thread : threads) thread.join();
      cache.settle();
      for (int i = 0; i < kKeys; ++i) {
        const auto kept = cache.kept(key_of(i));
        if (kept && *kept != server.ask({"GET", "t:" + key_of(i)})) ++stale;
      }
    }
    return stale;
  }
};

// Goal: no stale value stays, whatever the timing of answers and changes, which come by different
// sockets. Method: many rounds of racing readers and writers; the machine chooses the moments. The
// naive cache is the control: it must fail, or this test would see nothing.
TEST_P(TierRace, LeavesNoStaleValueWhereANaiveNearCacheDoes) {  // trap K1
  const auto port = GetParam().tcp ? free_port() : std::uint16_t{0};
  const RedisServer server({"--port", std::to_string(port)});
  auto options = tiered(server).l2;
  if (GetParam().tcp) {
    options.server.unix_socket.clear();
    options.server.port = port;
  }
  TwoTiers cache(options);
  TwoTiers other(options);
  EXPECT_EQ(count_stale(cache, GetParam().foreign ? other : cache, server), 0);
  NaiveNearCache naive(options);
  NaiveNearCache naive_other(options);
  naive.settle();
  int stale = 0;
  for (int attempt = 0; attempt < 10 && stale == 0; ++attempt) {  // Once is nearly always enough.
    stale = count_stale(naive, GetParam().foreign ? naive_other : naive, server);
  }
  std::printf("stale of %d: two tiers 0, naive %d\n", kRounds * kKeys, stale);
  RecordProperty("naive_stale", stale);
  EXPECT_GT(stale, 0);
}

INSTANTIATE_TEST_SUITE_P(All, TierRace,
                         ::testing::Values(Race{"unix_own", false, false},
                                           Race{"unix_foreign", false, true},
                                           Race{"tcp_own", true, false},
                                           Race{"tcp_foreign", true, true}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace tarmac
