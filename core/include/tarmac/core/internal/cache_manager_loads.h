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

// After a miss, which has been counted. Whether there is a value for `use(const V&)`.
template <class K, class V, class H, class E>
template <class Use>
bool CacheManager<K, V, H, E>::read_through(Key key, Use&& use) {
  // Nothing else has a store.
  if constexpr (Encodable<K> && Encodable<V> && std::is_copy_constructible_v<V>) {
    const auto content = engine_.load(key, [&]() -> std::optional<Intent> {
      const auto stored = engine_.stored(key);
      if (!stored) return std::nullopt;
      SetOptions options;
      if (stored->deadline != kNever) {
        options.ttl = std::chrono::nanoseconds(stored->deadline - stored->created_at);
      }
      return intend(key, Loaded<V>{stored->content.value(), options});
    });
    if (content) use(content.value());
    return static_cast<bool>(content);
  } else {
    return false;
  }
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
