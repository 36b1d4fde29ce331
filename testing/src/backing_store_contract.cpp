#include <gtest/gtest.h>
#include <tarmac/testing/backing_store_contract.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "contract.h"

namespace tarmac::testing {
namespace {

// In the year 2096: a store may drop at once what has expired by a clock of its own.
constexpr WallNanos kStoreNow = 4'000'000'000'000'000'000;

StoreWrite value_of(std::string key, std::string value, std::uint64_t stamp) {
  return {.key = std::move(key),
          .value = std::move(value),
          .stamp = stamp,
          .expires_at = std::nullopt,
          .hash = 0};
}

StoreWrite removal_of(std::string key, std::uint64_t stamp) {
  return {.key = std::move(key),
          .value = std::nullopt,
          .stamp = stamp,
          .expires_at = std::nullopt,
          .hash = 0};
}

void write_one(BackingStore& store, const StoreWrite& write) { store.write({&write, 1}); }

/// The bytes of `key`, or "(none)".
std::string bytes_of(BackingStore& store, std::string_view key) {
  const auto found = store.load(key, kStoreNow);
  return found ? found->bytes : "(none)";
}

std::map<std::string, std::string> keys_and_values(BackingStore& store) {
  std::map<std::string, std::string> content;
  store.scan([&](std::string_view key, const StoredValue& value) {
    EXPECT_TRUE(content.emplace(key, value.bytes).second) << "visited twice: " << key;
  });
  return content;
}

void starts_empty_and_has_a_name(BackingStore& store) {
  EXPECT_FALSE(store.name().empty());
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(bytes_of(store, "k"), "(none)");
  EXPECT_TRUE(store.health().reachable) << store.health().detail;
}

void gives_back_any_bytes(BackingStore& store) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const std::array<std::string, 4> texts{"", all, std::string(1U << 20U, 'x'), "\xff\xfe\n"};
  std::uint64_t stamp = 0;
  for (const auto& key : {std::string(), all, std::string("k")}) {
    for (const auto& bytes : texts) {
      write_one(store, value_of(key, bytes, ++stamp));
      const auto found = store.load(key, kStoreNow);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->bytes, bytes);
      EXPECT_EQ(found->stamp, stamp);
    }
  }
  EXPECT_EQ(store.size(), 3U);
}

void removes(BackingStore& store) {
  write_one(store, value_of("k", "v", 1));
  write_one(store, removal_of("k", 2));
  write_one(store, removal_of("never there", 3));
  EXPECT_EQ(bytes_of(store, "k"), "(none)");
  EXPECT_EQ(store.size(), 0U);
  write_one(store, value_of("k", "again", 4));
  EXPECT_EQ(bytes_of(store, "k"), "again");
}

// Method: every order of four writes of a key; the one with the largest stamp is a value in one
// half of the cases and a removal in the other.
void lets_the_newest_stamp_win_in_any_order(BackingStore& store) {
  for (const bool removed_last : {false, true}) {
    std::array<std::uint64_t, 4> order{1, 2, 3, 4};
    int round = 0;
    do {
      const std::string key = (removed_last ? "r" : "v") + std::to_string(round++);
      for (const auto stamp : order) {
        const bool removes = removed_last == (stamp % 2 == 0);
        write_one(store,
                  removes ? removal_of(key, stamp) : value_of(key, std::to_string(stamp), stamp));
      }
      EXPECT_EQ(bytes_of(store, key), removed_last ? "(none)" : "4");
    } while (std::ranges::next_permutation(order).found);
  }
}

void takes_the_same_write_again(BackingStore& store) {
  for (int i = 0; i < 2; ++i) write_one(store, value_of("k", "v", 7));
  EXPECT_EQ(bytes_of(store, "k"), "v");
  for (int i = 0; i < 2; ++i) write_one(store, removal_of("k", 8));
  EXPECT_EQ(bytes_of(store, "k"), "(none)");
}

void applies_a_batch_in_its_order(BackingStore& store) {
  const std::array batch{value_of("a", "1", 1), value_of("b", "2", 2), removal_of("a", 3),
                         value_of("a", "4", 4), value_of("b", "old", 1)};
  store.write(batch);
  EXPECT_EQ(keys_and_values(store), (std::map<std::string, std::string>{{"a", "4"}, {"b", "2"}}));
  store.write({});
  EXPECT_EQ(store.size(), 2U);
}

void does_not_load_what_has_expired(BackingStore& store) {
  auto write = value_of("k", "v", 1);
  write.expires_at = kStoreNow;
  write_one(store, write);
  const auto before = store.load("k", kStoreNow - 1);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->expires_at, kStoreNow);
  EXPECT_FALSE(store.load("k", kStoreNow));
  const std::array<std::string, 1> keys{"k"};
  EXPECT_FALSE(store.load_many(keys, kStoreNow).at(0));
  // A new write without a deadline has none.
  write_one(store, value_of("k", "v", 2));
  EXPECT_EQ(bytes_of(store, "k"), "v");
}

void loads_many_in_their_order(BackingStore& store) {
  write_one(store, value_of("a", "1", 1));
  write_one(store, value_of("b", "2", 2));
  const std::array<std::string, 4> keys{"b", "none", "a", "b"};
  const auto found = store.load_many(keys, kStoreNow);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0]->bytes, "2");
  EXPECT_FALSE(found[1]);
  EXPECT_EQ(found[2]->bytes, "1");
  EXPECT_EQ(found[3]->bytes, "2");
  EXPECT_TRUE(store.load_many({}, kStoreNow).empty());
}

void agrees_with_a_map(BackingStore& store) {
  std::mt19937_64 random(20'260'101);
  std::map<std::string, std::string> model;
  for (std::uint64_t stamp = 1; stamp <= 3'000; ++stamp) {
    const std::string key = "k" + std::to_string(random() % 200);
    if (random() % 4 == 0) {
      write_one(store, removal_of(key, stamp));
      model.erase(key);
    } else {
      const auto value = std::to_string(stamp);
      write_one(store, value_of(key, value, stamp));
      model[key] = value;
    }
  }
  EXPECT_EQ(keys_and_values(store), model);
  EXPECT_EQ(store.size(), model.size());
}

void loses_nothing_between_threads(BackingStore& store) {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kKeys = 200;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&store, t] {
      for (std::uint64_t i = 0; i < kKeys; ++i) {
        // Every thread writes every key, each with its own stamp: the largest has to win.
        const auto stamp = i * kThreads + (t + i) % kThreads + 1;
        // A store that fails ends the test, not the program.
        ASSERT_NO_THROW(
            write_one(store, value_of("k" + std::to_string(i), std::to_string(stamp), stamp)));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    EXPECT_EQ(bytes_of(store, "k" + std::to_string(i)), std::to_string(i * kThreads + kThreads));
  }
}

void puts_an_image_back(BackingStore& store) {
  const auto empty = store.image();
  if (!empty) GTEST_SKIP() << "this store makes no images";
  write_one(store, value_of("a", "1", 1));
  write_one(store, value_of("b", "1", 2));
  const auto image = store.image();
  write_one(store, value_of("a", "2", 3));
  write_one(store, removal_of("b", 4));
  write_one(store, value_of("c", "1", 5));
  for (int i = 0; i < 2; ++i) {  // An image is not used up.
    store.put_back(*image);
    EXPECT_EQ(keys_and_values(store), (std::map<std::string, std::string>{{"a", "1"}, {"b", "1"}}));
    EXPECT_EQ(store.size(), 2U);
    write_one(store, value_of("a", "3", 6));
  }
  // Stamps go back as well: this one is newer than what the image has, older than what was there.
  store.put_back(*image);
  write_one(store, value_of("b", "2", 3));
  EXPECT_EQ(bytes_of(store, "b"), "2");
  store.put_back(*empty);
  EXPECT_EQ(store.size(), 0U);
}

// Goal: no image shows half a batch. Method: one thread writes the same number under two keys, in
// batches; every image must have the two equal.
void shows_no_half_batch_in_an_image(BackingStore& store) {
  if (!store.image()) GTEST_SKIP() << "this store makes no images";
  std::vector<std::shared_ptr<const StoreImage>> images;
  std::thread writer([&store] {
    for (std::uint64_t i = 1; i <= 2'000; ++i) {
      const std::array batch{value_of("left", std::to_string(i), i),
                             value_of("right", std::to_string(i), i)};
      ASSERT_NO_THROW(store.write(batch));
    }
  });
  constexpr std::size_t kImages = 50;
  images.reserve(kImages);
  while (images.size() < kImages) images.push_back(store.image());
  writer.join();
  for (const auto& image : images) {
    store.put_back(*image);
    EXPECT_EQ(bytes_of(store, "left"), bytes_of(store, "right"));
  }
}

constexpr auto kStoreClauses = std::to_array<Clause<BackingStore>>({
    {"StartsEmptyAndHasAName", starts_empty_and_has_a_name},
    {"GivesBackAnyBytes", gives_back_any_bytes},
    {"Removes", removes},
    {"LetsTheNewestStampWinInAnyOrder", lets_the_newest_stamp_win_in_any_order},
    {"TakesTheSameWriteAgain", takes_the_same_write_again},
    {"AppliesABatchInItsOrder", applies_a_batch_in_its_order},
    {"DoesNotLoadWhatHasExpired", does_not_load_what_has_expired},
    {"LoadsManyInTheirOrder", loads_many_in_their_order},
    {"AgreesWithAMap", agrees_with_a_map},
    {"LosesNothingBetweenThreads", loses_nothing_between_threads},
    {"PutsAnImageBack", puts_an_image_back},
    {"ShowsNoHalfBatchInAnImage", shows_no_half_batch_in_an_image},
});

}  // namespace

bool register_backing_store_contract(std::string_view name, const StoreFactory& make) {
  register_clauses("BackingStoreContract/" + std::string(name), kStoreClauses,
                   [make](auto check) { check(*make()); });
  return true;
}

}  // namespace tarmac::testing
