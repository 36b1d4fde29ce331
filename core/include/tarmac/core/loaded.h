// What a loader may return.
#pragma once

#include <tarmac/core/cache_options.h>

#include <optional>
#include <type_traits>

namespace tarmac {

/// A loaded value that says how it is to be kept.
template <class V>
struct Loaded {
  V value;
  SetOptions options = {};
};

namespace internal {

template <class T>
inline constexpr bool kIsLoaded = false;
template <class V>
inline constexpr bool kIsLoaded<Loaded<V>> = true;

/// How the results `R` of a loader become values `V`. Anything that converts to V is one, even if
/// it is an optional; else an optional may be empty.
template <class V, class R>
struct LoadResult {
  static constexpr bool kMayBeNothing = false;
  static constexpr bool kFits = std::is_convertible_v<R, V>;
  using Returned = V;
};
template <class V, class T>
struct LoadResult<V, Loaded<T>> {
  static constexpr bool kMayBeNothing = false;
  static constexpr bool kFits = std::is_convertible_v<T, V>;
  using Returned = V;
};
template <class V, class T>
requires(!std::is_convertible_v<std::optional<T>, V>) struct LoadResult<V, std::optional<T>> {
  static constexpr bool kMayBeNothing = true;
  static constexpr bool kFits = LoadResult<V, T>::kFits;
  using Returned = std::optional<V>;
};

/// What get_or_load() returns for such a loader.
template <class V, class Loader>
using load_returned_t =
    typename LoadResult<V, std::invoke_result_t<std::decay_t<Loader>&>>::Returned;

/// Calls `use(V&&, const SetOptions&)` with what a loader has returned, unless that is nothing.
template <class V, class R, class Use>
void unpack_loaded(R&& result, Use&& use) {
  using Plain = std::remove_cvref_t<R>;
  if constexpr (LoadResult<V, Plain>::kMayBeNothing) {
    if (result) unpack_loaded<V>(*std::forward<R>(result), std::forward<Use>(use));
  } else if constexpr (kIsLoaded<Plain>) {
    use(V(std::forward<R>(result).value), result.options);
  } else {
    use(V(std::forward<R>(result)), SetOptions{});
  }
}

}  // namespace internal
}  // namespace tarmac
