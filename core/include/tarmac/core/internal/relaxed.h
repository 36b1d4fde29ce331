// A plain-looking field that readers without a lock may look at, or write, while a lock holder
// works.
#pragma once

#include <atomic>

namespace tarmac::internal {

/// Reads and writes like a T, each a relaxed atomic access: no torn value and no order. Increments
/// are a load and a store, so that two at once may count as one.
/// Thread-safety: single accesses may be made from any thread.
template <class T>
class Relaxed {
 public:
  constexpr Relaxed() noexcept = default;
  // Implicit both ways: a field changes its type, not the code that uses it.
  constexpr Relaxed(T value) noexcept : value_(value) {}
  Relaxed(const Relaxed& other) noexcept : value_(other.load()) {}
  Relaxed& operator=(const Relaxed& other) noexcept {
    store(other.load());
    return *this;
  }
  Relaxed& operator=(T value) noexcept {
    store(value);
    return *this;
  }
  ~Relaxed() = default;

  // The other way.
  operator T() const noexcept { return load(); }
  [[nodiscard]] T load() const noexcept { return value_.load(std::memory_order_relaxed); }
  void store(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Where the order beside other fields matters.
  [[nodiscard]] T acquire() const noexcept { return value_.load(std::memory_order_acquire); }
  void release(T value) noexcept { value_.store(value, std::memory_order_release); }

 private:
  std::atomic<T> value_{};
};

}  // namespace tarmac::internal
