// Keys and values of many kinds: each test makes a kind of cache of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <cstdint>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core_rig.h"

namespace tarmac {
namespace core_tests {

/// A key that counts how often one is made.
class CountedKey {
 public:
  explicit CountedKey(std::string_view text) : text_(text) { ++made; }
  CountedKey(const CountedKey& other) : text_(other.text_) { ++made; }
  CountedKey(CountedKey&& other) noexcept = default;
  CountedKey& operator=(const CountedKey&) = delete;
  [[nodiscard]] std::string_view text() const { return text_; }
  friend bool operator==(const CountedKey& a, std::string_view b) { return a.text_ == b; }

  static inline int made = 0;

 private:
  std::string text_;
};

struct CountedHash {
  std::uint64_t operator()(std::string_view key, std::uint64_t seed) const {
    return hash_bytes(key, seed);
  }
  std::uint64_t operator()(const CountedKey& key, std::uint64_t seed) const {
    return hash_bytes(key.text(), seed);
  }
};
struct CountedEqual {
  bool operator()(const CountedKey& a, std::string_view b) const { return a.text() == b; }
  bool operator()(const CountedKey& a, const CountedKey& b) const { return a.text() == b.text(); }
};

struct Point {
  int x = 0;
  int y = 0;
  bool operator==(const Point&) const = default;
};

enum class Colour : std::uint8_t { red, green };

/// Everything in one chain of collisions.
struct ConstantHash {
  template <class K>
  std::uint64_t operator()(const K&, std::uint64_t) const {
    return 42;
  }
};

/// A value whose copies and moves throw when they are told to.
class Moody {
 public:
  explicit Moody(int n) : number(n) {}
  Moody(const Moody& other) : number(other.number) { count(); }
  Moody(Moody&& other) : number(other.number) { count(); }  // NOLINT(*noexcept-move*): may throw
  Moody& operator=(const Moody& other) {
    number = other.number;
    count();
    return *this;
  }

  int number;
  /// The how manieth copy or move from now throws; 0 for none.
  static inline int throw_at = 0;

 private:
  static void count() {
    if (throw_at != 0 && --throw_at == 0) throw std::runtime_error("moody");
  }
};

}  // namespace core_tests

template <>
struct LookupKey<core_tests::CountedKey> {
  using type = std::string_view;
};

}  // namespace tarmac

template <>
struct std::hash<tarmac::core_tests::Point> {
  std::size_t operator()(const tarmac::core_tests::Point& p) const noexcept {
    return static_cast<std::size_t>(p.x) ^ (static_cast<std::size_t>(p.y) << 20U);
  }
};

namespace tarmac::core_tests {
namespace {

CacheOptions options() { return quiet_options(std::make_shared<ManualClock>()); }

TEST(KeyTypes, LookingUpMakesNoKey) {  // trap H9
  CacheManager<CountedKey, int, CountedHash, CountedEqual> cache(options());
  cache.set("present", 1);
  CountedKey::made = 0;
  EXPECT_EQ(cache.get("present"), 1);
  EXPECT_EQ(cache.get("absent"), std::nullopt);
  EXPECT_TRUE(cache.visit("present", [](int) {}));
  EXPECT_TRUE(cache.contains("present"));
  EXPECT_TRUE(cache.inspect("present"));
  EXPECT_TRUE(cache.erase(std::string("present")));
  EXPECT_FALSE(cache.erase("absent"));
  EXPECT_EQ(CountedKey::made, 0);
}

TEST(KeyTypes, IntegersIncludingTheExtremes) {
  CacheManager<int, int> cache(options());
  const std::array keys{0, 1, -1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()};
  for (const int key : keys) cache.set(key, key);
  for (const int key : keys) EXPECT_EQ(cache.get(key), key);
  EXPECT_EQ(cache.size(), keys.size());
}

TEST(KeyTypes, EnumerationsAndTypesOfTheUsersOwn) {
  CacheManager<Colour, std::string> by_colour(options());
  by_colour.set(Colour::red, "r");
  EXPECT_EQ(by_colour.get(Colour::red), "r");
  EXPECT_EQ(by_colour.get(Colour::green), std::nullopt);
  CacheManager<Point, std::string> by_point(options());
  by_point.set({1, 2}, "a");
  by_point.set({2, 1}, "b");
  EXPECT_EQ(by_point.get({1, 2}), "a");
  EXPECT_EQ(by_point.get({2, 1}), "b");
  EXPECT_EQ(by_point.get({0, 0}), std::nullopt);
}

// Goal: entries are told apart by their keys, not by their hashes. Method: the same hash for all.
TEST(KeyTypes, AConstantHashMixesNothingUp) {  // trap H1
  auto small = options();
  small.max_entries = 50;
  CacheManager<int, int, ConstantHash> cache(small);
  for (int i = 0; i < 100; ++i) cache.set(i, i * i);
  for (int i = 50; i < 100; ++i) EXPECT_EQ(cache.get(i), i * i);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(cache.get(i), std::nullopt);
  for (int i = 50; i < 100; i += 2) EXPECT_TRUE(cache.erase(i));
  for (int i = 50; i < 100; ++i) EXPECT_EQ(cache.contains(i), i % 2 == 1) << i;
  const auto snapshot = cache.take_snapshot();
  cache.clear();
  cache.restore_snapshot(snapshot);
  for (int i = 51; i < 100; i += 2) EXPECT_EQ(cache.get(i), i * i);
  cache.execute(SetCommand{51, 0});
  EXPECT_EQ(cache.undo(), UndoOutcome::done);
  EXPECT_EQ(cache.get(51), 51 * 51);
}

TEST(KeyTypes, ValuesThatCanOnlyBeMovedCanBeVisited) {
  CacheManager<int, std::unique_ptr<int>> cache(options());
  cache.set(1, std::make_unique<int>(7));
  int seen = 0;
  EXPECT_TRUE(cache.visit(1, [&seen](const std::unique_ptr<int>& value) { seen = *value; }));
  EXPECT_EQ(seen, 7);
  const auto snapshot = cache.take_snapshot();
  EXPECT_TRUE(cache.erase(1));
  cache.restore_snapshot(snapshot);
  EXPECT_TRUE(cache.contains(1));
}

// Goal: whichever copy or move of a value throws, nothing is half done: the map, the strategy and
// the weights agree, other entries are untouched, no event tells of what did not happen.
TEST(KeyTypes, AValueThatThrowsLeavesEverythingAsItWas) {  // trap D10, trap E10
  auto small = options();
  small.max_entries = 3;
  CacheManager<int, Moody> cache(small);
  std::vector<std::string> events;
  const auto on_set = cache.events().connect(
      EventType::entry_set, [&events](const Event& event) { events.push_back(event.key()); });
  for (int i = 0; i < 3; ++i) cache.set(i, Moody(i));
  const Moody prototype(9);
  int thrown = 0;
  for (int at = 1; at < 6; ++at) {
    for (const int key : {1, 7}) {  // A replacement, and a new key that would evict.
      events.clear();
      const auto sets = cache.stats().sets;
      Moody::throw_at = at;
      try {
        cache.set(key, prototype);
        Moody::throw_at = 0;
        continue;
      } catch (const std::runtime_error&) {
        ++thrown;
      }
      EXPECT_EQ(cache.stats().sets, sets);
      EXPECT_TRUE(events.empty());
      EXPECT_EQ(cache.size(), 3U);
    }
  }
  EXPECT_GT(thrown, 0);
  Moody::throw_at = 1;
  EXPECT_THROW(static_cast<void>(cache.get(1)), std::runtime_error);
  Moody::throw_at = 1;
  EXPECT_THROW(cache.compute(1, [](auto) { return Moody(5); }), std::runtime_error);
  Moody::throw_at = 0;
  EXPECT_EQ(cache.size(), 3U);
  for (int i = 10; i < 13; ++i) cache.set(i, Moody(i));  // No phantom keeps a place.
  for (int i = 10; i < 13; ++i) EXPECT_TRUE(cache.contains(i));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.weight(), 3 * (sizeof(int) + sizeof(Moody)));
}

}  // namespace
}  // namespace tarmac::core_tests
