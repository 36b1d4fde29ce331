// The typed entry: a node for the strategy, links for the timing wheel, the key, and the value in a
// block of its own that readers, snapshots and the undo history share.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/entry_node.h>
#include <tarmac/core/internal/ref.h>

#include <cstdint>
#include <utility>

namespace tarmac::internal {

/// What the timing wheel links.
struct TimedNode : EntryNode {
  TimedNode* timer_previous = nullptr;
  TimedNode* timer_next = nullptr;
  /// The wheel's list that holds the node; kNoTimer while none does.
  std::uint32_t timer_list = kNoTimer;
  static constexpr std::uint32_t kNoTimer = ~std::uint32_t{0};
};

/// One value of a key, never changed after it is made.
template <class V>
struct Payload final : RefCounted {
  explicit Payload(V&& v) : value(std::move(v)) {}

  const V value;
  SteadyNanos created_at = 0;
  /// The deadline by its TTL; the entry's may be earlier, by expire_after_access.
  SteadyNanos deadline = kNever;
};

/// One version of a key: what undo restores and a snapshot keeps. Without a payload: no entry.
template <class V>
struct Version {
  explicit operator bool() const noexcept { return static_cast<bool>(payload); }

  Ref<const Payload<V>> payload;
  std::uint64_t stamp = 0;
  std::uint32_t weight = 0;
};

template <class K, class V>
struct Entry final : TimedNode, RefCounted {
  explicit Entry(K k) : key(std::move(k)) {}

  [[nodiscard]] Version<V> version() const { return {payload, stamp, weight}; }

  const K key;
  Ref<const Payload<V>> payload;
  std::uint64_t stamp = 0;
};

}  // namespace tarmac::internal
