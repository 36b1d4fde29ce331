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

/// Entries, each with the table's reference, linked through themselves: their strategy has
/// forgotten them.
template <class K, class V>
class EntryChain {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void push(Entry<K, V>& entry) noexcept {
    entry.next = first_;
    if (first_ == nullptr) last_ = &entry;
    first_ = &entry;
    ++size_;
  }
  /// Requires: there is one.
  [[nodiscard]] Entry<K, V>& pop() noexcept {
    auto& entry = *static_cast<Entry<K, V>*>(std::exchange(first_, first_->next));
    entry.next = nullptr;
    --size_;
    return entry;
  }
  void take_all(EntryChain& other) noexcept {
    if (other.first_ == nullptr) return;
    other.last_->next = first_;
    if (first_ == nullptr) last_ = other.last_;
    first_ = std::exchange(other.first_, nullptr);
    size_ += std::exchange(other.size_, 0);
  }
  /// Has the memory of the next one to be popped fetched.
  void fetch() const noexcept {
    if (first_ == nullptr) return;
    const auto* const entry = static_cast<const Entry<K, V>*>(first_);
    __builtin_prefetch(entry, 1);
    __builtin_prefetch(&entry->hash, 1);
    __builtin_prefetch(&entry->stamp, 1);
  }

 private:
  EntryNode* first_ = nullptr;
  EntryNode* last_ = nullptr;
  std::size_t size_ = 0;
};

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
    return entries.empty() && few_count_ == 0 && values_.empty() && others_.empty();
  }
  /// Makes sure that the next add() allocates nothing.
  void reserve() {
    if (values_.size() == values_.capacity()) values_.reserve(2 * values_.size() + 8);
    if (others_.size() == others_.capacity()) others_.reserve(2 * others_.size() + 1);
  }
  /// Takes over the table's reference.
  void add(Entry<K, V>& entry) noexcept { entries.push(entry); }
  /// Takes over the entry's reference.
  void add(Value value) noexcept { values_.push_back(value); }
  /// Anything else that readers may have in hand.
  void add(std::shared_ptr<const void> other) { others_.push_back(std::move(other)); }

  /// Takes over all that `other` has, for longer.
  void take_all(Remains& other) {
    entries.take_all(other.entries);
    if (!other.values_.empty()) append(values_, other.values_);
    if (!other.others_.empty()) append(others_, other.others_);
  }
  /// The same for the end of a write. Where there is little, it asks for no memory.
  void take_out(Remains& other) {
    if (other.values_.size() > kFew - few_count_) return take_all(other);
    entries.take_all(other.entries);
    take_values(other, kFew);
    if (!other.others_.empty()) append(others_, other.others_);
  }
  /// The same of at most so many entries, and of at most so many values (up to kFew).
  void take_out(Remains& other, std::size_t most_entries, std::uint32_t most_values) noexcept {
    for (; most_entries > 0 && !other.entries.empty(); --most_entries) add(other.entries.pop());
    take_values(other, most_values);
    if (!other.others_.empty()) others_.swap(other.others_);
  }
  [[nodiscard]] std::size_t values() const noexcept { return values_.size(); }

  EntryChain<K, V> entries;

 private:
  [[gnu::noinline]] void destroy() noexcept {
    while (!entries.empty()) static_cast<void>(Ref<Entry<K, V>>::adopt(&entries.pop()));
    for (std::uint32_t i = 0; i < few_count_; ++i) drop(few_[i]);
    for (Value value : values_) drop(value);
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

  // Not linked: undo may bring a value back, and so have it wait twice.
  std::vector<Value> values_;
  std::vector<std::shared_ptr<const void>> others_;
  // What a write takes with it, which must not ask for memory each time.
  std::uint32_t few_count_ = 0;
  std::array<Value, kFew> few_;
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
    bag.due = bag.end;
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
  /// single write pays for many. Of entries it keeps, if `reuses`, as many of `entries` as
  /// take_entry() may be asked for soon. `drain` is called before anything new is let go, also of
  /// what came free between two calls: a hit of it may still be noted.
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
      release(bag);
      bag.end = end;
    }
    return bag;
  }
  void release(Bag& bag) {
    bag.due = kNotYet;
    if (bag.count == 0) return;
    waiting_ -= bag.count;
    bag.count = 0;
    free_.take_all(bag.remains);
    undrained_ = true;
  }
  void release_due() {
    const auto now = Epoch::current();
    first_due_ = kNotYet;
    for (auto& bag : bags_) {
      if (bag.due <= now) release(bag);
      first_due_ = std::min(first_due_, bag.due);
    }
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
