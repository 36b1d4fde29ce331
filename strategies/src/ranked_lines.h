// Residents in lines by their kind, and which of them is worth least. Internal to this room.
#pragma once

#include "node_list.h"
#include "reuse_model.h"
#include "wait.h"

#include <tarmac/core/eviction_strategy.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace tarmac::internal {

/// Residents of one class of the model stand in a line by their last use. All of one bin of age are
/// worth the same, so of each class one is known that is worth least: the oldest of the bin with
/// the lowest index. In most classes that is the oldest of all. Where it is not, as in a loop, a
/// mark follows the end of that bin through the line, but only when the class is the one to give up
/// an entry; it passes each entry once at most.
///
/// Ages are those at the last set_time(), so that an entry changes its bin only then.
///
/// Every member is O(1), lowest() amortised. None allocates.
class RankedLines {
 public:
  explicit RankedLines(const ReuseModel& model) : model_(model) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// In which bin an entry stands that was used last at `used_at`.
  [[nodiscard]] std::size_t bin_at(std::uint32_t used_at) const noexcept {
    const std::uint32_t age = now_ - used_at;
    const std::uint32_t since = now_ - time_;
    return age <= since ? 0 : model_.bin_of(age - since);
  }

  [[nodiscard]] std::uint32_t now() const noexcept { return now_; }
  [[nodiscard]] std::uint32_t time() const noexcept { return time_; }  // Of the ages.
  void pass_request() noexcept { ++now_; }
  /// Ages are those of now.
  void set_time() noexcept {
    time_ = now_;
    judge_anew();
  }
  /// The bins of the model have changed.
  void measure_anew() noexcept {
    for (auto& of_class : marks_) of_class.fill(nullptr);
    judge_anew();
  }
  /// The indices of the model have changed.
  void judge_anew() noexcept {
    unjudged_ = filled_;
    chosen_ = kNone;
  }

  /// Tracks `node`, which was used later than all of its class.
  void push(EntryNode& node) noexcept {
    const Wait wait = wait_of(node);
    const bool is_first = lines_[wait.of].empty();
    const std::uint32_t before = std::exchange(ends_[wait.of].newest, wait.used_at);
    lines_[wait.of].push_newest(node);
    ++size_;
    filled_ |= bit_of(wait.of);
    if (is_first) ends_[wait.of].oldest = wait.used_at;
    // Where others stand in its bin, it changes nothing.
    if (!is_first && bin_at(before) == bin_at(wait.used_at)) return;
    if (is_first || index_of(node) < best_[wait.of].index) judge_anew(wait.of);
  }

  void remove(EntryNode& node) noexcept {
    const Class of = wait_of(node).of;
    NodeList& line = lines_[of];
    EntryNode* const newer = line.newer_than(node);
    EntryNode* const older = line.older_than(node);
    if (node.flags != 0) {
      move_marks(of, node, newer != nullptr ? newer : older);
      node.flags = 0;
    }
    if (older == nullptr && newer != nullptr) ends_[of].oldest = wait_of(*newer).used_at;
    if (newer == nullptr && older != nullptr) ends_[of].newest = wait_of(*older).used_at;
    if (best_[of].node == &node && (unjudged_ & bit_of(of)) == 0) {
      if (newer != nullptr && bin_of(*newer) == best_[of].bin) {
        best_[of].node = newer;
      } else {
        judge_anew(of);
      }
    }
    line.remove(node);
    --size_;
    if (line.empty()) {
      filled_ &= ~bit_of(of);
      unjudged_ &= ~bit_of(of);
      if (chosen_ == of) chosen_ = kNone;
    }
  }

  /// The resident that is worth least; nullptr if there is none.
  [[nodiscard]] EntryNode* lowest() noexcept {
    if (chosen_ == kNone) choose();
    return chosen_ == kNone ? nullptr : best_[chosen_].node;
  }
  [[nodiscard]] EvictionStrategy::Outlook outlook() const noexcept {
    if (chosen_ == kNone) return {};
    const EntryNode* const next = best_[chosen_].node;
    return {next, lines_[chosen_].newer_than(*next)};
  }

 private:
  using Class = ReuseModel::Class;
  static constexpr std::size_t kNone = ReuseModel::kClasses;
  static constexpr std::uint8_t kSeveral = 0xFF;
  static_assert(ReuseModel::kClasses == 64, "a bit for each");

  struct Best {
    EntryNode* node = nullptr;  // Null: not looked for yet.
    float index = 0;
    std::uint32_t bin = 0;
    std::uint32_t empty = 0;  // A bit for each bin in which nobody was found.
  };

  struct Ends {
    std::uint32_t oldest = 0, newest = 0;
  };
  static std::uint64_t bit_of(std::size_t of) noexcept { return std::uint64_t{1} << of; }
  [[nodiscard]] std::size_t bin_of(const EntryNode& node) const noexcept {
    return bin_at(wait_of(node).used_at);
  }
  [[nodiscard]] float index_of(const EntryNode& node) const noexcept {
    return model_.index(ReuseModel::cell(wait_of(node).of, bin_of(node)));
  }

  void judge_anew(std::size_t of) noexcept {
    unjudged_ |= bit_of(of);
    chosen_ = kNone;
  }

  void choose() noexcept {
    for (; unjudged_ != 0; unjudged_ &= unjudged_ - 1) {
      const auto of = static_cast<std::size_t>(std::countr_zero(unjudged_));
      best_[of].empty = 0;
      judge(of);
    }
    while (filled_ != 0) {
      float lowest = std::numeric_limits<float>::infinity();
      std::size_t chosen = 0;
      for (std::uint64_t left = filled_; left != 0; left &= left - 1) {
        const auto of = static_cast<std::size_t>(std::countr_zero(left));
        const bool is_lower = best_[of].index < lowest;
        lowest = is_lower ? best_[of].index : lowest;
        chosen = is_lower ? of : chosen;
      }
      if (best_[chosen].node != nullptr || find_best(chosen)) {
        chosen_ = chosen;
        return;
      }
    }
  }

  /// What a class is worth that has entries: not yet looked for is whether its best bin has any.
  void judge(std::size_t of) noexcept {
    Best& best = best_[of];
    const std::size_t first = bin_at(ends_[of].newest);
    const std::size_t last = bin_at(ends_[of].oldest);
    best.index = std::numeric_limits<float>::infinity();
    best.node = nullptr;
    for (std::size_t bin = first; bin <= last; ++bin) {
      const float index = model_.index(ReuseModel::cell(static_cast<Class>(of), bin));
      if (index > best.index || (best.empty >> bin & 1U) != 0) continue;
      best.index = index;
      best.bin = static_cast<std::uint32_t>(bin);
    }
    if (best.bin == last) best.node = lines_[of].oldest();
  }

  /// Looks for the oldest of the best bin of a class. False if there is none: the class has been
  /// judged again, without that bin.
  bool find_best(std::size_t of) noexcept {
    Best& best = best_[of];
    EntryNode* const mark = advance_mark(of, best.bin);
    if (bin_of(*mark) == best.bin) {
      best.node = mark;
      return true;
    }
    best.empty |= 1U << best.bin;
    judge(of);
    return false;
  }

  /// The oldest of `of` that is not older than `bin`, or the newest of all. Looked for from where
  /// the mark stood, or from the newest if that is nearer.
  EntryNode* advance_mark(std::size_t of, std::size_t bin) noexcept {
    const NodeList& line = lines_[of];
    EntryNode*& mark = marks_[of][bin];
    if (mark == nullptr) mark = line.oldest();
    const std::uint32_t end = now_ - time_ + model_.begin(bin + 1);  // As an age.
    const std::uint32_t newest = now_ - ends_[of].newest;
    if (newest < end && end - newest < now_ - wait_of(*mark).used_at - end && bin_of(*mark) > bin) {
      mark = line.newest();
      for (EntryNode* older = mark; older != nullptr && bin_of(*older) <= bin;) {
        mark = older;
        older = line.older_than(*older);
      }
    }
    while (bin_of(*mark) > bin) {
      EntryNode* const newer = line.newer_than(*mark);
      if (newer == nullptr) break;
      mark = newer;
    }
    flag(*mark, bin);
    return mark;
  }

  /// Which mark stands on a node, told by its flags: one more than the bin, or kSeveral.
  static void flag(EntryNode& node, std::size_t bin) noexcept {
    const auto one = static_cast<std::uint8_t>(bin + 1);
    node.flags = node.flags == 0 || node.flags == one ? one : kSeveral;
  }

  /// Marks on `node`, which leaves, are put on `next`; null if it was the last of its class.
  void move_marks(std::size_t of, const EntryNode& node, EntryNode* next) noexcept {
    const bool is_one = node.flags != kSeveral;
    std::size_t bin = is_one ? node.flags - 1U : 0;
    const std::size_t end = is_one ? bin + 1 : ReuseModel::kBins;
    for (; bin < end; ++bin) {
      if (marks_[of][bin] != &node) continue;
      marks_[of][bin] = next;
      if (next != nullptr) flag(*next, bin);
    }
  }

  const ReuseModel& model_;
  std::array<NodeList, ReuseModel::kClasses> lines_;
  /// When the ends of each were used: memory at hand, which they themselves seldom are.
  std::array<Ends, ReuseModel::kClasses> ends_{};
  std::array<Best, ReuseModel::kClasses> best_{};
  /// No entry that is older than a mark is in its bin or a younger one. Its node has flags.
  std::array<std::array<EntryNode*, ReuseModel::kBins>, ReuseModel::kClasses> marks_{};
  std::uint64_t filled_ = 0;
  std::uint64_t unjudged_ = 0;
  std::size_t chosen_ = kNone;  // The class of the lowest.
  std::uint64_t size_ = 0;
  std::uint32_t now_ = 0;
  std::uint32_t time_ = 0;
};

}  // namespace tarmac::internal
