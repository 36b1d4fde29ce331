// A Redis Cluster whose slots move, and whose nodes stop and die, under a store that is in use.
// With TARMAC_STRESS_FACTOR longer.
#include <gmock/gmock.h>
#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>

#include <atomic>
#include <thread>

#include "redis_cluster_rig.h"

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ClusterFaultsTest : public ::testing::Test {
 protected:
  ClusterFaultsTest() { rig_.empty(); }

  /// In front of all keys of tests that are about one slot.
  static constexpr const char* kTag = "{moving}";

  [[nodiscard]] std::shared_ptr<BackingStore> store(std::chrono::nanoseconds call_limit) const {
    auto options = cluster_options();
    options.prefix = "";
    options.call_limit = call_limit;
    return make_redis_store(options);
  }
  static std::string tagged(int i) { return kTag + std::to_string(i); }

  ClusterRig& rig_ = ClusterRig::instance();
  const std::uint16_t slot_ = internal::redis_slot(kTag);
  const std::size_t home_ = ClusterRig::first_owner(slot_);
  const std::size_t other_ = (home_ + 1) % ClusterRig::kPrimaries;
};

// Goal: MOVED. What a store believes about a slot is wrong; it finds out, once, and loses nothing.
TEST_F(ClusterFaultsTest, ASlotThatHasMovedIsFoundAtItsNewNode) {
  const auto moved = store(10s);
  for (int i = 0; i < 40; ++i) put(*moved, tagged(i), std::to_string(i), 1);
  rig_.move(slot_, home_, other_);
  for (int i = 0; i < 40; ++i) {
    const auto found = moved->load(tagged(i), kNow);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->bytes, std::to_string(i));
    put(*moved, tagged(i), "new", 2);
  }
  EXPECT_EQ(moved->size(), 40U);
  EXPECT_NE(rig_.node(other_).ask({"GET", tagged(7)}), "");
  // It is told once: later calls go there at once.
  rig_.node(home_).ask({"CONFIG", "RESETSTAT"});
  for (int i = 0; i < 40; ++i) EXPECT_EQ(moved->load(tagged(i), kNow)->bytes, "new");
  EXPECT_THAT(rig_.node(home_).ask({"INFO", "commandstats"}),
              ::testing::Not(HasSubstr("cmdstat_get:")));
  rig_.move(slot_, other_, home_);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(moved->load(tagged(i), kNow)->bytes, "new");
}

// Goal: ASK. A slot stays on its way, with some of its keys here and some there, some nowhere.
TEST_F(ClusterFaultsTest, ASlotOnItsWayIsReadAndWrittenAtBothNodes) {
  const auto both = store(10s);
  for (int i = 0; i < 10; ++i) put(*both, tagged(i), std::to_string(i), 1);
  rig_.begin_move(slot_, home_, other_);
  for (int i = 0; i < 5; ++i) rig_.move_key(tagged(i), home_, other_);
  std::vector<std::string> keys;
  for (int i = 0; i < 10; ++i) keys.push_back(tagged(i));
  keys.push_back(tagged(100));
  for (int round = 0; round < 3; ++round) {
    const auto found = both->load_many(keys, kNow);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(found[i]->bytes, std::to_string(i)) << i;
    EXPECT_FALSE(found[10]);
  }
  // Batches with keys of both nodes, and with new ones, which no node takes as one command.
  std::vector<StoreWrite> batch;
  for (int i = 0; i < 10; ++i) batch.push_back(write_of(tagged(i), "new", 2));
  for (int i = 200; i < 205; ++i) batch.push_back(write_of(tagged(i), "new", 2));
  batch.push_back(write_of(tagged(9), "old", 1));
  both->write(batch);
  EXPECT_EQ(both->size(), 15U);
  EXPECT_EQ(std::stoi(rig_.node(other_).ask({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot_)})),
            10)
      << "the five that were moved, and the five that are new";
  rig_.move_keys(slot_, home_, other_);
  rig_.end_move(slot_, home_, other_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(both->load(tagged(i), kNow)->bytes, "new");
  rig_.move(slot_, other_, home_);
}

// Goal: nobody who reads or writes notices that a slot moves to and fro: 0 errors, 0 wrong, 0 lost.
// Method: the slot moves on when every thread has ended what it began before. For a request that is
// held up while a slot goes and is on its way back, Redis itself has no answer: the node that it
// was sent on to would take the key for a new one.
TEST_F(ClusterFaultsTest, NothingIsLostWhileASlotMovesUnderReadersAndWriters) {
  constexpr int kKeys = 24;
  constexpr int kWriters = 2;
  const auto used = store(10s);
  for (int i = 0; i < kKeys; ++i) put(*used, tagged(i), "1", 1);
  std::atomic<bool> ends{false};
  std::atomic<int> errors{0};
  std::atomic<int> wrong{0};
  std::atomic<int> written{0};
  std::atomic<int> read{0};
  std::array<std::atomic<std::uint64_t>, kWriters + 1> ended{};  // Requests of each thread.
  std::array<std::uint64_t, kKeys> last{};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      // Each its own keys, two at a time: what is acknowledged last must be there.
      for (std::uint64_t stamp = 2; !ends; ++stamp) {
        for (int i = writer; i + kWriters < kKeys; i += 2 * kWriters) {
          const std::array batch{write_of(tagged(i), std::to_string(stamp), stamp),
                                 write_of(tagged(i + kWriters), std::to_string(stamp), stamp)};
          const auto failed = message_of<StoreError>([&] { used->write(batch); });
          ++ended.at(static_cast<std::size_t>(writer));
          if (!failed.empty()) {
            ++errors;
            continue;
          }
          written += 2;
          last[static_cast<std::size_t>(i)] = stamp;
          last[static_cast<std::size_t>(i + kWriters)] = stamp;
        }
      }
    });
  }
  threads.emplace_back([&] {
    std::array<std::uint64_t, kKeys> seen{};
    for (int i = 0; !ends; i = (i + 5) % kKeys) {
      const auto failed = message_of<StoreError>([&] {
        const auto found = used->load(tagged(i), kNow);
        ++read;
        auto& before = seen[static_cast<std::size_t>(i)];
        if (!found || found->bytes != std::to_string(found->stamp) || found->stamp < before) {
          ++wrong;
        } else {
          before = found->stamp;
        }
      });
      ++ended.back();
      if (!failed.empty()) ++errors;
    }
  });
  for (int round = 0; round < 10 * stress_factor(); ++round) {
    for (auto& count : ended) {
      const auto before = count.load();
      // The first may have begun before the last move ended; the second began after it.
      while (count.load() < before + 2) std::this_thread::yield();
    }
    rig_.move(slot_, round % 2 == 0 ? home_ : other_, round % 2 == 0 ? other_ : home_);
  }
  ends = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(wrong, 0);
  int lost = 0;
  for (int i = 0; i < kKeys; ++i) {
    const auto stamp = last[static_cast<std::size_t>(i)];
    if (stamp != 0 && used->load(tagged(i), kNow)->stamp < stamp) ++lost;
  }
  EXPECT_EQ(lost, 0);
  EXPECT_GT(written, 0);
  EXPECT_GT(read, 0);
  std::printf("%d writes, %d look-ups: %d errors, %d wrong, %d lost\n", written.load(), read.load(),
              errors.load(), wrong.load(), lost);
}

// Goal: a node that hangs costs its keys' callers call_limit at most, and other nodes' callers
// nothing.
TEST_F(ClusterFaultsTest, ANodeThatHangsHoldsUpNobodyElse) {
  auto options = cluster_options();
  options.call_limit = 300ms;
  options.retry_initial = 1s;
  options.retry_max = 1s;
  const auto used = make_redis_store(options);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    keys.push_back(ClusterRig::key_of(i, "tarmac:k").substr(7));
    put(*used, keys.back(), "v", 1);
  }
  rig_.node(1).send(SIGSTOP);
  const auto& clock = *system_clock();
  auto began = clock.steady_now();
  EXPECT_THROW(static_cast<void>(used->load(keys[1], kNow)), StoreError);
  const auto first = clock.steady_now() - began;
  EXPECT_GE(first, std::chrono::nanoseconds(250ms).count());
  EXPECT_LT(first, std::chrono::nanoseconds(1s).count());
  began = clock.steady_now();
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(used->load(keys[0], kNow));
    put(*used, keys[2], "v", static_cast<std::uint64_t>(i) + 2);
    if (!message_of<StoreError>([&] { put(*used, keys[1], "v", 2); }).empty()) ++refused;
  }
  const auto all = clock.steady_now() - began;
  rig_.node(1).send(SIGCONT);
  EXPECT_EQ(refused, 100);
  EXPECT_LT(all, std::chrono::nanoseconds(2s).count()) << "its breaker answers for it";
  EXPECT_EQ(used->breaker()->state, BreakerState::open);
  EXPECT_GE(used->breaker()->opens, 1U);
  await([&] { return message_of<StoreError>([&] { put(*used, keys[1], "new", 3); }).empty(); });
  EXPECT_EQ(used->load(keys[1], kNow)->bytes, "new");
  EXPECT_EQ(used->breaker()->state, BreakerState::closed);
}

TEST_F(ClusterFaultsTest, ASlotThatNobodyHasIsAnErrorThatPasses) {
  const auto used = store(10s);
  put(*used, tagged(1), "v", 1);
  const auto slot = std::to_string(slot_);
  rig_.node(home_).ask({"CLUSTER", "DELSLOTS", slot});
  const auto error = message_of<StoreError>([&] { put(*used, tagged(1), "v", 2); });
  EXPECT_THAT(error, HasSubstr("CLUSTERDOWN"));
  put(*used, ClusterRig::key_of(home_, "k"), "v", 1);  // The node has other slots.
  // Now none of its slots is served.
  rig_.node(home_).ask({"CONFIG", "SET", "cluster-require-full-coverage", "yes"});
  rig_.node(home_).ask({"CLUSTER", "ADDSLOTS", slot});  // It looks again when slots change.
  rig_.node(home_).ask({"CLUSTER", "DELSLOTS", slot});
  await([&] {
    return rig_.node(home_).ask({"CLUSTER", "INFO"}).find("cluster_state:fail") !=
           std::string::npos;
  });
  const auto opened = used->breaker()->opens;
  EXPECT_THAT(message_of<StoreError>([&] { put(*used, ClusterRig::key_of(home_, "k"), "v", 2); }),
              HasSubstr("CLUSTERDOWN"));
  EXPECT_GT(used->breaker()->opens, opened) << "it is left alone for a while";
  put(*used, ClusterRig::key_of(other_, "k"), "v", 2);
  rig_.node(home_).ask({"CONFIG", "SET", "cluster-require-full-coverage", "no"});
  rig_.node(home_).ask({"CLUSTER", "ADDSLOTS", slot});
  rig_.await_ok();
  await([&] { return message_of<StoreError>([&] { put(*used, tagged(1), "v", 3); }).empty(); });
  EXPECT_EQ(used->load(tagged(1), kNow)->stamp, 3U);
}

// The last, for the node that is killed takes two seconds to be trusted again.
TEST_F(ClusterFaultsTest, ANodeThatIsKilledLeavesTheOthersAtWorkAndComesBack) {
  const auto used = store(1s);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    keys.push_back(ClusterRig::key_of(i, "k"));
    put(*used, keys.back(), "v", 1);
  }
  const auto seeded = store(1s);  // It has to find the others without the node.
  rig_.node(0).kill();
  const auto& clock = *system_clock();
  const auto began = clock.steady_now();
  EXPECT_THROW(static_cast<void>(used->load(keys[0], kNow)), StoreError);
  EXPECT_THROW(static_cast<void>(used->load_many(keys, kNow)), StoreError);
  for (std::uint64_t i = 0; i < 50; ++i) {
    put(*used, keys[1], "v", i + 2);
    EXPECT_TRUE(used->load(keys[2], kNow));
    EXPECT_TRUE(seeded->load(keys[2], kNow));
  }
  EXPECT_LT(clock.steady_now() - began, std::chrono::nanoseconds(3s).count());
  EXPECT_FALSE(used->health().reachable);
  rig_.node(0).start();
  rig_.await_ok();
  await([&] { return message_of<StoreError>([&] { put(*used, keys[0], "new", 2); }).empty(); });
  EXPECT_EQ(used->load(keys[0], kNow)->bytes, "new");
  EXPECT_TRUE(used->health().reachable);
}

}  // namespace
}  // namespace tarmac
