#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/internal/entry_spares.h>
#include <tarmac/core/internal/limbo.h>

#include <array>
#include <cstdint>
#include <functional>
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
  EXPECT_TRUE(spares.empty());
  Remains<std::uint64_t, std::uint64_t> remains;
  for (std::uint64_t i = 0; i < 20; ++i) {
    remains.add(*Ref<IntEntry>(new IntEntry(i, i, version_of(i))).release_ownership());
  }
  EXPECT_EQ(remains.entries.size(), 20U);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(spares.take(remains.entries.pop()));
  IntEntry& ninth = remains.entries.pop();
  EXPECT_FALSE(spares.take(ninth));
  remains.add(ninth);
  EXPECT_EQ(remains.entries.size(), 12U);  // They are destroyed with it.
}

void advance_by(std::uint64_t epochs) {
  for (const auto end = Epoch::current() + epochs; Epoch::current() < end;) Epoch::try_advance();
}

class IntLimbo : public ::testing::Test {
 protected:
  void retire(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      limbo.reserve();
      auto entry = Ref<IntEntry>::of_new(new IntEntry(i, i, version_of(i)));
      limbo.retire(*entry.release_ownership(), 1);
    }
  }
  /// The end of a write.
  std::size_t given_away(std::size_t kept, bool all = false) {
    Remains<std::uint64_t, std::uint64_t> out;
    limbo.collect(out, all, kept, note_hits);
    return out.entries.size();
  }
  bool gives_an_entry() {
    auto* const entry = limbo.take_entry(note_hits);
    if (entry != nullptr) static_cast<void>(Ref<IntEntry>::adopt(entry));
    return entry != nullptr;
  }

  int drains = 0;
  Limbo<std::uint64_t, std::uint64_t> limbo;

 private:
  std::function<void()> note_hits = [this] { ++drains; };
};

// Two are not enough: the unlinking may reach other processors when the next epoch has begun.
TEST_F(IntLimbo, GivesEntriesThreeEpochsAfterTheirUnlinking) {
  retire(1);
  for (int epochs = 0; epochs < 3; ++epochs) {
    EXPECT_EQ(given_away(1), 0U);
    EXPECT_FALSE(gives_an_entry()) << "after " << epochs;
    advance_by(1);
  }
  EXPECT_EQ(given_away(1), 0U);
  EXPECT_TRUE(gives_an_entry());
  EXPECT_TRUE(limbo.empty());
}

TEST_F(IntLimbo, HastenedGivesThemAfterTwo) {
  retire(1);
  limbo.hasten();
  for (int epochs = 0; epochs < 2; ++epochs) {
    EXPECT_EQ(given_away(0), 0U) << "after " << epochs;
    advance_by(1);
  }
  EXPECT_EQ(given_away(0), 1U);
}

// Or an erased value would wait for another thread that writes to its shard.
TEST_F(IntLimbo, HastenedDoNotWaitForWhatIsRetiredBesideThem) {
  retire(1);
  limbo.hasten();
  retire(1);  // In the same epoch, into the same bag.
  advance_by(1);
  EXPECT_EQ(given_away(0), 0U);
  retire(1);
  advance_by(1);
  EXPECT_EQ(given_away(0), 2U);
  advance_by(1);
  EXPECT_EQ(given_away(0), 0U) << "the one in the next epoch was not hastened";
  advance_by(1);
  EXPECT_EQ(given_away(0), 1U);
}

TEST_F(IntLimbo, KeepsEntriesForThoseThatComeAndGivesTheOthersAway) {
  retire(30);
  advance_by(3);
  EXPECT_EQ(given_away(20), 8U);  // A few at a time.
  EXPECT_EQ(given_away(20), 2U);
  EXPECT_EQ(given_away(20), 0U);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(gives_an_entry());
  EXPECT_FALSE(gives_an_entry());
}

TEST_F(IntLimbo, KeepsNoneWhereAllAreToGo) {
  retire(30);
  advance_by(3);
  EXPECT_EQ(given_away(20, /*all=*/true), 30U);
  EXPECT_TRUE(limbo.empty());
}

// A hit of what is let go may still wait to be told to the strategy.
TEST_F(IntLimbo, HasHitsNotedBeforeAnythingIsLetGo) {
  retire(2);
  advance_by(3);
  EXPECT_EQ(drains, 0);
  EXPECT_EQ(given_away(2), 0U);
  EXPECT_EQ(drains, 1);
  EXPECT_TRUE(gives_an_entry());
  EXPECT_EQ(drains, 1) << "nothing has come free since";
  retire(1);
  advance_by(4);
  retire(1);  // Takes the bag of the one before, which comes free with that.
  EXPECT_TRUE(gives_an_entry());
  EXPECT_EQ(drains, 2);
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
  advance_by(3);
  for (auto& one : with_each) {
    const int before = gone;
    {
      Remains<std::uint64_t, Counted> remains;
      limbo.collect(remains, /*all=*/false, /*kept=*/0, [] {});
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
