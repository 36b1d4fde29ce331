#include <tarmac/core/assert.h>
#include <tarmac/core/internal/timing_wheel.h>

#include <algorithm>
#include <bit>

namespace tarmac::internal {

std::uint64_t TimingWheel::tick_of(SteadyNanos time) const noexcept {
  return time <= origin_ ? 0 : static_cast<std::uint64_t>(time - origin_) >> kTickBits;
}

void TimingWheel::schedule(TimedNode& node) noexcept {
  cancel(node);
  if (node.expires_at == kNever) return;
  file(node, tick_of(node.expires_at));
  ++size_;
}

void TimingWheel::cancel(TimedNode& node) noexcept {
  if (node.timer_list == TimedNode::kNoTimer) return;
  unlink(node);
  --size_;
}

void TimingWheel::file(TimedNode& node, std::uint64_t tick) noexcept {
  if (tick <= current_) {
    link(node, kDueList);
    return;
  }
  // Beyond the last level's reach a node waits in its farthest list and is filed again from there.
  constexpr std::uint64_t kReach = std::uint64_t{kSlots - 1} << ((kLevels - 1) * kDigitBits);
  const std::uint64_t held = std::min(tick, current_ + kReach);
  const auto differing = static_cast<unsigned>(63 - std::countl_zero(held ^ current_));
  const unsigned level = std::min(differing / kDigitBits, kLevels - 1);
  const auto slot = static_cast<unsigned>((held >> (level * kDigitBits)) & (kSlots - 1));
  link(node, level * kSlots + slot);
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimingWheel::link(TimedNode& node, std::uint32_t list) noexcept {
  node.timer_list = list;
  node.timer_previous = nullptr;
  node.timer_next = lists_[list];
  if (node.timer_next != nullptr) node.timer_next->timer_previous = &node;
  lists_[list] = &node;
}

void TimingWheel::unlink(TimedNode& node) noexcept {
  const auto list = node.timer_list;
  if (node.timer_next != nullptr) node.timer_next->timer_previous = node.timer_previous;
  if (node.timer_previous != nullptr) {
    node.timer_previous->timer_next = node.timer_next;
  } else {
    lists_[list] = node.timer_next;
  }
  if (lists_[list] == nullptr && list < kDueList) {
    occupied_[list / kSlots] &= ~(std::uint64_t{1} << (list % kSlots));
  }
  node.timer_previous = node.timer_next = nullptr;
  node.timer_list = TimedNode::kNoTimer;
}

TimingWheel::Next TimingWheel::next_list() const noexcept {
  // A lower level holds only what comes before the next digit of the level above, so the first
  // level with anything in it has the earliest list.
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const unsigned shift = level * kDigitBits;
    const auto here = static_cast<unsigned>((current_ >> shift) & (kSlots - 1));
    const auto rotated = std::rotr(occupied_[level], static_cast<int>(here));
    const auto ahead = static_cast<unsigned>(std::countr_zero(rotated));
    const std::uint64_t digit = (current_ >> shift) + ahead;
    return {digit << shift, level, (here + ahead) % kSlots, true};
  }
  return {0, 0, 0, false};
}

void TimingWheel::bring_up_to(std::uint64_t now_tick) noexcept {
  for (;;) {
    const Next next = next_list();
    if (!next.found || next.tick > now_tick) break;
    current_ = std::max(current_, next.tick);
    const std::uint32_t list = next.level * kSlots + next.slot;
    while (TimedNode* node = lists_[list]) {
      unlink(*node);
      file(*node, tick_of(node->expires_at));
    }
  }
  current_ = std::max(current_, now_tick);
}

TimedNode* TimingWheel::pop_due(SteadyNanos now) noexcept {
  if (now > soon_checked_at_) {
    soon_checked_at_ = now;
    while (TimedNode* node = lists_[kSoonList]) {
      unlink(*node);
      link(*node, kDueList);
    }
    bring_up_to(tick_of(now));
  }
  while (TimedNode* node = lists_[kDueList]) {
    unlink(*node);
    if (node->expires_at <= now) {
      --size_;
      return node;
    }
    const std::uint64_t tick = tick_of(node->expires_at);
    if (tick > current_) {
      file(*node, tick);  // A hit has moved it.
    } else {
      link(*node, kSoonList);
    }
  }
  return nullptr;
}

SteadyNanos TimingWheel::next_due() const noexcept {
  if (size_ == 0) return kNever;
  if (lists_[kDueList] != nullptr || lists_[kSoonList] != nullptr) {
    return deadline_after(origin_, static_cast<std::int64_t>((current_ + 1) << kTickBits));
  }
  const Next next = next_list();
  TARMAC_ASSERT(next.found);
  // At the end of the tick, so that one look finds all that is due in it.
  return deadline_after(origin_, static_cast<std::int64_t>((next.tick + 1) << kTickBits));
}

}  // namespace tarmac::internal
