// Memory for entries, by the slab.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/entry_arena.h>
#include <tarmac/core/internal/epoch.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tarmac::internal {
namespace {

constexpr std::size_t kPiece = 104;

EntryArena::Handle arena_of(std::size_t bytes) { return EntryArena::open(bytes, alignof(void*)); }

void fill(void* memory, std::size_t bytes, int value) { std::memset(memory, value, bytes); }
bool is_filled(const void* memory, std::size_t bytes, int value) {
  const auto* at = static_cast<const unsigned char*>(memory);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (at[i] != value) return false;
  }
  return true;
}

// Goal: what is in use is nobody else's, whatever comes and goes. Method: every piece is filled,
// and has to be as it was when it is given back.
TEST(EntryArena, GivesEachPieceToOneAlone) {
  const bool held = rc::check("pieces keep what is in them", [] {
    const auto bytes = *rc::gen::inRange<std::size_t>(1, 1'024);
    const auto arena = arena_of(bytes);
    if (*rc::gen::arbitrary<bool>()) arena->expect(*rc::gen::inRange<std::uint64_t>(0, 2'000));
    std::map<int, EntryArena::Place> used;
    const auto steps = *rc::gen::inRange(1, 400);
    int made = 0;
    for (int step = 0; step < steps; ++step) {
      if (used.empty() || *rc::gen::inRange(0, 5) > 1) {
        const auto place = arena->take();
        fill(place.memory, bytes, made % 251);
        used.emplace(made++, place);
      } else {
        const auto one =
            std::next(used.begin(), *rc::gen::inRange(0, static_cast<int>(used.size())));
        RC_ASSERT(is_filled(one->second.memory, bytes, one->first % 251));
        EntryArena::give(one->second.memory, one->second.shift);
        used.erase(one);
      }
    }
    for (const auto& [number, place] : used) {
      RC_ASSERT(is_filled(place.memory, bytes, number % 251));
      EntryArena::give(place.memory, place.shift);
    }
  });
  EXPECT_TRUE(held);
}

TEST(EntryArena, AlignsAsItIsAskedTo) {
  const auto arena = EntryArena::open(72, 32);
  std::vector<EntryArena::Place> places;
  for (int i = 0; i < 100; ++i) {
    places.push_back(arena->take());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(places.back().memory) % 32, 0U);
  }
  for (const auto place : places) EntryArena::give(place.memory, place.shift);
}

TEST(EntryArena, HasNothingForWhatIsTooLarge) {
  EXPECT_EQ(arena_of(1'025)->take().shift, 0);
  EXPECT_EQ(EntryArena::open(256, 128)->take().shift, 0);
}

// A process may have thousands of caches with a few entries in each shard.
TEST(EntryArena, BeginsWithLittle) {
  const auto arena = arena_of(kPiece);
  const auto place = arena->take();
  EXPECT_LE(std::size_t{1} << place.shift, 10 * kPiece);
  EntryArena::give(place.memory, place.shift);
}

class LargeArena : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kMany = 200'000;
  static constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20U;

  void take(EntryArena& arena, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) places.push_back(arena.take());
  }
  void give_all() {
    for (const auto place : places) EntryArena::give(place.memory, place.shift);
    places.clear();
  }
  [[nodiscard]] std::uint64_t grown() const { return EntryArena::mapped_bytes() - before; }

  std::vector<EntryArena::Place> places;
  const std::uint64_t before = EntryArena::mapped_bytes();
};

TEST_F(LargeArena, IsNotLargerThanIsExpected) {
  const auto arena = arena_of(kPiece);
  arena->expect(kMany);
  take(*arena, kMany);
  EXPECT_LE(grown(), kMany * kPiece * 102 / 100);
  EXPECT_GE(grown(), kMany * kPiece * 97 / 100);
  give_all();
}

// What the slabs have beside pieces is not expected, and must not make a last one of a huge page.
TEST_F(LargeArena, IsNotMuchLargerWhenALittleMoreComes) {
  for (const std::uint64_t count : {60'000U, 90'000U, 130'000U, 196'923U}) {
    const auto arena = arena_of(kPiece);
    arena->expect(count);
    take(*arena, count + 20);
    EXPECT_LE(grown(), count * kPiece * 102 / 100) << count;
    give_all();
  }
}

TEST_F(LargeArena, GivesAgainWhatComesBackToAFullSlab) {
  const auto arena = arena_of(kPiece);
  take(*arena, kMany);
  for (std::size_t i = 0; i < places.size(); i += 10'000) {
    EntryArena::give(places[i].memory, places[i].shift);
    EXPECT_EQ(arena->take().memory, places[i].memory);
  }
  give_all();
}

// The slab that is kept is one that the system gave, and others are still in use.
// Goal: who may have no more large mappings still gets memory for a few entries, as from malloc().
// Method: a process of its own is allowed no more addresses than it has, but for a little.
TEST_F(LargeArena, AsksForLittleWhereThereIsNotMuch) {
#if defined(TARMAC_ADDRESS_SANITIZER) || defined(TARMAC_THREAD_SANITIZER)
  GTEST_SKIP() << "a sanitizer needs addresses of its own";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto begin_anew = [] {
    const auto arena = arena_of(kPiece);
    std::size_t taken = 0;
    for (; EntryArena::mapped_bytes() < (std::uint64_t{4} << 20U); ++taken) {
      static_cast<void>(arena->take());
    }
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t most = pages * static_cast<rlim_t>(getpagesize()) + (rlim_t{1} << 20U);
    const rlimit limit{most, most};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(1);
    const auto mapped = EntryArena::mapped_bytes();
    for (; taken < mapped / kPiece + 5'000; ++taken) fill(arena->take().memory, kPiece, 1);
    _exit(EntryArena::mapped_bytes() == mapped ? 0 : 2);
  };
  EXPECT_EXIT(begin_anew(), ::testing::ExitedWithCode(0), "");
}

TEST_F(LargeArena, EndsWithWhatItKept) {
  auto arena = arena_of(kPiece);
  take(*arena, 2'500);
  const auto largest = places.back().shift;
  const auto others = std::partition(places.begin(), places.end(),
                                     [=](const auto& place) { return place.shift == largest; });
  for (auto at = places.begin(); at != others; ++at) EntryArena::give(at->memory, at->shift);
  places.erase(places.begin(), others);
  EXPECT_GT(grown(), 0U);
  arena.reset();
  EXPECT_EQ(grown(), 0U);
  give_all();
}

TEST_F(LargeArena, BeginsWithLittleAgainWhenAllCameBack) {
  const auto arena = arena_of(kPiece);
  take(*arena, kMany);
  give_all();
  take(*arena, 10'000);
  EXPECT_LE(grown(), 10'000 * kPiece * 5 / 4);
  give_all();
}

TEST_F(LargeArena, GrowsByAnEighthOrAHugePageWhenNothingIsKnown) {
  const auto arena = arena_of(kPiece);
  take(*arena, kMany);
  EXPECT_LE(grown(), kMany * kPiece * 9 / 8 + kHugePage);
  give_all();
}

TEST_F(LargeArena, GivesBackWhatIsEmpty) {
  const auto arena = arena_of(kPiece);
  take(*arena, kMany);
  give_all();
  EXPECT_LE(grown(), 2 * kHugePage) << "one slab may be kept";
  take(*arena, kMany);
  give_all();
  EXPECT_LE(grown(), 2 * kHugePage);
}

TEST_F(LargeArena, LastsAsLongAsWhatIsInIt) {
  auto arena = arena_of(kPiece);
  take(*arena, kMany);
  fill(places[7].memory, kPiece, 7);
  arena.reset();
  EXPECT_TRUE(is_filled(places[7].memory, kPiece, 7));
  give_all();
  EXPECT_EQ(grown(), 0U);
}

// Of what is used by several threads, the last may be given back by any of them, after the shard.
TEST_F(LargeArena, ServesThreadsAndEndsWithTheLastPiece) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    auto arena = arena_of(kPiece);
    std::atomic<int> started{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&arena, &started, t] {
        std::vector<EntryArena::Place> mine;
        for (int i = 0; i < 2'000; ++i) {
          mine.push_back(arena->take());
          fill(mine.back().memory, kPiece, t);
          if (i % 3 == 0) {
            EXPECT_TRUE(is_filled(mine.front().memory, kPiece, t));
            EntryArena::give(mine.front().memory, mine.front().shift);
            mine.front() = mine.back();
            mine.pop_back();
          }
        }
        started.fetch_add(1);
        while (started.load() < kThreads + 1) std::this_thread::yield();  // The arena has gone.
        for (const auto place : mine) EntryArena::give(place.memory, place.shift);
      });
    }
    while (started.load() < kThreads) std::this_thread::yield();
    arena.reset();
    started.fetch_add(1);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(grown(), 0U);
  }
}

struct CountedKey {
  explicit CountedKey(bool is_bad) : fails(is_bad) {}
  CountedKey(const CountedKey& other) : fails(other.fails) {
    if (fails) throw std::runtime_error("no copy");
  }
  CountedKey& operator=(const CountedKey&) = delete;
  ~CountedKey() = default;

  bool fails;
};

TEST(EntryArena, TakesBackTheMemoryOfAnEntryThatCannotBeMade) {
  using KeyedEntry = Entry<CountedKey, int>;
  const auto arena = EntryArena::open(sizeof(KeyedEntry), alignof(KeyedEntry));
  Version<int> version;
  version.content = Content<int>(1);
  const void* first = KeyedEntry::make(*arena, CountedKey(false), 1U, version).get();
  EXPECT_THROW(static_cast<void>(KeyedEntry::make(*arena, CountedKey(true), 1U, version)),
               std::runtime_error);
  EXPECT_EQ(KeyedEntry::make(*arena, CountedKey(false), 1U, version).get(), first);
}

struct alignas(128) WideKey : CountedKey {
  using CountedKey::CountedKey;
};

// The address sanitizer compares how memory is asked for and given back, and finds what is not.
TEST(EntryArena, LeavesToNewWhatIsTooLargeWithItsAlignment) {
  using WideEntry = Entry<WideKey, int>;
  const auto arena = EntryArena::open(sizeof(WideEntry), alignof(WideEntry));
  Version<int> version;
  version.content = Content<int>(1);
  const auto made = WideEntry::make(*arena, WideKey(false), 1U, version);
  EXPECT_EQ(made->slab_shift, 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made.get()) % alignof(WideKey), 0U);
  EXPECT_THROW(static_cast<void>(WideEntry::make(*arena, WideKey(true), 1U, version)),
               std::runtime_error);
}

}  // namespace
}  // namespace tarmac::internal
