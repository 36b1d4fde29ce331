// Two tiers over a real Redis Cluster: every node's changes are heard of, whatever happens to slots
// and channels. With TARMAC_STRESS_FACTOR longer.
#include <gtest/gtest.h>
#include <tarmac/core/error.h>

#include <atomic>

#include "redis_cluster_rig.h"
#include "tier_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;

class ClusterTiersTest : public ::testing::Test {
 protected:
  ClusterTiersTest() {
    rig_.empty();
    for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
      keys_.push_back(ClusterRig::key_of(i, "t:k").substr(2));
    }
  }

  static TieredOptions options() {
    TieredOptions options;
    options.l1.name = "clustered";
    options.l2.server = cluster_options();
    options.l2.server.prefix = "t:";
    options.l2.heartbeat = 20ms;
    options.l2.heartbeat_limit = 2s;
    return options;
  }
  /// What get() gives; "failed" if it throws.
  static std::string answer(StringTiers& cache, const std::string& key) {
    try {
      return cache.get(key).value_or("none");
    } catch (const StoreError&) {
      return "failed";
    }
  }
  /// Reads `keys` until the first tier has all of them.
  static void keep(StringTiers& cache, const std::vector<std::string>& keys) {
    await_heard(cache);
    await_all_heard(cache);  // Or word of an earlier write might drop what is read now.
    for (const auto& key : keys) {
      await([&] {
        static_cast<void>(answer(cache, key));
        return cache.l1().contains(key);
      });
    }
  }

  ClusterRig& rig_ = ClusterRig::instance();
  /// One of each node.
  std::vector<std::string> keys_;
};

TEST_F(ClusterTiersTest, HearOfChangesAtEveryNode) {
  StringTiers cache(options());
  StringTiers other(options());
  await_heard(other);
  for (const auto& key : keys_) cache.set(key, "old");
  keep(cache, keys_);
  const auto trips = cache.stats().l2.round_trips;
  for (const auto& key : keys_) EXPECT_EQ(cache.get(key), "old");
  EXPECT_EQ(cache.stats().l2.round_trips, trips) << "hits of this process";
  for (const auto& key : keys_) {
    other.set(key, "new");
    EXPECT_EQ(other.get(key), "new");
    await([&] { return cache.get(key) == "new"; });
  }
  keep(cache, keys_);
  for (std::size_t i = 0; i < keys_.size(); ++i) {  // Behind both caches' back.
    rig_.node(i).ask({"DEL", "t:" + keys_[i]});
    await([&] { return cache.get(keys_[i]) == std::nullopt; });
  }
  EXPECT_GE(cache.stats().l2.key_invalidations, 2 * keys_.size());
  EXPECT_TRUE(cache.stats().l2.heard);
}

TEST_F(ClusterTiersTest, FetchManyAndLoadOnceForAll) {
  StringTiers cache(options());
  StringTiers other(options());
  await_heard(cache);
  await_heard(other);
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) {
    many.push_back("m" + std::to_string(i));
    if (i % 3 != 0) other.set(many.back(), std::to_string(i), {.ttl = 1h});
  }
  await_all_heard(cache);
  const auto trips = cache.stats().l2.round_trips;
  const auto found = cache.get_many(many);
  for (int i = 0; i < 60; ++i) {
    const auto expected = i % 3 == 0 ? std::nullopt : std::optional(std::to_string(i));
    EXPECT_EQ(found[static_cast<std::size_t>(i)], expected) << i;
  }
  EXPECT_LE(cache.stats().l2.round_trips - trips, 2 * ClusterRig::kPrimaries)
      << "two batches, each to every node once";
  const auto rest = cache.l1().inspect("m1")->remaining_ttl;
  ASSERT_TRUE(rest);
  EXPECT_GT(*rest, 50min);
  EXPECT_LE(*rest, 1h);
  for (const auto& key : keys_) {
    EXPECT_EQ(cache.get_or_load(key, [] { return "first"; }), "first");
    EXPECT_EQ(other.get_or_load(key, [] { return "second"; }), "first");
    EXPECT_TRUE(cache.erase(key));
    EXPECT_FALSE(cache.erase(key));
  }
}

// Goal: one node's channel is lost, and what changes there meanwhile is told to nobody. No old
// value is returned once it is noticed, and none stays.
TEST_F(ClusterTiersTest, ForgetWhatALostChannelOfOneNodeMayHaveMissed) {  // trap K4
  StringTiers cache(options());
  await_heard(cache);
  for (const auto& key : keys_) cache.set(key, "old");
  for (int round = 0; round < 6; ++round) {
    const auto node = static_cast<std::size_t>(round) % ClusterRig::kPrimaries;
    const auto value = "v" + std::to_string(round);
    keep(cache, keys_);
    const auto losses = cache.stats().l2.lost_invalidations;
    rig_.node(node).ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    rig_.node(node).ask({"SET", "t:" + keys_[node], value});
    await([&] { return answer(cache, keys_[node]) == value; });
    await([&] { return cache.stats().l2.lost_invalidations > losses; });
    await_heard(cache);
    EXPECT_EQ(answer(cache, keys_[node]), value);
  }
  EXPECT_GT(cache.stats().l2.unheard_seconds, 0);
}

TEST_F(ClusterTiersTest, ReturnNothingOldWhileANodeIsStopped) {
  auto brief = options();
  brief.l2.heartbeat_limit = 300ms;
  brief.l2.server.call_limit = 300ms;
  StringTiers cache(brief);
  await_heard(cache);
  for (const auto& key : keys_) cache.set(key, "old");
  keep(cache, keys_);
  rig_.node(2).send(SIGSTOP);
  const auto& clock = *system_clock();
  const auto stopped_at = clock.steady_now();
  await_heard(cache, false);
  const auto noticed = clock.steady_now() - stopped_at;
  EXPECT_EQ(answer(cache, keys_[2]), "failed");
  await([&] { return answer(cache, keys_[0]) == "old"; });  // The other nodes go on.
  EXPECT_EQ(cache.get_or_load(keys_[2], [] { return "of the source"; }), "of the source");
  rig_.node(0).ask({"SET", "t:" + keys_[0], "new"});
  std::string found;
  await([&] {
    found = answer(cache, keys_[0]);
    return found != "failed";
  });
  EXPECT_EQ(found, "new") << "nothing that is kept is returned";
  rig_.node(2).send(SIGCONT);
  EXPECT_LT(noticed, 2'000'000'000) << "heartbeat_limit, and a busy machine";
  await_heard(cache);
  await([&] { return answer(cache, keys_[2]) == "old"; });
}

// Goal: a slot moves to a node of which nothing has been heard yet. What is read there before its
// channel is open is not kept, and afterwards its changes are heard of.
TEST_F(ClusterTiersTest, HearOfANodeThatIsNew) {
  StringTiers cache(options());
  await_heard(cache);
  const auto& key = keys_[0];
  const auto slot = internal::redis_slot("t:" + key);
  auto& spare = rig_.node(ClusterRig::kSpare);
  cache.set(key, "old");
  keep(cache, {key});
  // On its way: the key is asked for at the new node, which has no slot yet.
  rig_.begin_move(slot, 0, ClusterRig::kSpare);
  rig_.move_key("t:" + key, 0, ClusterRig::kSpare);
  keep(cache, {key});
  EXPECT_EQ(cache.get(key), "old");
  EXPECT_GE(cache.stats().l2.redirects, 1U);
  rig_.end_move(slot, 0, ClusterRig::kSpare);
  await([&] { return answer(cache, key) == "old"; });
  keep(cache, {key});
  spare.ask({"SET", "t:" + key, "new"});
  await([&] { return answer(cache, key) == "new"; });
  keep(cache, {key});
  rig_.move(slot, ClusterRig::kSpare, 0);
  EXPECT_EQ(answer(cache, key), "new");
  keep(cache, {key});
  rig_.node(0).ask({"SET", "t:" + key, "newest"});
  await([&] { return answer(cache, key) == "newest"; });
}

// Goal: no stale value stays, whatever the timing of answers, changes and moves. Method: readers of
// one cache, writers of another, while a slot of keys goes round the nodes, the new one included;
// when all has come to rest, what is kept is compared with what the nodes have.
TEST_F(ClusterTiersTest, LeaveNoStaleValueWhileASlotGoesRound) {  // trap K1
  constexpr int kTagged = 16;
  const int rounds = 5 * stress_factor();
  constexpr int kKeys = 48;
  const auto key_of = [](int i) {
    return i < kTagged ? "{round}" + std::to_string(i) : "r" + std::to_string(i);
  };
  const auto slot = internal::redis_slot("round");
  const auto home = ClusterRig::first_owner(slot);
  auto at = home;
  StringTiers cache(options());
  StringTiers other(options());
  await_heard(cache);
  await_heard(other);
  int stale = 0;
  int compared = 0;
  std::atomic<int> errors{0};
  for (int round = 0; round < rounds; ++round) {
    std::atomic<bool> ends{false};
    std::atomic<bool> has_moved{false};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 3; ++reader) {
      readers.emplace_back([&, reader] {
        for (int i = reader * 16; !ends; ++i) {
          if (answer(cache, key_of(i % kKeys)) == "failed") ++errors;
        }
      });
    }
    std::thread writer([&] {
      for (int i = 0; i < 300 || !has_moved; ++i) {
        const auto value = std::to_string(round) + "." + std::to_string(i);
        const auto write = [&] { other.set(key_of(i * 7 % kKeys), value); };
        if (!message_of<StoreError>(write).empty()) ++errors;
      }
    });
    const auto next = round == rounds - 1 ? home : (at + 1) % (ClusterRig::kPrimaries + 1);
    if (next != at) rig_.move(slot, at, next);
    at = next;
    has_moved = true;
    writer.join();
    await_heard(cache);
    await_all_heard(cache);
    ends = true;
    for (auto& reader : readers) reader.join();
    for (int i = 0; i < kKeys; ++i) {
      const auto kept = cache.l1().get(key_of(i));
      if (!kept) continue;
      ++compared;
      auto& server = i < kTagged ? rig_.node(at) : rig_.home_of("t:" + key_of(i));
      if (*kept != server.ask({"GET", "t:" + key_of(i)})) ++stale;
    }
  }
  EXPECT_EQ(stale, 0);
  EXPECT_EQ(errors, 0);
  EXPECT_GT(compared, rounds) << "or this has shown nothing";
  std::printf("stale of %d: %d; redirects %d\n", compared, stale,
              static_cast<int>(cache.stats().l2.redirects));
}

TEST_F(ClusterTiersTest, RefuseWhatDoesNotGoTogether) {
  auto wrong = options();
  wrong.l2.server.db = 1;
  EXPECT_THROW(StringTiers{wrong}, ConfigError);
  wrong = options();
  wrong.l2.server.cluster = "nothing";
  EXPECT_THROW(StringTiers{wrong}, ConfigError);
}

}  // namespace
}  // namespace tarmac
