// A part of the resident entries, for strategies that keep several. Internal to this room.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "node_list.h"

namespace tarmac::internal {

/// A NodeList that knows how much it holds.
class Segment {
 public:
  [[nodiscard]] bool empty() const noexcept { return line_.empty(); }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  /// How much of `capacity` its nodes take.
  [[nodiscard]] std::uint64_t amount(const StrategyCapacity& capacity) const noexcept {
    return capacity.in_weight ? weight_ : entries_;
  }

  [[nodiscard]] EntryNode* oldest() const noexcept { return line_.oldest(); }
  [[nodiscard]] EntryNode* newer_than(const EntryNode& node) const noexcept {
    return line_.newer_than(node);
  }
  [[nodiscard]] EvictionStrategy::Outlook outlook() const noexcept { return line_.outlook(); }

  void push_newest(EntryNode& node) noexcept {
    line_.push_newest(node);
    count(node);
  }
  void push_oldest(EntryNode& node) noexcept {
    line_.push_oldest(node);
    count(node);
  }
  void remove(EntryNode& node) noexcept {
    line_.remove(node);
    --entries_;
    weight_ -= node.weight;
  }
  void move_to_newest(EntryNode& node) noexcept { line_.move_to_newest(node); }
  /// To be told when the weight of a node has changed.
  void reweigh(const EntryNode& node, std::uint32_t old_weight) noexcept {
    weight_ = weight_ - old_weight + node.weight;
  }

  std::size_t hand_over(std::span<EntryNode*> order) noexcept {
    entries_ = 0;
    weight_ = 0;
    return line_.hand_over(order);
  }
  void take_over(std::span<EntryNode* const> order) noexcept {
    for (EntryNode* node : order) push_newest(*node);
  }

 private:
  void count(const EntryNode& node) noexcept {
    ++entries_;
    weight_ += node.weight;
  }

  NodeList line_;
  std::uint64_t entries_ = 0;
  std::uint64_t weight_ = 0;
};

}  // namespace tarmac::internal
