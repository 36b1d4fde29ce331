// What has left a shard and may still be looked at by a reader.
#pragma once

#include <tarmac/core/internal/epoch.h>
#include <tarmac/core/internal/remains.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace tarmac::internal {

/// Sorts what leaves by the epoch of its unlinking.
/// Thread-safety: guarded by the shard's lock.
template <class K, class V>
class Limbo {
 public:
  [[nodiscard]] bool empty() const noexcept { return waiting_ == 0 && free_.empty(); }
  /// Makes sure that the next retire() allocates nothing, unless the epoch moves meanwhile.
  void reserve() { bag_of_now().remains.reserve(); }
  /// Requires: `what` can no longer be found.
  template <class What>
  void retire(What&& what, std::uint64_t weight) {
    Bag& bag = bag_of_now();
    bag.remains.add(std::forward<What>(what));
    // What has been hastened is not to wait for what comes into its bag later.
    bag.due = bag.due < bag.end ? Epoch::end_of_known_unlinking() : bag.end;
    first_due_ = std::min(first_due_, bag.due);
    ++bag.count;
    ++waiting_;
    unmoved_ += 1 + weight / kWeightOfOne;
    if (weight >= kWeightOfOne) hurried_ = kHurry;
  }
  /// True now and then, when so much waits that the epoch should be moved on.
  [[nodiscard]] bool wants_advance(std::size_t entries) noexcept {
    if (unmoved_ < many_of(entries)) return false;
    unmoved_ = 0;
    return true;
  }
  /// Lets what has been retired come free an epoch earlier, for the price of a fence.
  void hasten() noexcept {
    const auto end = Epoch::end_of_known_unlinking();
    for (auto& bag : bags_) bag.due = std::min(bag.due, end);
    first_due_ = std::min(first_due_, end);
  }
  /// Gives what no reader can see any more: all of it if `all`, else a little at a time, so that no
  /// single write pays for many, and but for `kept` entries, for which take_entry() may be asked
  /// soon. `drain` is called before anything new is let go, also of what came free between two
  /// calls: a hit of it may still be noted.
  template <class Drain>
  void collect(Remains<K, V>& out, bool all, std::size_t kept, Drain&& drain) {
    if (first_due_ <= Epoch::current()) release_due();
    if (free_.empty()) return;
    if (std::exchange(undrained_, false)) drain();
    if (all) return out.take_out(free_);
    const auto entries = free_.entries.size();
    const auto spent = std::min<std::size_t>(entries > kept ? entries - kept : 0, kAtOnce);
    out.take_out(free_, spent, values_at_once());
    free_.entries.fetch();
  }
  /// An entry that no reader can see any more, with its reference; nullptr if none is known.
  template <class Drain>
  [[nodiscard]] Entry<K, V>* take_entry(Drain&& drain) {
    if (free_.entries.empty()) return nullptr;
    if (std::exchange(undrained_, false)) drain();
    return &free_.entries.pop();
  }
  /// Gives everything. Requires: there is no reader, and no record of a hit.
  void take_all(Remains<K, V>& out) {
    for (auto& bag : bags_) release(bag);
    first_due_ = kNotYet;
    undrained_ = false;
    unmoved_ = 0;
    out.take_out(free_);
  }
  /// How much may wait before the epoch is asked to move on, beside so many entries.
  [[nodiscard]] static std::size_t many_of(std::size_t entries) noexcept {
    return std::clamp<std::size_t>(entries / 16, 16, kMany);
  }

 private:
  /// So many bytes count like another entry: large values must not wait in numbers.
  static constexpr std::uint64_t kWeightOfOne = 1024;

  static constexpr std::size_t kMany = 1024;
  static constexpr std::uint32_t kAtOnce = 8;
  /// For so many writes after a large value all are let go as quickly as can be.
  static constexpr std::uint32_t kHurry = 1024;
  static constexpr std::uint64_t kNotYet = ~std::uint64_t{0};

  // Evenly: a thread's own store of free memory takes a few blocks, which its next writes need
  // again; where more come at once, the memory of all threads is asked.
  [[nodiscard]] std::uint32_t values_at_once() noexcept {
    constexpr std::size_t kManyValues = 128;
    if (hurried_ > 0) {
      --hurried_;
      return kAtOnce;
    }
    const auto part = 1 + free_.values() / kManyValues;
    return static_cast<std::uint32_t>(std::min<std::size_t>(part, kAtOnce));
  }

  /// What was unlinked in one epoch.
  struct alignas(64) Bag {
    std::uint64_t end = 0;
    std::uint64_t due = kNotYet;
    std::uint64_t count = 0;
    Remains<K, V> remains;
  };
  Bag& bag_of_now() {
    const auto end = Epoch::end_of_unlinking();
    Bag& bag = bags_[end % bags_.size()];
    if (bag.end != end) {  // What is in it is four epochs old at least.
      try {
        release(bag);
      } catch (const std::bad_alloc&) {  // It waits with what comes now.
      }
      bag.end = end;
    }
    return bag;
  }
  void release(Bag& bag) {
    if (bag.count != 0) {
      undrained_ = true;
      free_.take_all(bag.remains);  // May run out of memory: then the rest is still due.
      waiting_ -= std::exchange(bag.count, 0);
    }
    bag.due = kNotYet;
  }
  void release_due() {
    const auto now = Epoch::current();
    auto first = kNotYet;
    for (auto& bag : bags_) {
      if (bag.due <= now) release(bag);
      first = std::min(first, bag.due);
    }
    first_due_ = first;
  }

  // What each write looks at stands side by side.
  alignas(64) Remains<K, V> free_;
  std::uint64_t waiting_ = 0;
  /// Of all bags.
  std::uint64_t first_due_ = kNotYet;
  /// Retired since the epoch was last asked to move on.
  std::uint64_t unmoved_ = 0;
  std::uint32_t hurried_ = 0;
  /// Something has come into free_ since the last drain.
  bool undrained_ = false;
  std::array<Bag, 4> bags_;
};

}  // namespace tarmac::internal
