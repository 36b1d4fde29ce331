// The examples of docs/write-policies.md, compiled and run.
#include <gtest/gtest.h>
#include <tarmac/tarmac.h>

#include <chrono>
#include <memory>
#include <string>

namespace {

using namespace std::chrono_literals;

TEST(WritePoliciesPage, FlushesAndTells) {
  tarmac::CacheOptions options;
  options.name = "written";
  tarmac::CacheManager<std::string, std::string> cache(options);
  // clang-format off
  // [write-back]
  auto store = tarmac::make_memory_store();
  cache.set_write_policy(tarmac::write_back(store, {.loss_window_max = 50ms}));
  tarmac::FlushReport report = cache.flush();
  if (!report.complete()) { /* report.still_dirty writes wait, report.error says why */ }
  // [/write-back]
  // clang-format on
  cache.set("k", "v");
  report = cache.flush();
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(store->size(), 1U);
}

// What the reader of the page would have written.
std::shared_ptr<tarmac::BackingStore> make_my_store() { return tarmac::make_memory_store(); }
std::unique_ptr<tarmac::BackingStore> make_mine(const tarmac::Parameters&) {
  return tarmac::internal::new_memory_store();
}

void add_mine() {
  // clang-format off
  // [own-store]
  tarmac::store_registry().add("mine", [](const tarmac::Parameters& p) { return make_mine(p); });
  // [/own-store]
  // clang-format on
}

}  // namespace

// clang-format off
// [own-store]
#include <tarmac/testing/backing_store_contract.h>
const bool registered = tarmac::testing::register_backing_store_contract("mine", make_my_store);
// [/own-store]
// clang-format on

namespace {

TEST(WritePoliciesPage, NamesAStoreOfOnesOwn) {
  ASSERT_TRUE(registered);
  add_mine();
  EXPECT_EQ(tarmac::store_registry().make("mine")->size(), 0U);
}

}  // namespace
