// What has left a shard and may still be looked at by a reader.
#pragma once

#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/epoch.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// Entries, values and other things on their way out. Destroys them with itself.
template <class K, class V>
class Remains {
 public:
  using Value = const Payload<V>*;
  static constexpr std::uint32_t kFew = 8;

  Remains() = default;
  Remains(const Remains&) = delete;
  Remains& operator=(const Remains&) = delete;
  ~Remains() {
    if (!empty()) destroy();
  }

  [[nodiscard]] bool empty() const noexcept {
    return first_ == nullptr && few_count_ == 0 && values_.empty() && others_.empty();
  }
  /// Makes sure that the next add() allocates nothing.
  void reserve() {
    if (values_.size() == values_.capacity()) values_.reserve(2 * values_.size() + 8);
    if (others_.size() == others_.capacity()) others_.reserve(2 * others_.size() + 1);
  }
  /// Takes over the table's reference.
  void add(Entry<K, V>& entry) noexcept {
    entry.next = first_;
    if (first_ == nullptr) last_ = &entry;
    first_ = &entry;
  }
  /// Takes over the entry's reference.
  void add(Value value) noexcept { values_.push_back(value); }
  /// Anything else that readers may have in hand.
  void add(std::shared_ptr<const void> other) { others_.push_back(std::move(other)); }

  /// Gives entries away, each with its reference, until `take(entry)` refuses one.
  template <class Take>
  void offer(Take&& take) noexcept {
    while (first_ != nullptr) {
      auto* entry = static_cast<Entry<K, V>*>(std::exchange(first_, first_->next));
      entry->next = nullptr;
      if (!take(*entry)) return add(*entry);
    }
  }
  /// Takes over all that `other` has, for longer.
  void take_all(Remains& other) {
    take_entries(other);
    if (!other.values_.empty()) append(values_, other.values_);
    if (!other.others_.empty()) append(others_, other.others_);
  }
  /// The same for the end of a write. Where there is little, it asks for no memory.
  void take_out(Remains& other) {
    if (other.values_.size() > kFew - few_count_) return take_all(other);
    take_entries(other);
    take_values(other, kFew);
    if (!other.others_.empty()) append(others_, other.others_);
  }
  /// The same of at most so many entries, and of at most so many values (up to kFew).
  void take_out(Remains& other, std::uint32_t entries, std::uint32_t values) noexcept {
    for (std::uint32_t i = 0; i < entries && other.first_ != nullptr; ++i) {
      auto* entry = static_cast<Entry<K, V>*>(std::exchange(other.first_, other.first_->next));
      add(*entry);
    }
    take_values(other, values);
    if (!other.others_.empty()) others_.swap(other.others_);
  }
  [[nodiscard]] std::size_t values() const noexcept { return values_.size(); }

 private:
  [[gnu::noinline]] void destroy() noexcept {
    while (first_ != nullptr) {
      auto* entry = static_cast<Entry<K, V>*>(std::exchange(first_, first_->next));
      entry->next = nullptr;
      static_cast<void>(Ref<Entry<K, V>>::adopt(entry));
    }
    for (std::uint32_t i = 0; i < few_count_; ++i) drop(few_[i]);
    for (Value value : values_) drop(value);
  }
  void take_entries(Remains& other) noexcept {
    if (other.first_ == nullptr) return;
    other.last_->next = first_;
    if (first_ == nullptr) last_ = other.last_;
    first_ = std::exchange(other.first_, nullptr);
  }
  void take_values(Remains& other, std::uint32_t most) noexcept {
    for (; most > 0 && few_count_ < kFew && !other.values_.empty(); --most) {
      few_[few_count_++] = other.values_.back();
      other.values_.pop_back();
    }
  }
  static void drop(Value value) noexcept { static_cast<void>(Ref<const Payload<V>>::adopt(value)); }
  template <class T>
  static void append(std::vector<T>& to, std::vector<T>& from) {
    if (to.empty()) {
      to.swap(from);
    } else {
      std::move(from.begin(), from.end(), std::back_inserter(to));
      from.clear();
    }
  }

  // Linked through the entries: their strategy has forgotten them.
  EntryNode* first_ = nullptr;
  EntryNode* last_ = nullptr;
  // Not linked: undo may bring a value back, and so have it wait twice.
  std::vector<Value> values_;
  // What a write takes with it, which must not ask for memory each time.
  std::array<Value, kFew> few_;
  std::uint32_t few_count_ = 0;
  std::vector<std::shared_ptr<const void>> others_;
};

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
    ++bag.count;
    ++waiting_;
    unmoved_ += 1 + weight / kWeightOfOne;
    if (weight >= kWeightOfOne) hurried_ = kHurry;
  }
  /// True now and then, when so much waits that the epoch should be moved on.
  [[nodiscard]] bool wants_advance(std::size_t entries) noexcept {
    const std::uint64_t most = std::clamp<std::uint64_t>(entries / 16, 16, 1024);
    if (unmoved_ < most) return false;
    unmoved_ = 0;
    return true;
  }
  /// Gives what no reader can see any more: all of it if `all`, else a little at a time, so that no
  /// single write pays for many. `drain` is called before anything new is let go, also of what came
  /// free between two calls: a hit of it may still be noted.
  template <class Drain>
  void collect(Remains<K, V>& out, bool all, Drain&& drain) {
    const auto now = Epoch::current();
    for (auto& bag : bags_) {
      if (bag.count != 0 && bag.epoch + 2 <= now) release(bag);
    }
    if (std::exchange(undrained_, false)) drain();
    if (free_.empty()) return;
    if (all) return out.take_out(free_);
    out.take_out(free_, kAtOnce, values_at_once());
  }
  /// Gives everything. Requires: there is no reader, and no record of a hit.
  void take_all(Remains<K, V>& out) {
    for (auto& bag : bags_) release(bag);
    undrained_ = false;
    unmoved_ = 0;
    out.take_out(free_);
  }

 private:
  /// So many bytes count like another entry: large values must not wait in numbers.
  static constexpr std::uint64_t kWeightOfOne = 1024;

  static constexpr std::uint32_t kAtOnce = 8;
  /// For so many writes after a large value all are let go as quickly as can be.
  static constexpr std::uint32_t kHurry = 1024;

  // Evenly: a thread's own store of free memory takes a few blocks, which its next writes need
  // again; where more come at once, the memory of all threads is asked.
  [[nodiscard]] std::uint32_t values_at_once() noexcept {
    constexpr std::size_t kMany = 128;
    if (hurried_ > 0) {
      --hurried_;
      return kAtOnce;
    }
    return static_cast<std::uint32_t>(std::min<std::size_t>(1 + free_.values() / kMany, kAtOnce));
  }

  struct Bag {
    Remains<K, V> remains;
    std::uint64_t epoch = 0;
    std::uint64_t count = 0;
  };
  Bag& bag_of_now() {
    const auto epoch = Epoch::of_unlinking();
    Bag& bag = bags_[epoch % bags_.size()];
    if (bag.epoch != epoch) {  // What is in it is three epochs old at least.
      release(bag);
      bag.epoch = epoch;
    }
    return bag;
  }
  void release(Bag& bag) {
    if (bag.count == 0) return;
    waiting_ -= bag.count;
    bag.count = 0;
    free_.take_all(bag.remains);
    undrained_ = true;
  }

  std::array<Bag, 3> bags_;
  Remains<K, V> free_;
  /// Something has come into free_ since the last drain.
  bool undrained_ = false;
  std::uint64_t waiting_ = 0;
  /// Retired since the epoch was last asked to move on.
  std::uint64_t unmoved_ = 0;
  std::uint32_t hurried_ = 0;
};

}  // namespace tarmac::internal
