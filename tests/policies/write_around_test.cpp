#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/write_around.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/write_policy_contract.h>

namespace tarmac {
namespace {

TEST(WriteAround, NeedsAStore) {
  EXPECT_THROW(static_cast<void>(write_around(nullptr)), ConfigError);
}

TEST(WriteAround, WritesAtOnceAndLetsNothingBeCached) {
  const auto store = make_memory_store();
  testing::RecordingHost host;
  const auto policy = write_around(store);
  policy->attach(host);
  EXPECT_FALSE(policy->keeps_written_values());
  EXPECT_TRUE(write_through(store)->keeps_written_values());
  EXPECT_EQ(policy->on_write(
                {.key = "k", .value = "v", .stamp = 1, .expires_at = std::nullopt, .hash = 0}),
            EntryState::clean);
  EXPECT_EQ(store->load("k", 0)->bytes, "v");
  EXPECT_EQ(policy->stats().flushed, 1U);
}

TEST(WriteAround, ThrowsWhatKindOfErrorTheStoreThrew) {
  const auto store = std::make_shared<testing::FaultyStore>(make_memory_store());
  testing::RecordingHost host;
  const auto policy = write_around(store);
  policy->attach(host);
  const StoreWrite write{
      .key = "k", .value = "v", .stamp = 1, .expires_at = std::nullopt, .hash = 0};
  store->refuse_keys([](std::string_view) { return true; });
  EXPECT_THROW(static_cast<void>(policy->on_write(write)), PermanentStoreError);
  store->refuse_keys({});
  store->fail_next_writes(1);
  try {
    static_cast<void>(policy->on_write(write));
    ADD_FAILURE() << "it did not throw";
  } catch (const PermanentStoreError&) {
    ADD_FAILURE() << "a passing failure was called permanent";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("told to fail"));
  }
  EXPECT_EQ(policy->stats().store_errors, 2U);
}

}  // namespace
}  // namespace tarmac
