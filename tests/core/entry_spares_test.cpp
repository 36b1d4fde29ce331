#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/internal/entry_spares.h>
#include <tarmac/core/internal/limbo.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tarmac::internal {
namespace {

using IntEntry = Entry<std::uint64_t, std::uint64_t>;

Version<std::uint64_t> version_of(std::uint64_t value) {
  Version<std::uint64_t> version;
  version.content = Content<std::uint64_t>(std::move(value));
  return version;
}

TEST(EntrySpares, MakeNewEntriesInTheMemoryOfThoseThatLeft) {
  const auto arena = EntryArena::open(sizeof(IntEntry), alignof(IntEntry));
  EntrySpares<IntEntry> spares;
  auto first = spares.make(*arena, 1U, 10U, version_of(100));
  const void* const memory = first.get();
  first->timer = std::make_unique<EntryTimer>(*first);
  first->visits = 5;
  first->life.move_to(EntryState::evicted);
  ASSERT_TRUE(spares.take(*first.release_ownership()));

  const auto second = spares.make(*arena, 2U, 20U, version_of(200));
  EXPECT_EQ(second.get(), memory);
  EXPECT_EQ(second->key, 2U);
  EXPECT_EQ(second->hash, 20U);
  EXPECT_EQ(second->cell.word(), 200U);
  EXPECT_EQ(second->timer, nullptr);
  EXPECT_EQ(second->visits, 0U);
  EXPECT_EQ(second->life.state(), EntryState::clean);
  EXPECT_NE(spares.make(*arena, 3U, 30U, version_of(300)).get(), memory);
}

// What the table has fetched ahead is where the value is.
TEST(EntryWords, AreTheValueOrWhereItIs) {
  Version<std::string> version;
  version.content = Content<std::string>("a text that needs a block of its own, as all texts do");
  const Ref<Entry<std::string, std::string>> text(
      new Entry<std::string, std::string>("key", 1U, version));
  // A block begins with its count of references.
  const auto value = reinterpret_cast<std::uintptr_t>(&version.content.value());
  EXPECT_GT(words_of(*text).value, value - 64);
  EXPECT_LE(words_of(*text).value, value);
  const Ref<IntEntry> number(new IntEntry(7U, 1U, version_of(100)));
  EXPECT_EQ(words_of(*number).key, 7U);
  EXPECT_EQ(words_of(*number).value, 100U);
}

TEST(EntrySpares, LeaveAnEntryToThoseWhoStillHoldIt) {
  const auto arena = EntryArena::open(sizeof(IntEntry), alignof(IntEntry));
  EntrySpares<IntEntry> spares;
  auto entry = spares.make(*arena, 1U, 10U, version_of(100));
  const Ref<IntEntry> pinned = entry;
  ASSERT_TRUE(spares.take(*entry.release_ownership()));
  const auto other = spares.make(*arena, 2U, 20U, version_of(200));
  EXPECT_NE(other.get(), pinned.get());
  EXPECT_EQ(pinned->key, 1U);
}

TEST(EntrySpares, RefuseWhatTheyHaveNoRoomFor) {
  const auto arena = EntryArena::open(sizeof(IntEntry), alignof(IntEntry));
  EntrySpares<IntEntry> spares;
  Remains<std::uint64_t, std::uint64_t> remains;
  for (std::uint64_t i = 0; i < 20; ++i) {
    remains.add(*Ref<IntEntry>(new IntEntry(i, i, version_of(i))).release_ownership());
  }
  int taken = 0;
  remains.offer([&](IntEntry& entry) {
    const bool took = spares.take(entry);
    taken += took ? 1 : 0;
    return took;
  });
  EXPECT_EQ(taken, 8);
  EXPECT_FALSE(remains.empty());  // They are destroyed with it.
}

/// A value that is counted when it goes.
class Counted {
 public:
  explicit Counted(int& gone) : gone_(&gone) {}
  Counted(Counted&& other) noexcept : gone_(std::exchange(other.gone_, nullptr)) {}
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    if (gone_ != nullptr) ++*gone_;
  }

 private:
  int* gone_;
};

/// After `count` values of `weight` have left: how many are destroyed with each of three writes.
std::array<int, 3> gone_with_each_write(int count, std::uint64_t weight) {
  int gone = 0;
  std::array<int, 3> with_each{};
  Limbo<std::uint64_t, Counted> limbo;
  for (int i = 0; i < count; ++i) {
    limbo.reserve();
    Ref<const Payload<Counted>> value(new Payload<Counted>(Counted(gone)));
    limbo.retire(value.release_ownership(), weight);
  }
  for (const auto begun = Epoch::current(); Epoch::current() < begun + 3;) Epoch::try_advance();
  for (auto& one : with_each) {
    const int before = gone;
    {
      Remains<std::uint64_t, Counted> remains;
      limbo.collect(remains, /*all=*/false, [] {});
      EXPECT_EQ(gone, before) << "not under the lock";
    }
    one = gone - before;
  }
  return with_each;
}

TEST(Limbo, LetsSmallValuesGoOneByOneAndMoreIfManyWait) {
  EXPECT_THAT(gone_with_each_write(100, 100), ::testing::Each(1));
  EXPECT_THAT(gone_with_each_write(600, 100), ::testing::Each(5));
}

TEST(Limbo, LetsLargeValuesGoAsQuicklyAsCanBe) {
  EXPECT_THAT(gone_with_each_write(100, 1U << 20U), ::testing::Each(8));
}

}  // namespace
}  // namespace tarmac::internal
