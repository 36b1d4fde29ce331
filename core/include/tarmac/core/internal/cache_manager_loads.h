// CacheManager: values that loaders give. Included by cache_manager.h.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <type_traits>

namespace tarmac {

template <class K, class V, class H, class E>
template <class Result>
auto CacheManager<K, V, H, E>::intend(Key key, Result&& result) -> std::optional<Intent> {
  std::optional<Intent> intent;
  internal::unpack_loaded<V>(std::forward<Result>(result),
                             [&](V&& value, const SetOptions& options) {
                               auto prepared = prepare(key, std::move(value), options);
                               if (prepared.outcome == SetOutcome::too_large)
                                 engine_.counters().add(Counter::rejected);
                               intent = std::move(prepared.intent);
                             });
  return intent;
}

template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::get_or_load(Key key, Loader&& loader) ->
    typename internal::LoadResult<V, std::invoke_result_t<Loader&>>::Returned {
  using Result = internal::LoadResult<V, std::invoke_result_t<Loader&>>;
  static_assert(Result::kFits,
                "a loader returns V, tarmac::Loaded<V>, or a std::optional of one of them");
  std::optional<V> found;
  if (engine_.read(key, [&found](const V& value) { found.emplace(value); })) {
    return std::move(*found);
  }
  for (;;) {
    const auto content = engine_.load(key, [&] { return intend(key, loader()); });
    if (content) return content.value();
    if constexpr (Result::kMayBeNothing) return std::nullopt;
    // Somebody else's loader found nothing; this one always finds something.
  }
}

}  // namespace tarmac
