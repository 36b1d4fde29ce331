// Two tiers when clocks differ between machines, when many values expire, and when the channel
// cannot keep up. With TARMAC_STRESS_FACTOR longer.
#include <gtest/gtest.h>
#include <tarmac/core/error.h>

#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "tier_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;

/// The system's, but for a wall clock that is wrong, as that of another machine may be.
class SkewedClock final : public Clock {
 public:
  explicit SkewedClock(std::chrono::nanoseconds skew) : skew_(skew.count()) {}
  [[nodiscard]] SteadyNanos steady_now() const noexcept override { return real_->steady_now(); }
  [[nodiscard]] SteadyNanos coarse_now() const noexcept override { return real_->coarse_now(); }
  [[nodiscard]] WallNanos wall_now() const noexcept override { return real_->wall_now() + skew_; }
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                  SteadyNanos deadline, const std::function<bool()>& stop) override {
    return real_->wait_until(lock, changed, deadline, stop);
  }

 private:
  const std::int64_t skew_;
  const std::shared_ptr<Clock> real_ = system_clock();
};

TieredOptions skewed(const RedisServer& server, std::chrono::nanoseconds skew) {
  auto options = tiered(server);
  options.l1.clock = std::make_shared<SkewedClock>(skew);
  return options;
}

// Goal: it does not matter whose clock is wrong: the last write counts, and a TTL is Redis's.
// Method: two nodes ten seconds apart write, erase and let expire the same keys in turn.
TEST(TierClocks, MayDifferByTenSecondsBetweenNodes) {  // trap K9
  const RedisServer server;
  StringTiers ahead(skewed(server, 5s));
  StringTiers behind(skewed(server, -5s));
  await_heard(ahead);
  await_heard(behind);
  for (int i = 0; i < 20; ++i) {
    auto& writer = i % 2 == 0 ? ahead : behind;
    auto& other = i % 2 == 0 ? behind : ahead;
    const auto value = std::to_string(i);
    writer.set("k", value);
    EXPECT_EQ(writer.get("k"), value);
    await([&] { return other.get("k") == value; });
    await_all_heard(writer);
    EXPECT_EQ(writer.get("k"), value) << "what the other has read did not bring an older one back";
  }
  ahead.set("gone", "v");
  EXPECT_TRUE(behind.erase("gone"));
  await([&] { return ahead.get("gone") == std::nullopt; });

  const auto& clock = *system_clock();
  for (auto* writer : {&ahead, &behind}) {
    auto& other = writer == &ahead ? behind : ahead;
    const auto before = clock.steady_now();
    writer->set("brief", "v", {.ttl = 300ms});
    const auto expires_at = clock.steady_now() + 300'000'000;
    const bool seen = other.get("brief") == "v";
    EXPECT_TRUE(seen || clock.steady_now() > before + 300'000'000) << "it expired too early";
    await([&] { return other.get("brief") == std::nullopt; });
    const auto late = clock.steady_now() - expires_at;
    EXPECT_LT(late, 200'000'000) << "it expired too late";
    EXPECT_GT(clock.steady_now(), before + 290'000'000);
  }
}

// Goal: no value is returned after its TTL, though the server tells of most expiries late where
// many keys expire. Method: many volatile keys beside some that are read again and again.
TEST(TierClocks, ReturnNothingExpiredAmongManyVolatileKeys) {  // trap A14
  const char* factor = std::getenv("TARMAC_STRESS_FACTOR");
  const std::size_t others = 20'000 * (factor == nullptr ? 1 : std::strtoul(factor, nullptr, 10));
  const RedisServer server;
  StringTiers cache(tiered(server));
  await_heard(cache);
  const auto made = server.ask({"EVAL",
                                "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 't:other' .. i, "
                                "'v', 'PX', 60000 + i % 60000) end return tonumber(ARGV[1])",
                                "0", std::to_string(others)});
  ASSERT_EQ(made, std::to_string(others));
  await_all_heard(cache);
  const auto& clock = *system_clock();
  constexpr int kKeys = 20;
  std::vector<SteadyNanos> expires_at;
  for (int i = 0; i < kKeys; ++i) {
    const auto key = "k" + std::to_string(i);
    server.ask({"SET", "t:" + key, "v", "PX", std::to_string(300 + 20 * i)});
    expires_at.push_back(clock.steady_now() + (300 + 20 * i) * std::int64_t{1'000'000});
  }
  await_all_heard(cache);
  int returned = 0;
  int late = 0;
  for (int expired = 0; expired < kKeys;) {
    expired = 0;
    for (int i = 0; i < kKeys; ++i) {
      const auto asked_at = clock.steady_now();
      const bool there = cache.get("k" + std::to_string(i)).has_value();
      if (there) ++returned;
      if (there && asked_at > expires_at[static_cast<std::size_t>(i)] + 5'000'000) ++late;
      if (asked_at > expires_at[static_cast<std::size_t>(i)] + 20'000'000) ++expired;
    }
  }
  EXPECT_EQ(late, 0);
  EXPECT_GT(returned, kKeys) << "or this has shown nothing";
  EXPECT_GT(cache.stats().l1.hits, 0U);
}

/// Holds the thread that calls pass(), until it is let go.
class Holder {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    holds_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }
  void await_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return holds_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holds_ = false;
  bool released_ = false;
};

// Goal: a server that gives a slow listener up does not leave old values behind. Method: the thread
// that listens is held by a slot, and the server made to send more than it keeps for one client.
TEST(TierClocks, ForgetAllWhenTheServerGivesASlowListenerUp) {  // trap A14
  const RedisServer server;
  auto options = tiered(server);
  options.l2.heartbeat_limit = 300ms;
  Holder holder;
  StringTiers cache(options);
  // Before the cache goes, whatever happens: its thread would be waited for.
  const std::unique_ptr<Holder, void (*)(Holder*)> releases(&holder,
                                                            [](Holder* h) { h->release(); });
  await_heard(cache);
  server.ask({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 65536 1"});
  cache.set("k", "old");
  cache.set("held", "v");
  await_all_heard(cache);
  EXPECT_EQ(cache.get("k"), "old");
  EXPECT_EQ(cache.get("held"), "v");
  ASSERT_TRUE(cache.l1().contains("held"));
  const auto connection =
      cache.l1().events().connect(EventType::entry_deleted, [&holder](const Event& event) {
        if (event.key() == "held") holder.pass();
      });
  server.ask({"SET", "t:held", "new"});
  holder.await_held();
  const auto losses = cache.stats().l2.lost_invalidations;
  int rounds = 0;
  while (!server.ask({"CLIENT", "LIST", "TYPE", "pubsub"}).empty()) {
    ASSERT_LT(++rounds, 200) << "the server keeps everything";
    server.ask({"EVAL",
                "for i = 1, 2000 do redis.call('SET', 't:' .. string.rep('x', 200) .. i, 'v') end "
                "return 1",
                "0"});
  }
  EXPECT_GT(rounds, 0);
  server.ask({"SET", "t:k", "new"});  // Told to nobody.
  const auto& clock = *system_clock();
  const auto written_at = clock.steady_now();
  await([&] { return cache.get("k") == "new"; });
  EXPECT_LT(clock.steady_now() - written_at, 1'000'000'000)
      << "heartbeat_limit, and a busy machine";
  holder.release();
  await([&] { return cache.stats().l2.lost_invalidations > losses; });
  await_heard(cache);
  EXPECT_EQ(cache.get("k"), "new");
  EXPECT_EQ(cache.get("held"), "new");
}

}  // namespace
}  // namespace tarmac
