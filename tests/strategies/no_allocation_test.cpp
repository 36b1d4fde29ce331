// Events and swaps allocate nothing, but for what is remembered of keys that left: the cache
// announces them under a lock, where running out of memory could not be undone.
#include <gtest/gtest.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {
std::atomic<std::uint64_t> allocations = 0;

void* counted(std::size_t bytes) {
  ++allocations;
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// The other forms (of arrays, for one) end in these.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace tarmac {
namespace {

/// Runs `life` and returns how often it allocated.
template <class Life>
std::uint64_t allocations_of(Life life) {
  const std::uint64_t before = allocations;
  life();
  return allocations - before;
}

TEST(NoAllocation, IsMeasuredByACounterThatCounts) {
  EXPECT_GE(
      allocations_of([] { std::vector<int>(100).swap(*std::make_unique<std::vector<int>>()); }),
      2U);
}

/// A full cache, in which every step brings a hit, an update now and then, and a key for another.
class Life {
 public:
  explicit Life(const StrategyDescription& row) : strategy_(row.make({})) {
    strategy_->on_resize({.amount = nodes_.size()});
    for (EntryNode& node : nodes_) insert(node);
  }
  ~Life() { strategy_->hand_over(order_); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      EntryNode& node = nodes_[random_() % nodes_.size()];
      node.visits = static_cast<std::uint16_t>(random_());
      node.expires_at = static_cast<SteadyNanos>(random_() >> 1U);
      tell_hit(*strategy_, strategy_->tracking(), node);
      strategy_->on_access(node);
      if (step % 3 == 0) strategy_->on_update(node, 1);
      EntryNode* const victim = strategy_->choose_victim();
      strategy_->on_remove(*victim, RemovalCause::evicted);
      victim->mark = 0;
      insert(*victim);
      if (step % 10'000 == 0) {
        strategy_->hand_over(order_);
        strategy_->take_over(order_);
      }
    }
  }

 private:
  // One in three keys has been there before.
  void insert(EntryNode& node) {
    node.hash = random_() % 3 == 0 ? random_() % 2'000 : random_();
    strategy_->on_arrival(node);
    strategy_->on_insert(node);
  }

  std::unique_ptr<EvictionStrategy> strategy_;
  std::vector<EntryNode> nodes_{1'000};
  std::vector<EntryNode*> order_{nodes_.size()};
  std::mt19937_64 random_{3};
};

// The first run fills what a strategy remembers of keys that left, and lets its memory grow.
TEST(NoAllocation, OnAnyEventOrSwapOfASteadyLife) {
  for (const StrategyDescription& row : catalog()) {
    SCOPED_TRACE(std::string(row.name));
    Life life(row);
    life.run(20'000);
    EXPECT_EQ(allocations_of([&] { life.run(50'000); }), 0U);
  }
}

// Goal: to remember keys costs a number of allocations that is logarithmic in how many there are;
// and strategies that remember none do not allocate at all.
TEST(NoAllocation, OnAnyEventButToRememberKeysThatLeft) {
  const std::set<std::string_view> remember{"s3fifo", "2q", "arc"};
  for (const StrategyDescription& row : catalog()) {
    SCOPED_TRACE(std::string(row.name));
    Life life(row);
    const std::uint64_t allocated = allocations_of([&] { life.run(20'000); });
    if (remember.contains(row.name)) {
      EXPECT_LE(allocated, 40U);  // Two lists of at most 1,000 keys, two arrays each.
    } else {
      EXPECT_EQ(allocated, 0U);
    }
  }
}

}  // namespace
}  // namespace tarmac
