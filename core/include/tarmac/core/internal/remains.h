// What has left a shard and is to be destroyed.
#pragma once

#include <tarmac/core/internal/entry.h>

#include <algorithm>
#include <array>
#include <cstddef>
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
    } else {  // All or none: what stood in both would be let go twice.
      const auto size = to.size() + from.size();
      if (size > to.capacity()) to.reserve(std::max(2 * to.capacity(), size));
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

}  // namespace tarmac::internal
