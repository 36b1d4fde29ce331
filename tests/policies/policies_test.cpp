// What each policy promises beyond the contract, and how they are found by name.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/catalog.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/write_policy_contract.h>

#include <chrono>
#include <string>

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

constexpr WallNanos kNow = 1'700'000'000'000'000'000;

StoreWrite value_of(std::string key, std::string value, std::uint64_t stamp) {
  return {.key = std::move(key),
          .value = std::move(value),
          .stamp = stamp,
          .expires_at = std::nullopt,
          .hash = 0};
}

TEST(NoWritePolicy, OwesNothingToNobody) {
  testing::RecordingHost host;
  const auto policy = no_write_policy();
  policy->attach(host);
  EXPECT_EQ(policy->name(), "none");
  EXPECT_EQ(policy->store(), nullptr);
  EXPECT_TRUE(policy->flush(1s).complete());
  EXPECT_FALSE(policy->pending("k"));
  EXPECT_EQ(policy->image(), nullptr);
}

using NoWritePolicyDeathTest = ::testing::Test;

TEST(NoWritePolicyDeathTest, EndsTheProcessRatherThanLoseAWrite) {
#ifdef TARMAC_NO_ASSERT
  GTEST_SKIP() << "assertions are switched off";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto policy = no_write_policy();
  EXPECT_DEATH(static_cast<void>(policy->on_write(value_of("k", "v", 1))), "kCanWrite");
}

// Trap I1: the store first, and what it refuses reaches nobody.
TEST(WriteThrough, NamesStoreAndCacheWhenTheStoreFails) {
  const auto store = std::make_shared<testing::FaultyStore>(make_memory_store());
  testing::RecordingHost host;
  const auto policy = write_through(store);
  policy->attach(host);
  store->fail_next_writes(1);
  try {
    static_cast<void>(policy->on_write(value_of("k", "v", 1)));
    FAIL() << "the failure was swallowed";
  } catch (const StoreError& error) {
    EXPECT_STREQ(error.what(),
                 "while writing to store \"faulty\" for cache \"contract\": the store was told to "
                 "fail");
  }
  EXPECT_EQ(policy->stats().store_errors, 1U);
  EXPECT_EQ(policy->stats().flushed, 0U);
  EXPECT_EQ(policy->on_write(value_of("k", "v", 2)), EntryState::clean);
  EXPECT_EQ(policy->stats().flushed, 1U);
  EXPECT_TRUE(host.errors().empty());
}

TEST(WriteThrough, RestoresAnImageThatWriteBackTook) {
  const auto store = std::make_shared<testing::FaultyStore>(make_memory_store());
  testing::RecordingHost host;
  std::shared_ptr<const StoreImage> image;
  {
    const auto back = write_back(store, {.loss_window_max = 1h});
    back->attach(host);
    ASSERT_EQ(back->on_write(value_of("k", "owed", 1)), EntryState::dirty);
    image = back->image();
  }
  const auto through = write_through(store);
  through->attach(host);
  static_cast<void>(through->on_write(value_of("k", "later", 2)));
  store->fail_next_writes(1);
  EXPECT_THROW(through->put_back(*image), StoreError);
  EXPECT_EQ(store->load("k", kNow)->bytes, "later");
  through->put_back(*image);
  EXPECT_EQ(store->load("k", kNow)->bytes, "owed");
}

TEST(WriteBack, RestoresAnImageThatWriteThroughTook) {
  const auto store = make_memory_store();
  testing::RecordingHost host;
  const auto through = write_through(store);
  through->attach(host);
  static_cast<void>(through->on_write(value_of("k", "old", 1)));
  const auto image = through->image();
  const auto back = write_back(store, {.loss_window_max = 1h});
  back->attach(host);
  static_cast<void>(back->on_write(value_of("k", "new", 2)));
  back->put_back(*image);
  EXPECT_FALSE(back->pending("k"));
  EXPECT_EQ(store->load("k", kNow)->bytes, "old");
}

TEST(WritePolicyCatalog, KnowsTheBuiltInPoliciesByName) {
  EXPECT_THAT(write_policy_registry().names(),
              IsSupersetOf({"none", "write_back", "write_through"}));
  for (const char* name : {"none", "write_back", "write_through"}) {
    EXPECT_EQ(write_policy_registry().make(name, make_memory_store())->name(), name);
  }
}

TEST(WritePolicyCatalog, ReadsEverySettingOfWriteBack) {
  const Parameters all{{"loss_window_max", "1s"}, {"batch_max", "10"},
                       {"dirty_max", "20"},       {"block_max", "0s"},
                       {"shutdown_limit", "1s"},  {"retry_initial", "1ms"},
                       {"retry_max", "2ms"},      {"seed", "1"}};
  EXPECT_EQ(write_policy_registry().make("write_back", make_memory_store(), all)->name(),
            "write_back");
}

struct BadSetting {
  const char* policy;
  Parameters parameters;
  bool with_store;
  const char* told;
};

class WritePolicyCatalogBad : public ::testing::TestWithParam<BadSetting> {};

TEST_P(WritePolicyCatalogBad, IsRefusedWithWhatToMend) {
  const auto& bad = GetParam();
  try {
    static_cast<void>(write_policy_registry().make(
        bad.policy, bad.with_store ? make_memory_store() : nullptr, bad.parameters));
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(bad.told));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Settings, WritePolicyCatalogBad,
    ::testing::Values(BadSetting{"write_through", {}, false, "needs a store"},
                      BadSetting{"write_back", {}, false, "needs a store"},
                      BadSetting{"write_bakc", {}, true, "write_back"},
                      BadSetting{"write_back", {{"bach_max", "3"}}, true, "batch_max"},
                      BadSetting{"write_back", {{"batch_max", "0"}}, true, "batch_max"},
                      BadSetting{"write_back", {{"batch_max", "-1"}}, true, "batch_max"},
                      BadSetting{"write_back", {{"dirty_max", "0"}}, true, "dirty_max"},
                      BadSetting{"write_back", {{"loss_window_max", "5"}}, true, "loss_window"},
                      BadSetting{"write_back", {{"retry_initial", "0s"}}, true, "retry_initial"},
                      BadSetting{"write_back", {{"retry_max", "1ms"}}, true, "retry_max"},
                      BadSetting{"write_through", {{"seed", "1"}}, true, "seed"}));

}  // namespace
}  // namespace tarmac
