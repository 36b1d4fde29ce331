#include <tarmac/core/internal/hash_index.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace tarmac::internal {
namespace {

constexpr auto kAny = [](HashIndex::Number) { return true; };

TEST(HashIndex, FindsNothingBeforeThereIsRoom) {
  HashIndex index;
  EXPECT_FALSE(index.has_room());
  EXPECT_EQ(index.find(1, kAny), 0U);
  EXPECT_EQ(index.guess(1), 0U);
}

TEST(HashIndex, HasRoomForWhatWasReserved) {
  HashIndex index;
  index.reserve(1'000);
  for (HashIndex::Number number = 1; number <= 1'000; ++number) {
    ASSERT_TRUE(index.has_room());
    index.insert(number, number);
  }
  EXPECT_EQ(index.size(), 1'000U);
}

// What differs in bits that the table does not keep is told apart by the user alone. More of it
// than a bucket has places stands in the next ones, and is found there after others have left.
TEST(HashIndex, AsksWhichOfTheNumbersOfOneHashIsRight) {
  HashIndex index;
  index.reserve(64);
  for (HashIndex::Number number = 1; number <= 40; ++number) index.insert(7, number);
  for (HashIndex::Number number = 1; number <= 40; ++number) {
    const auto is_it = [number](HashIndex::Number each) { return each == number; };
    ASSERT_EQ(index.find(7, is_it), number);
    ASSERT_EQ(index.erase(7, is_it), number);
    ASSERT_EQ(index.find(7, is_it), 0U);
  }
  EXPECT_EQ(index.size(), 0U);
}

TEST(HashIndex, GuessesWhereANumberWillBeFound) {
  HashIndex index;
  index.reserve(16);
  index.insert(7, 1);
  EXPECT_EQ(index.guess(7), 1U);
  EXPECT_EQ(index.guess(8), 0U);
}

TEST(HashIndex, KnowsANumberByItsNewOne) {
  HashIndex index;
  index.reserve(16);
  for (HashIndex::Number number = 1; number <= 9; ++number) index.insert(7, number);
  index.renumber(7, 9, 90);
  EXPECT_EQ(index.find(7, [](HashIndex::Number each) { return each == 90; }), 90U);
  EXPECT_EQ(index.find(7, [](HashIndex::Number each) { return each == 9; }), 0U);
}

// Goal: it does what a map does, through several growths. Method: random calls on a few hundred
// hashes that are alike in their low bits, in their high ones, or all the same.
TEST(HashIndex, DoesWhatAMapDoes) {
  std::mt19937_64 random(1);
  HashIndex index;
  std::map<std::uint64_t, HashIndex::Number> plain;
  std::vector<std::uint64_t> hashes(1);  // Of each number.
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t key = random() % (step < 100'000 ? 300 : 3'000);
    const std::uint64_t hash = key % 3 == 0 ? key << 40U : key;
    const auto is_it = [&](HashIndex::Number number) { return hashes[number] == hash; };
    const auto found = plain.find(hash);
    ASSERT_EQ(index.find(hash, is_it), found == plain.end() ? 0 : found->second);
    ASSERT_EQ(index.size(), plain.size());
    if (found != plain.end()) {
      ASSERT_EQ(index.erase(hash, is_it), found->second);
      plain.erase(found);
    } else {
      if (!index.has_room()) index.reserve(index.size() + 1);
      const auto number = static_cast<HashIndex::Number>(hashes.size());
      hashes.push_back(hash);
      index.insert(hash, number);
      plain.emplace(hash, number);
    }
  }
}

}  // namespace
}  // namespace tarmac::internal
