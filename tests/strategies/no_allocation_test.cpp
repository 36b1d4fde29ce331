// Events and swaps allocate nothing: the cache announces them under a lock, where running out of
// memory could not be undone.
#include <gtest/gtest.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
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

// The other forms (array, nothrow, sized) end in these two.
void* operator new(std::size_t bytes) { return counted(bytes); }
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

TEST(NoAllocation, OnAnyEventOrSwap) {
  for (const StrategyDescription& row : catalog()) {
    SCOPED_TRACE(std::string(row.name));
    std::vector<EntryNode> nodes(1'000);
    std::vector<EntryNode*> order(nodes.size());
    std::mt19937_64 random(3);
    const auto strategy = row.make({});
    strategy->on_resize({.amount = nodes.size()});
    EXPECT_EQ(allocations_of([&] {
                for (EntryNode& node : nodes) strategy->on_insert(node);
                for (int step = 0; step < 50'000; ++step) {
                  EntryNode& node = nodes[random() % nodes.size()];
                  node.visits = static_cast<std::uint16_t>(random());
                  node.expires_at = static_cast<SteadyNanos>(random() >> 1U);
                  strategy->on_access(node);
                  if (step % 3 == 0) strategy->on_update(node, 1);
                  EntryNode* const victim = strategy->choose_victim();
                  strategy->on_remove(*victim, RemovalCause::evicted);
                  strategy->on_insert(*victim);
                  if (step % 10'000 == 0) {
                    strategy->hand_over(order);
                    strategy->take_over(order);
                  }
                }
                strategy->hand_over(order);
              }),
              0U);
  }
}

}  // namespace
}  // namespace tarmac
