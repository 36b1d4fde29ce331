// What a store has, on its way into the cache.
#pragma once

#include <tarmac/core/codec.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/loaded.h>

#include <chrono>
#include <optional>
#include <type_traits>

namespace tarmac::internal {

/// Whether a store could have it, and it be given away.
template <class K, class V>
inline constexpr bool kMayBeStored = Encodable<K>&& Encodable<V>&& std::is_copy_constructible_v<V>;

/// What a store has, to be kept for as long as the store would.
template <class V>
std::optional<Loaded<V>> as_loaded(const std::optional<Version<V>>& stored) {
  if (!stored) return std::nullopt;
  Loaded<V> loaded{stored->content.value(), {}};
  if (stored->deadline != kNever) {
    loaded.options.ttl = std::chrono::nanoseconds(stored->deadline - stored->created_at);
  }
  return loaded;
}

}  // namespace tarmac::internal
