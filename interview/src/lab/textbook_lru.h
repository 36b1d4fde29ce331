// The LRU cache of the textbooks, for comparison: a hash map into a list in order of use, under one
// mutex. It counts what it allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace tarmac::interview {

struct AllocationCount {
  std::size_t calls = 0;
  std::size_t bytes = 0;
};

/// Counts what is allocated through it, and what of that is not given back.
template <class T>
class CountingAllocator {
 public:
  using value_type = T;

  explicit CountingAllocator(AllocationCount& count) noexcept : count_(&count) {}
  template <class U>
  CountingAllocator(const CountingAllocator<U>& other) noexcept  // Implicit, as allocators are.
      : count_(other.count()) {}

  [[nodiscard]] T* allocate(std::size_t n) {
    ++count_->calls;
    count_->bytes += n * kSize;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) noexcept {
    count_->bytes -= n * kSize;
    std::allocator<T>().deallocate(p, n);
  }
  [[nodiscard]] AllocationCount* count() const noexcept { return count_; }
  template <class U>
  bool operator==(const CountingAllocator<U>& other) const noexcept {
    return count_ == other.count();
  }

 private:
  static constexpr std::size_t kSize = sizeof(T);  // NOLINT(bugprone-sizeof-expression): any T

  AllocationCount* count_;
};

/// Thread-safety: all members may be called from any thread, but for allocated().
class TextbookLru {
 public:
  explicit TextbookLru(std::size_t capacity)
      : capacity_(capacity), order_(Allocator(count_)), index_(Allocator(count_)) {
    index_.reserve(capacity);
  }
  TextbookLru(const TextbookLru&) = delete;
  TextbookLru& operator=(const TextbookLru&) = delete;

  [[nodiscard]] std::optional<std::uint64_t> get(std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }
  void set(std::uint64_t key, std::uint64_t value) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) {
      found->second->second = value;
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    if (index_.size() == capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, value);
    index_.emplace(key, order_.begin());
  }
  [[nodiscard]] const AllocationCount& allocated() const noexcept { return count_; }

 private:
  using Entry = std::pair<std::uint64_t, std::uint64_t>;
  using Allocator = CountingAllocator<Entry>;
  using Order = std::list<Entry, Allocator>;
  using IndexAllocator = CountingAllocator<std::pair<const std::uint64_t, Order::iterator>>;

  AllocationCount count_;
  std::size_t capacity_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<std::uint64_t, Order::iterator, std::hash<std::uint64_t>,
                     std::equal_to<std::uint64_t>, IndexAllocator>
      index_;
};

}  // namespace tarmac::interview
