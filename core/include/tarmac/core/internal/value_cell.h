// Where an entry keeps its value, so that readers without a lock always see a whole one: in a word
// of the entry if it fits, else in a block of its own that is never changed.
#pragma once

#include <tarmac/core/internal/ref.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace tarmac::internal {

/// Whether a value can be read and replaced as one machine word.
template <class V>
inline constexpr bool kFitsInWord = std::is_trivially_copyable_v<V> && sizeof(V) <= 8;

/// The bytes of an object that fits, with zeros after them.
template <class T>
[[nodiscard]] std::uint64_t to_word(const T& object) noexcept {
  static_assert(kFitsInWord<T>);
  std::uint64_t word = 0;
  std::memcpy(&word, &object, sizeof(T));
  return word;
}
template <class T>
[[nodiscard]] T from_word(std::uint64_t word) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &word, sizeof(T));
  return std::bit_cast<T>(bytes);
}

/// One value in a block that entries, snapshots and the undo history share.
template <class V>
struct Payload final : RefCounted {
  explicit Payload(V&& v) : value(std::move(v)) {}

  const V value;
};

/// A value outside of an entry, cheap to copy; or none.
template <class V, bool = kFitsInWord<V>>
class Content {
 public:
  Content() = default;
  explicit Content(V&& value) : payload_(new Payload<V>(std::move(value))) {}
  explicit Content(Ref<const Payload<V>> payload) noexcept : payload_(std::move(payload)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(payload_); }
  /// Requires: there is one.
  [[nodiscard]] const V& value() const noexcept { return payload_->value; }
  [[nodiscard]] Ref<const Payload<V>> take() noexcept { return std::move(payload_); }

 private:
  Ref<const Payload<V>> payload_;
};

template <class V>
class Content<V, true> {
 public:
  Content() = default;
  explicit Content(V&& value) noexcept : bytes_(std::bit_cast<Bytes>(value)), present_(true) {}

  explicit operator bool() const noexcept { return present_; }
  [[nodiscard]] const V& value() const noexcept {
    // The bytes are those of a V, which is trivially copyable.
    return *std::launder(reinterpret_cast<const V*>(bytes_.data()));
  }

 private:
  using Bytes = std::array<std::byte, sizeof(V)>;
  alignas(V) Bytes bytes_{};
  bool present_ = false;
};

/// The place in the entry.
///
/// - Thread-safety: use() from any thread that has the epoch pinned; all else under the shard's
///   lock.
template <class V, bool = kFitsInWord<V>>
class ValueCell {
 public:
  /// What replace() leaves to be destroyed after its last reader.
  using Replaced = const Payload<V>*;

  explicit ValueCell(Content<V> content) noexcept : payload_(content.take().release_ownership()) {}
  ~ValueCell() {
    static_cast<void>(Ref<const Payload<V>>::adopt(payload_.load(std::memory_order_relaxed)));
  }
  ValueCell(const ValueCell&) = delete;
  ValueCell& operator=(const ValueCell&) = delete;

  template <class Use>
  decltype(auto) use(Use&& use) const {
    return std::forward<Use>(use)(payload_.load(std::memory_order_acquire)->value);
  }
  [[nodiscard]] const void* block() const noexcept {
    return payload_.load(std::memory_order_relaxed);
  }
  /// Has the memory fetched that is touched when the value goes.
  void fetch_block() const noexcept { __builtin_prefetch(block(), 1); }
  [[nodiscard]] Content<V> content() const noexcept {
    return Content<V>(Ref<const Payload<V>>(payload_.load(std::memory_order_relaxed)));
  }
  [[nodiscard]] Replaced replace(Content<V> content) noexcept {
    const auto* old = payload_.load(std::memory_order_relaxed);
    payload_.store(content.take().release_ownership(), std::memory_order_release);
    return old;
  }

 private:
  std::atomic<const Payload<V>*> payload_;
};

template <class V>
class ValueCell<V, true> {
 public:
  using Replaced = const Payload<V>*;  // Always null.

  explicit ValueCell(const Content<V>& content) noexcept : word_(to_word(content.value())) {}

  template <class Use>
  decltype(auto) use(Use&& use) const {
    const V value = from_word<V>(word_.load(std::memory_order_acquire));
    return std::forward<Use>(use)(value);
  }
  void fetch_block() const noexcept {}
  [[nodiscard]] Content<V> content() const noexcept {
    return Content<V>(from_word<V>(word_.load(std::memory_order_relaxed)));
  }
  [[nodiscard]] std::uint64_t word() const noexcept {
    return word_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Replaced replace(const Content<V>& content) noexcept {
    word_.store(to_word(content.value()), std::memory_order_release);
    return nullptr;
  }

 private:
  std::atomic<std::uint64_t> word_;
};

}  // namespace tarmac::internal
