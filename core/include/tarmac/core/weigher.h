// What an entry weighs unless the user says otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <ranges>
#include <type_traits>

namespace tarmac {

/// Says what an entry counts against max_bytes. Called once for each set(), before any lock; the
/// result is kept with the entry, so that it may depend on what changes later.
template <class K, class V>
using Weigher = std::function<std::uint64_t(const K&, const V&)>;

/// Bytes of content: for a string or another contiguous range of plain values its elements, for
/// anything else its sizeof. What the cache itself needs for an entry is not counted.
template <class T>
[[nodiscard]] std::uint64_t content_bytes(const T& object) {
  if constexpr (std::ranges::contiguous_range<const T> && std::ranges::sized_range<const T>) {
    using Element = std::ranges::range_value_t<const T>;
    if constexpr (std::is_trivially_copyable_v<Element>) {
      return static_cast<std::uint64_t>(std::ranges::size(object)) * sizeof(Element);
    }
  }
  return sizeof(T);
}

}  // namespace tarmac
