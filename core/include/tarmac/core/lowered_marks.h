// What a strategy that asks for marks may add, so that hits need not look at the marks.
#pragma once

#include <tarmac/core/eviction_strategy.h>

namespace tarmac {

/// A second base for a strategy with AccessTracking::mark that lowers marks by lower_mark() alone
/// while it tracks their nodes. The cache then knows how long a mark stays at the highest that this
/// strategy tells apart, and until then a hit does not touch the node: what it needs lies in the
/// hash table.
///
/// - Thread-safety: as the strategy's.
class LoweredMarks {
 public:
  using Listener = void (*)(void* cache, const EntryNode& node) noexcept;

  /// Hits raise marks no further.
  [[nodiscard]] std::uint8_t highest_mark() const noexcept { return highest_; }

  /// Cache: calls `listener(cache, node)` before a mark at its highest is lowered.
  void tell_lowered_to(Listener listener, void* cache) noexcept {
    listener_ = listener;
    cache_ = cache;
  }

 protected:
  /// Requires: `highest` is 1 to EntryNode::kMaxMark.
  explicit LoweredMarks(std::uint8_t highest) noexcept : highest_(highest) {}
  LoweredMarks(const LoweredMarks&) = delete;
  LoweredMarks& operator=(const LoweredMarks&) = delete;
  ~LoweredMarks() = default;

  /// Strategy: sets the mark to `mark`, which is no higher than it was. O(1).
  void lower_mark(EntryNode& node, std::uint8_t mark) noexcept {
    if (node.mark >= highest_ && listener_ != nullptr) listener_(cache_, node);
    node.mark = mark;
  }

 private:
  std::uint8_t highest_;
  Listener listener_ = nullptr;
  void* cache_ = nullptr;
};

/// How far hits raise the marks of `strategy`, if it asks for marks.
[[nodiscard]] inline std::uint8_t highest_mark_of(const EvictionStrategy& strategy) noexcept {
  const auto* const lowered = dynamic_cast<const LoweredMarks*>(&strategy);
  return lowered != nullptr ? lowered->highest_mark() : EntryNode::kMaxMark;
}

}  // namespace tarmac
