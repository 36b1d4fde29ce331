// What the memory store promises beyond the contract.
#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>

#include <string>
#include <thread>

#include "store_files.h"

namespace tarmac {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(StoreCatalog, KnowsTheMemoryStoreByName) {
  EXPECT_THAT(store_registry().names(), Contains("memory"));
  EXPECT_EQ(store_registry().make("memory")->name(), "memory");
}

TEST(StoreCatalog, RefusesAParameterThatNobodyReads) {
  try {
    static_cast<void>(store_registry().make("memory", Parameters{{"size", "3"}}));
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("size"));
  }
}

TEST(MemoryStore, RemembersTheLast65536RemovalsAtMost) {
  const auto store = make_memory_store();
  put(*store, "first", std::nullopt, 1'000'000);
  put(*store, "first", "late", 1);
  EXPECT_FALSE(store->load("first", kNow));
  // So many removals that every one of the 64 parts has forgotten its oldest.
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    put(*store, "k" + std::to_string(i), std::nullopt, i + 1);
  }
  put(*store, "first", "late", 1);
  EXPECT_TRUE(store->load("first", kNow));
}

TEST(MemoryStore, RemembersAKeyThatIsRemovedAgainAndAgain) {
  const auto store = make_memory_store();
  for (std::uint64_t i = 1; i <= 5'000; ++i) put(*store, "k", std::nullopt, i);
  put(*store, "k", "late", 4'999);
  EXPECT_FALSE(store->load("k", kNow));
}

TEST(MemoryStore, RefusesAnImageOfAnotherStore) {
  const auto store = make_memory_store();
  put(*store, "k", "v", 1);
  const auto other = make_memory_store();
  EXPECT_THROW(store->put_back(*other->image()), UsageError);
  EXPECT_EQ(store->size(), 1U);
}

TEST(MemoryStore, MayBeWrittenByTheVisitorOfAScan) {
  const auto store = make_memory_store();
  for (std::uint64_t i = 0; i < 100; ++i) put(*store, std::to_string(i), "v", i + 1);
  store->scan([&](std::string_view key, const StoredValue& value) {
    put(*store, std::string(key), std::nullopt, value.stamp + 1);
  });
  EXPECT_EQ(store->size(), 0U);
}

// Goal: for the thread sanitizer. Method: writers, images and scans at once, each image undisturbed
// by what is written after it.
TEST(MemoryStore, KeepsImagesApartFromWritersInOtherThreads) {
  const auto store = make_memory_store();
  for (std::uint64_t i = 0; i < 500; ++i) put(*store, std::to_string(i), "old", i + 1);
  const auto image = store->image();
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 5'000; ++i) put(*store, std::to_string(i % 500), "new", i + 501);
  });
  std::thread reader([&] {
    for (int i = 0; i < 20; ++i) {
      static_cast<void>(store->image());
      std::size_t seen = 0;
      store->scan([&](std::string_view, const StoredValue& value) {
        EXPECT_EQ(value.bytes.size(), 3U);
        ++seen;
      });
      EXPECT_EQ(seen, 500U);
    }
  });
  writer.join();
  reader.join();
  store->put_back(*image);
  store->scan([](std::string_view, const StoredValue& value) { EXPECT_EQ(value.bytes, "old"); });
}

TEST(FaultyStore, FailsAsOftenAsItWasToldAndCounts) {
  testing::FaultyStore store(make_memory_store());
  store.fail_next_writes(2);
  EXPECT_THROW(put(store, "k", "v", 1), StoreError);
  EXPECT_THROW(put(store, "k", "v", 1), StoreError);
  EXPECT_EQ(store.size(), 0U);
  put(store, "k", "v", 1);
  store.fail_keys([](std::string_view key) { return key == "bad"; });
  EXPECT_THROW(put(store, "bad", "v", 2), StoreError);
  put(store, "good", "v", 3);
  EXPECT_EQ(store.attempts(), 5U);
  EXPECT_EQ(store.attempts_for("k"), 3U);
  EXPECT_EQ(store.inner().size(), 2U);
}

TEST(FaultyStore, HangsUntilItIsReleased) {
  testing::FaultyStore store(make_memory_store());
  store.block_writes();
  std::thread writer([&] { put(store, "k", "v", 1); });
  store.await_blocked();
  EXPECT_FALSE(store.load("k", kNow));
  store.release_writes();
  writer.join();
  EXPECT_TRUE(store.load("k", kNow));
}

}  // namespace
}  // namespace tarmac
