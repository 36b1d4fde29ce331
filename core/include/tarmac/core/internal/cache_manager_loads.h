// CacheManager: values that loaders give. Included by cache_manager.h.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/core/internal/pending_load.h>
#include <tarmac/core/internal/stored_value.h>

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

// After a miss, which has been counted.
template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::read_through(Key key) -> Content {
  if constexpr (internal::kMayBeStored<K, V>) {
    return engine_.load(key,
                        [&] { return intend(key, internal::as_loaded<V>(engine_.stored(key))); });
  } else {
    return {};
  }
}

// What the store has, if it is read through; else what the loader gives, as it does for a store
// that does not answer: better the source than nothing.
template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::intend_first(Key key, internal::LoadCall<V> load)
    -> std::optional<Intent> {
  if constexpr (internal::kMayBeStored<K, V>) {
    if (engine_.options().read_through) {
      try {
        if (auto stored = internal::as_loaded<V>(engine_.stored(key))) {
          return intend(key, std::move(stored));
        }
      } catch (const StoreError&) {  // It has been told as store_error.
      }
    }
  }
  return load();
}

template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::own(Loader&& loader) -> OwnedLoad {
  // Behind a pointer, for a std::function would copy what can only be moved.
  auto shared = std::make_shared<std::decay_t<Loader>>(std::forward<Loader>(loader));
  return [this, shared = std::move(shared)](const K& key) { return intend(key, (*shared)()); };
}

template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::own_first(OwnedLoad load) -> OwnedLoad {
  return [this, load = std::move(load)](const K& key) {
    return intend_first(key, [&] { return load(key); });
  };
}

// Here and in what it calls, only what must know the loader's type is compiled for each of them.
template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::get_or_load(Key key, Loader&& loader, const LoadOptions& options)
    -> internal::load_returned_t<V, Loader> {
  using Result = internal::LoadResult<V, std::invoke_result_t<Loader&>>;
  static_assert(Result::kFits,
                "a loader returns V, tarmac::Loaded<V>, or a std::optional of one of them");
  std::optional<V> found;
  if (options.stale_if_error) [[unlikely]]
    engine_.loads().keep_expired(options);
  if (!engine_.copy(key, found)) {
    const auto loaded = load(key, std::forward<Loader>(loader), {options, Result::kMayBeNothing});
    if (loaded) found.emplace(loaded.value());
  } else if (options.may_refresh()) [[unlikely]] {
    if (const auto newer = refresh(key, loader, options)) found.emplace(newer.value());
  }
  if constexpr (Result::kMayBeNothing) {
    return found;  // In its place from the beginning: a hit moves nothing.
  } else {
    return std::move(*found);
  }
}

template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::load(Key key, Loader&& loader, const internal::LoadRules& rules)
    -> Content {
  if constexpr (std::is_constructible_v<std::decay_t<Loader>, Loader>) {
    if (rules.options.executor && rules.options.may_time_out()) {
      return internal::await_elsewhere(engine_, K(key),
                                       own_first(own(std::forward<Loader>(loader))), rules);
    }
  }
  const auto call = [&] { return intend(key, loader()); };
  return engine_.loads().get(
      key, [&] { return intend_first(key, call); }, rules);
}

// The new value, if this caller was the one to load it; else it has the old one.
template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::refresh(Key key, Loader& loader, const LoadOptions& options)
    -> Content {
  auto loads = engine_.loads();
  const auto stamp = loads.due_for_refresh(key, options);
  if (stamp == 0) return {};
  if constexpr (std::is_copy_constructible_v<std::decay_t<Loader>>) {
    if (options.executor) {
      internal::refresh_elsewhere(engine_, K(key), own(loader), options, stamp);
      return {};
    }
  }
  return loads.refresh(
      key, stamp, [&] { return intend(key, loader()); }, options);
}

template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::load_async(Key key, Loader&& loader, const Executor& executor)
    -> std::future<internal::load_returned_t<V, Loader>> {
  using Result = internal::LoadResult<V, std::invoke_result_t<std::decay_t<Loader>&>>;
  static_assert(Result::kFits,
                "a loader returns V, tarmac::Loaded<V>, or a std::optional of one of them");
  const auto make = [&] { return own(std::forward<Loader>(loader)); };
  return future_of<internal::load_returned_t<V, Loader>>(key, make, executor);
}

template <class K, class V, class H, class E>
template <class Returned>
std::future<Returned> CacheManager<K, V, H, E>::future_of(Key key, internal::LoadMaker<K, V> make,
                                                          const Executor& on) {
  constexpr bool kMayBeNothing = !std::is_same_v<Returned, V>;
  if (!on) {
    throw UsageError("cache \"" + name() + "\": load_async() needs an executor to run its loader");
  }
  auto options = engine_.options().loading;
  options.executor = on;
  engine_.loads().keep_expired(options);
  const auto promise = std::make_shared<std::promise<Returned>>();
  auto future = promise->get_future();
  if (engine_.read(key, [&](const V& value) { promise->set_value(value); })) return future;
  const auto keep = [promise](const Content& content, const std::exception_ptr& error) {
    try {
      if (error) {
        promise->set_exception(error);
      } else if constexpr (kMayBeNothing) {
        promise->set_value(content ? Returned(content.value()) : std::nullopt);
      } else {
        promise->set_value(content.value());
      }
    } catch (...) {  // The value's copying threw.
      promise->set_exception(std::current_exception());
    }
  };
  internal::load_elsewhere(engine_, K(key), own_first(make()), {options, kMayBeNothing}, keep);
  return future;
}

}  // namespace tarmac
