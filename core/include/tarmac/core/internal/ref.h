// An intrusive reference count: what a reader, a snapshot or an event holds stays valid.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace tarmac::internal {

/// Base of what Ref counts. Starts with no reference.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// The same for the first reference, of an object that nobody knows yet.
  void retain_new() const noexcept { count_.store(1, std::memory_order_relaxed); }
  /// True for the last one, which must then destroy the object.
  [[nodiscard]] bool release() const noexcept {
    // Where there is no other, nobody can make one: no need to lock the line.
    if (count_.load(std::memory_order_acquire) == 1) return true;
    return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 protected:
  ~RefCounted() = default;

 private:
  mutable std::atomic<std::uint32_t> count_{0};
};

/// A shared owner, half the size of std::shared_ptr and without a control block.
/// Thread-safety: as for std::shared_ptr.
template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  explicit Ref(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr && object_->release()) delete object_;
  }

  /// Of an object that nobody knows yet.
  [[nodiscard]] static Ref of_new(T* object) noexcept {
    object->retain_new();
    return adopt(object);
  }
  /// Takes over a reference that release_ownership() gave away.
  [[nodiscard]] static Ref adopt(T* object) noexcept {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  /// Gives the reference away without counting down.
  [[nodiscard]] T* release_ownership() noexcept { return std::exchange(object_, nullptr); }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

/// Keeps an object alive without knowing its type.
class AnyRef {
 public:
  AnyRef() noexcept = default;
  template <class T>
  explicit AnyRef(Ref<T> ref) noexcept
      : object_(ref.release_ownership()), drop_([](const void* object) {
          static_cast<void>(Ref<T>::adopt(static_cast<T*>(const_cast<void*>(object))));
        }) {}
  AnyRef(AnyRef&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), drop_(other.drop_) {}
  AnyRef& operator=(AnyRef&& other) noexcept {
    std::swap(object_, other.object_);
    std::swap(drop_, other.drop_);
    return *this;
  }
  ~AnyRef() {
    if (object_ != nullptr) drop_(object_);
  }
  [[nodiscard]] const void* get() const noexcept { return object_; }

 private:
  const void* object_ = nullptr;
  void (*drop_)(const void*) = nullptr;
};

}  // namespace tarmac::internal
