// The store over a real Redis Cluster: the contract, slots, and batches that go to several nodes.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/testing/backing_store_contract.h>

#include "redis_cluster_rig.h"

namespace tarmac {
namespace {

using internal::redis_slot;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

[[maybe_unused]] const bool kClusterRegistered = testing::register_backing_store_contract(
    "redis_cluster", []() -> std::shared_ptr<BackingStore> {
      ClusterRig::instance().empty();
      return make_redis_store(cluster_options());
    });

TEST(RedisSlots, AreThoseOfTheSpecification) {
  EXPECT_EQ(internal::redis_crc16("123456789"), 0x31c3);
  EXPECT_EQ(internal::redis_crc16(""), 0);
  EXPECT_EQ(redis_slot("123456789"), 0x31c3 % 16'384);
  EXPECT_EQ(redis_slot("foo"), 12'182);
  EXPECT_EQ(redis_slot("{user1000}.following"), redis_slot("{user1000}.followers"));
  EXPECT_EQ(redis_slot("{user1000}.following"), redis_slot("user1000"));
  EXPECT_EQ(redis_slot("foo{{bar}}zap"), redis_slot("{bar"));
  EXPECT_EQ(redis_slot("foo{bar}{zap}"), redis_slot("bar"));
  EXPECT_NE(redis_slot("foo{}{bar}"), redis_slot("bar"));
  EXPECT_NE(redis_slot("foo{}{bar}"), redis_slot("foo{}{baz}"));
}

TEST(RedisSlots, AreThoseOfTheServer) {
  const auto& server = ClusterRig::instance().node(0);
  for (const std::string key : {"", "{", "}", "{}", "{}x", "a{b", "a}b{c}", "{{}}", "{a}{b}",
                                "\xff\x80", "a\n{\x01}b", "tarmac:{t}k"}) {
    EXPECT_EQ(server.ask({"CLUSTER", "KEYSLOT", key}), std::to_string(redis_slot(key))) << key;
  }
  for (int i = 0; i < 200; ++i) {
    const auto key = "key:" + std::to_string(i * 7'919);
    ASSERT_EQ(server.ask({"CLUSTER", "KEYSLOT", key}), std::to_string(redis_slot(key))) << key;
  }
}

TEST(RedisSlots, AddressesAndRedirectsAreRead) {
  using internal::redis_address_in;
  EXPECT_EQ(redis_address_in("h:1"), (internal::RedisAddress{"h", 1}));
  EXPECT_EQ(redis_address_in("[::1]:7000"), (internal::RedisAddress{"::1", 7'000}));
  for (const auto* wrong : {"", "h", "h:", "h:0", "h:65536", "h:1x", "h:-1"}) {
    EXPECT_FALSE(redis_address_in(wrong)) << wrong;
  }
  EXPECT_EQ(internal::redis_addresses_in(" a:1,b:2 , c:3").size(), 3U);
  EXPECT_THROW(static_cast<void>(internal::redis_addresses_in(" , ")), ConfigError);
  EXPECT_THROW(static_cast<void>(internal::redis_addresses_in("a:1,b")), ConfigError);

  const internal::RedisAddress asked{"asked", 1};
  const auto moved = internal::redis_redirect_in("MOVED 3999 127.0.0.1:6381", asked);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->is_ask);
  EXPECT_EQ(moved->slot, 3'999);
  EXPECT_EQ(moved->to.text(), "127.0.0.1:6381");
  const auto ask = internal::redis_redirect_in("ASK 16383 :6381", asked);
  ASSERT_TRUE(ask);
  EXPECT_TRUE(ask->is_ask);
  EXPECT_EQ(ask->to.text(), "asked:6381") << "a node that does not know its own address";
  for (const auto* other : {"ERR no", "MOVED", "MOVED 1", "MOVED 16384 h:1", "MOVED x h:1",
                            "MOVED 1 h", "ASKING 1 h:1", "TRYAGAIN Multiple keys"}) {
    EXPECT_FALSE(internal::redis_redirect_in(other, asked)) << other;
  }
}

class ClusterStoreTest : public ::testing::Test {
 protected:
  ClusterStoreTest() { rig_.empty(); }

  ClusterRig& rig_ = ClusterRig::instance();
  const std::shared_ptr<BackingStore> store_ = make_redis_store(cluster_options());
};

TEST_F(ClusterStoreTest, DividesABatchAmongTheNodesAndAnswersInOrder) {
  constexpr std::size_t kKeys = 300;
  std::vector<StoreWrite> batch;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) {
    keys.push_back("k" + std::to_string(i));
    batch.push_back(write_of(keys.back(), "v" + std::to_string(i), i + 1));
  }
  store_->write(batch);
  std::size_t there = 0;
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    const auto count = std::stoul(rig_.node(i).ask({"DBSIZE"}));
    EXPECT_GT(count, kKeys / 6) << i;
    there += count;
  }
  EXPECT_EQ(there, kKeys);
  keys.insert(keys.begin() + 7, "absent");
  const auto found = store_->load_many(keys, kNow);
  ASSERT_EQ(found.size(), kKeys + 1);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto expected = i == 7 ? std::nullopt : std::optional("v" + keys[i].substr(1));
    EXPECT_EQ(found[i] ? std::optional(found[i]->bytes) : std::nullopt, expected);
  }
  EXPECT_EQ(store_->size(), kKeys);
}

TEST_F(ClusterStoreTest, AsksEachNodeForTheScriptOnce) {
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    rig_.node(i).ask({"SCRIPT", "FLUSH"});
    rig_.node(i).ask({"CONFIG", "RESETSTAT"});
  }
  for (std::uint64_t stamp = 1; stamp <= 5; ++stamp) {
    for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
      put(*store_, ClusterRig::key_of(i, "tarmac:k").substr(7), "v", stamp);
    }
  }
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    const auto stats = rig_.node(i).ask({"INFO", "commandstats"});
    EXPECT_THAT(stats, HasSubstr("cmdstat_evalsha:calls=5,"));
    EXPECT_EQ(stats.find("cmdstat_eval:calls=2"), std::string::npos) << stats;
  }
}

TEST_F(ClusterStoreTest, KeepsThePartOfASlotWholeAndNamesAllForeignKeys) {
  auto options = cluster_options();
  options.prefix = "{one}:";
  const auto in_one_slot = make_redis_store(options);
  rig_.home_of("{one}:").ask({"SET", "{one}:foreign", "hello"});
  const std::array batch{write_of("first", "v", 2), write_of("foreign", "v", 3)};
  EXPECT_THROW(in_one_slot->write(batch), PermanentStoreError);
  EXPECT_FALSE(in_one_slot->load("first", kNow)) << "not even the first of them is applied";

  std::vector<StoreWrite> spread;
  std::vector<std::string> foreign;
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    const auto key = ClusterRig::key_of(i, "tarmac:f");
    rig_.node(i).ask({"SET", key, "hello"});
    foreign.push_back(key.substr(7));
    spread.push_back(write_of(foreign.back(), "v", 1));
    spread.push_back(write_of("sound" + std::to_string(i), "v", 1));
  }
  try {
    store_->write(spread);
    FAIL() << "it was taken";
  } catch (const PermanentStoreError& error) {
    EXPECT_THAT(error.keys(), UnorderedElementsAre(foreign[0], foreign[1], foreign[2]));
  }
}

TEST_F(ClusterStoreTest, TellsOfEachNodeInItsHealth) {
  const auto health = store_->health();
  EXPECT_TRUE(health.reachable);
  for (std::size_t i = 0; i < ClusterRig::kPrimaries; ++i) {
    EXPECT_THAT(health.detail, HasSubstr(rig_.address(i) + ": redis "));
  }
}

TEST_F(ClusterStoreTest, NeedsOneOfItsSeedsOnly) {
  auto options = cluster_options();
  options.cluster = "127.0.0.1:1 " + rig_.address(2);
  const auto store = make_redis_store(options);
  for (int i = 0; i < 20; ++i) put(*store, "k" + std::to_string(i), "v", 1);
  EXPECT_EQ(store->size(), 20U);
  options.cluster = "127.0.0.1:1";
  EXPECT_THAT(message_of<StoreError>([&] { put(*make_redis_store(options), "k", "v", 1); }),
              AllOf(HasSubstr("no node tells which has which keys"), HasSubstr("connect")));
  const RedisServer alone;
  const auto port = free_port();
  alone.ask({"CONFIG", "SET", "port", std::to_string(port)});
  options.cluster = "127.0.0.1:" + std::to_string(port);
  EXPECT_THAT(message_of<StoreError>([&] { put(*make_redis_store(options), "k", "v", 1); }),
              HasSubstr("cluster support disabled"));
}

TEST_F(ClusterStoreTest, IsMadeByNameAndRefusesWhatDoesNotGoTogether) {
  const auto store = store_registry().make("redis", {{"cluster", rig_.seeds()}});
  put(*store, "k", "v", 1);
  EXPECT_EQ(store->load("k", kNow)->bytes, "v");
  for (const Parameters& wrong :
       {Parameters{{"cluster", "a"}}, Parameters{{"cluster", "a:1"}, {"db", "1"}},
        Parameters{{"cluster", "a:1"}, {"host", "b"}},
        Parameters{{"cluster", "a:1"}, {"port", "2"}},
        Parameters{{"cluster", "a:1"}, {"unix_socket", "s"}}}) {
    EXPECT_THROW(static_cast<void>(store_registry().make("redis", wrong)), ConfigError);
  }
}

}  // namespace
}  // namespace tarmac
