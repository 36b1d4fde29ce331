#include <tarmac/strategies/gdsf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include <tarmac/core/assert.h>

#include "stable_order.h"

namespace tarmac {
namespace {

using QueueIndex = std::uint16_t;

// A gain, uses / weight, as the bits of a double: what is left of it numbers its queue.
constexpr unsigned kGainShift = 52 - 5;
constexpr std::uint64_t kLowestGain = std::bit_cast<std::uint64_t>(0x1p-32) >> kGainShift;
constexpr std::uint64_t kHighestGain = std::bit_cast<std::uint64_t>(0x1p16) >> kGainShift;
constexpr std::size_t kQueues = kHighestGain - kLowestGain + 1;

// `scratch` of a node: its priority as the bits of a double, of which the last number its queue.
constexpr std::uint64_t kQueueMask = 0x7FF;
static_assert(kQueues <= kQueueMask + 1);

QueueIndex queue_of(const EntryNode& node) noexcept {
  return static_cast<QueueIndex>(node.scratch & kQueueMask);
}
std::uint64_t priority_bits(const EntryNode& node) noexcept { return node.scratch & ~kQueueMask; }

/// Entries of one gain. L never falls, so each that joins has the highest priority of its queue.
struct Queue {
  EntryNode* oldest;
  EntryNode* newest;
};

/// The queues that have entries, as a heap by the priority of their oldest. Positive doubles are in
/// the order of their bits.
class QueueHeap {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool holds(QueueIndex queue) const noexcept { return place_[queue] != 0; }
  /// Requires: not empty.
  [[nodiscard]] QueueIndex lowest() const noexcept { return slots_[1].queue; }

  void add(QueueIndex queue, const EntryNode& oldest) noexcept {
    ++size_;
    rise(size_, slot_for(queue, oldest));
  }
  /// To be told when the oldest of `queue` has left. The next one is never lower.
  void replace_oldest(QueueIndex queue, const EntryNode& oldest) noexcept {
    sink(place_[queue], slot_for(queue, oldest));
  }
  void remove(QueueIndex queue) noexcept {
    const std::size_t hole = std::exchange(place_[queue], QueueIndex{0});
    const Slot last = slots_[size_--];
    if (hole > size_) return;
    if (hole > 1 && is_lower(last, slots_[hole / 2])) {
      rise(hole, last);
    } else {
      sink(hole, last);
    }
  }

 private:
  struct Slot {
    std::uint64_t priority;
    std::uint32_t used_at;
    QueueIndex queue;
  };

  [[nodiscard]] static Slot slot_for(QueueIndex queue, const EntryNode& oldest) noexcept {
    return {priority_bits(oldest), oldest.accessed_at, queue};
  }
  [[nodiscard]] static bool is_lower(const Slot& a, const Slot& b) noexcept {
    return a.priority != b.priority ? a.priority < b.priority : is_older(a.used_at, b.used_at);
  }

  void put(std::size_t place, const Slot& slot) noexcept {
    slots_[place] = slot;
    place_[slot.queue] = static_cast<QueueIndex>(place);
  }
  void rise(std::size_t place, const Slot& slot) noexcept {
    for (; place > 1 && is_lower(slot, slots_[place / 2]); place /= 2) {
      put(place, slots_[place / 2]);
    }
    put(place, slot);
  }
  void sink(std::size_t place, const Slot& slot) noexcept {
    for (std::size_t child = 2 * place; child <= size_; child = 2 * place) {
      if (child < size_ && is_lower(slots_[child + 1], slots_[child])) ++child;
      if (!is_lower(slots_[child], slot)) break;
      put(place, slots_[child]);
      place = child;
    }
    put(place, slot);
  }

  // Left uninitialised: what is never reached costs no physical memory.
  std::unique_ptr<Slot[]> slots_ = std::make_unique_for_overwrite<Slot[]>(kQueues + 1);
  std::array<QueueIndex, kQueues> place_{};  // In slots_, from 1; 0 for queues without entries.
  std::size_t size_ = 0;
};

class Gdsf final : public EvictionStrategy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "gdsf"; }

  void on_insert(EntryNode& node) noexcept override {
    const std::uint64_t weight = std::max<std::uint64_t>(1, capacity_.cost(node));
    const double gain = (node.visits + 1.0) / static_cast<double>(weight);
    const std::uint64_t cut = std::bit_cast<std::uint64_t>(gain) >> kGainShift;
    TARMAC_ASSERT(cut >= kLowestGain && cut <= kHighestGain);
    const double priority = inflation_ + std::bit_cast<double>(cut << kGainShift);
    node.scratch = (std::bit_cast<std::uint64_t>(priority) & ~kQueueMask) | (cut - kLowestGain);
    join(queue_of(node), node);
  }

  void on_access(EntryNode& node) noexcept override {
    leave(node);
    on_insert(node);
  }
  // The cache has counted all of them already.
  void on_access_run(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }
  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_remove(EntryNode& node, RemovalCause cause) noexcept override {
    if (cause == RemovalCause::evicted && &node == choose_victim()) {
      inflation_ = std::bit_cast<double>(priority_bits(node));
    }
    leave(node);
    node.scratch = 0;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override {
    return heap_.empty() ? nullptr : queues_[heap_.lowest()].oldest;
  }
  [[nodiscard]] Outlook outlook() const noexcept override {
    if (heap_.empty()) return {};
    const EntryNode* const next = queues_[heap_.lowest()].oldest;
    return {next, next->next};
  }

  void on_resize(const StrategyCapacity& capacity) override { capacity_ = capacity; }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    std::size_t written = 0;
    while (EntryNode* const node = choose_victim()) {
      leave(*node);
      node->scratch = 0;
      TARMAC_ASSERT(written < order.size());
      order[written++] = node;
    }
    inflation_ = 0;
  }
  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_by_tick(order, &EntryNode::accessed_at);
    for (EntryNode* node : order) on_insert(*node);
  }

 private:
  void join(QueueIndex index, EntryNode& node) noexcept {
    Queue& queue = queues_[index];
    if (!heap_.holds(index)) {
      queue = {&node, &node};
      heap_.add(index, node);
      return;
    }
    node.previous = queue.newest;
    queue.newest->next = &node;
    queue.newest = &node;
  }

  void leave(EntryNode& node) noexcept {
    const QueueIndex index = queue_of(node);
    Queue& queue = queues_[index];
    if (node.next != nullptr) {
      node.next->previous = node.previous;
    } else {
      queue.newest = node.previous;
    }
    if (node.previous != nullptr) {
      node.previous->next = node.next;
    } else if (node.next != nullptr) {
      queue.oldest = node.next;
      heap_.replace_oldest(index, *node.next);
    } else {
      heap_.remove(index);
    }
    node.previous = nullptr;
    node.next = nullptr;
  }

  StrategyCapacity capacity_;
  // Left uninitialised: only those in the heap are read.
  std::unique_ptr<Queue[]> queues_ = std::make_unique_for_overwrite<Queue[]>(kQueues);
  QueueHeap heap_;
  double inflation_ = 0;  // L in the paper.
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_gdsf() { return std::make_unique<Gdsf>(); }

}  // namespace tarmac
