// An eviction strategy of one's own: what was used last leaves first, so most of a loop that does
// not fit stays.
#include <tarmac/tarmac.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <ranges>
#include <span>
#include <string_view>

namespace {

using tarmac::EntryNode;

/// Entries in a line, the one used last in front. The links are the entry's own, so no event
/// allocates.
class MostRecent final : public tarmac::EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "most_recent"; }

  void on_insert(EntryNode& node) noexcept override { push(node); }
  void on_access(EntryNode& node) noexcept override {
    unlink(node);
    push(node);
  }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }
  void on_remove(EntryNode& node, tarmac::RemovalCause) noexcept override { unlink(node); }
  [[nodiscard]] EntryNode* choose_victim() noexcept override { return newest_; }

  // A swap: what comes first is the next victim.
  void hand_over(std::span<EntryNode*> order) noexcept override {
    for (auto*& place : order) {
      place = newest_;
      unlink(*newest_);
    }
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    std::ranges::sort(order, [](const EntryNode* a, const EntryNode* b) {
      return tarmac::is_older(a->accessed_at, b->accessed_at);
    });
    for (auto* node : order) push(*node);
  }

 private:
  void push(EntryNode& node) noexcept {
    node.next = newest_;
    if (newest_ != nullptr) newest_->previous = &node;
    newest_ = &node;
  }
  void unlink(EntryNode& node) noexcept {
    (node.previous != nullptr ? node.previous->next : newest_) = node.next;
    if (node.next != nullptr) node.next->previous = node.previous;
    node.previous = node.next = nullptr;
  }

  EntryNode* newest_ = nullptr;
};

double hit_ratio_of_a_loop(std::string_view strategy) {
  tarmac::CacheOptions options;
  options.max_entries = 80;
  options.eviction = strategy;
  tarmac::CacheManager<int, int> cache(options);
  for (int i = 0; i < 10'000; ++i) cache.get_or_load(i % 100, [] { return 1; });
  return cache.stats().hit_ratio();
}

}  // namespace

int main() {
  tarmac::strategy_registry().add(
      "most_recent", [](const tarmac::Parameters&) { return std::make_unique<MostRecent>(); });

  for (const auto* name : {"lru", "most_recent"}) {  // A YAML file may name it, too.
    std::printf("%-12s hit ratio %.2f\n", name, hit_ratio_of_a_loop(name));
  }
}
