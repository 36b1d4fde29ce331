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

// After a miss, which has been counted. Whether there is a value for `use(const V&)`.
template <class K, class V, class H, class E>
template <class Use>
bool CacheManager<K, V, H, E>::read_through(Key key, Use&& use) {
  if constexpr (internal::kMayBeStored<K, V>) {
    const auto content =
        engine_.load(key, [&] { return intend(key, internal::as_loaded<V>(engine_.stored(key))); });
    if (content) use(content.value());
    return static_cast<bool>(content);
  } else {
    return false;
  }
}

// What the store has, if it is read through; else what the loader gives, as it does for a store
// that does not answer: better the source than nothing.
template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::intend_first(Key key, Loader&& loader) -> std::optional<Intent> {
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
  return intend(key, loader());
}

template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::get_or_load(Key key, Loader&& loader, const LoadOptions& options)
    -> internal::load_returned_t<V, Loader> {
  using Result = internal::LoadResult<V, std::invoke_result_t<Loader&>>;
  static_assert(Result::kFits,
                "a loader returns V, tarmac::Loaded<V>, or a std::optional of one of them");
  std::optional<V> found;
  engine_.loads().keep_expired(options);
  if (!engine_.read(key, [&found](const V& value) { found.emplace(value); })) {
    auto loaded = load_missing(key, std::forward<Loader>(loader), options);
    if (loaded) found.emplace(std::move(*loaded));
  } else if (options.may_refresh()) [[unlikely]] {
    if (auto newer = refreshed(key, loader, options)) found.emplace(std::move(*newer));
  }
  if constexpr (Result::kMayBeNothing) {
    return found;  // In its place from the beginning: a hit moves nothing.
  } else {
    return std::move(*found);
  }
}

template <class K, class V, class H, class E>
template <class Loader>
std::optional<V> CacheManager<K, V, H, E>::load_missing(Key key, Loader&& loader,
                                                        const LoadOptions& options) {
  using Result = internal::LoadResult<V, std::invoke_result_t<Loader&>>;
  const auto value_of = [](const internal::Content<V>& content) {
    return content ? std::optional<V>(content.value()) : std::nullopt;
  };
  const internal::LoadRules rules{options, Result::kMayBeNothing};
  if constexpr (std::is_constructible_v<std::decay_t<Loader>, Loader>) {
    if (options.executor && options.may_time_out()) {
      const auto outcome =
          std::make_shared<internal::LoadFlight<K, V>>(K(key), 0, std::thread::id());
      load_elsewhere(key, std::forward<Loader>(loader), options, Result::kMayBeNothing,
                     [outcome](const auto& content, const auto& error) {
                       error ? outcome->fail(error) : outcome->publish(content);
                     });
      return value_of(engine_.loads().await(*outcome, rules));
    }
  }
  for (;;) {
    const auto content = engine_.loads().get(
        key, [&] { return intend_first(key, loader); }, rules);
    if (content || Result::kMayBeNothing) return value_of(content);
    // Somebody else's loader found nothing; this one always finds something.
  }
}

// The new value, if this caller was the one to load it.
template <class K, class V, class H, class E>
template <class Loader>
std::optional<V> CacheManager<K, V, H, E>::refreshed(Key key, Loader& loader,
                                                     const LoadOptions& options) {
  auto loads = engine_.loads();
  const auto stamp = loads.due_for_refresh(key, options);
  if (stamp == 0) return std::nullopt;
  if constexpr (std::is_copy_constructible_v<std::remove_const_t<Loader>>) {
    if (options.executor) {
      auto load = [this, copy = loader](const K& of) mutable { return intend(of, copy()); };
      using Pending = internal::PendingRefresh<decltype(engine_), K, decltype(load)>;
      const auto pending =
          std::make_shared<Pending>(engine_, K(key), std::move(load), options, stamp);
      try {
        options.executor([pending] { pending->run(); });
      } catch (...) {
        loads.count(Counter::load_failures);  // The caller has the old value.
      }
      return std::nullopt;
    }
  }
  const auto content = loads.refresh(
      key, stamp, [&] { return intend(key, loader()); }, options);
  return content ? std::optional<V>(content.value()) : std::nullopt;
}

template <class K, class V, class H, class E>
template <class Loader>
void CacheManager<K, V, H, E>::load_elsewhere(Key key, Loader&& loader, const LoadOptions& options,
                                              bool may_be_nothing,
                                              typename internal::LoadFlight<K, V>::Then done) {
  auto load = [this, own = std::decay_t<Loader>(std::forward<Loader>(loader))](
                  const K& of) mutable { return intend_first(of, own); };
  using Pending = internal::PendingLoad<decltype(engine_), K, V, decltype(load)>;
  std::make_shared<Pending>(engine_, K(key), std::move(load), options, std::move(done))
      ->start(may_be_nothing);
}

template <class K, class V, class H, class E>
template <class Loader>
auto CacheManager<K, V, H, E>::load_async(Key key, Loader&& loader, const Executor& executor)
    -> std::future<internal::load_returned_t<V, Loader>> {
  using Result = internal::LoadResult<V, std::invoke_result_t<std::decay_t<Loader>&>>;
  using Returned = internal::load_returned_t<V, Loader>;
  static_assert(Result::kFits,
                "a loader returns V, tarmac::Loaded<V>, or a std::optional of one of them");
  if (!executor) {
    throw UsageError("cache \"" + name() + "\": load_async() needs an executor to run its loader");
  }
  auto options = engine_.options().loading;
  options.executor = executor;
  engine_.loads().keep_expired(options);
  const auto promise = std::make_shared<std::promise<Returned>>();
  auto future = promise->get_future();
  if (engine_.read(key, [&](const V& value) { promise->set_value(value); })) return future;
  load_elsewhere(
      key, std::forward<Loader>(loader), options, Result::kMayBeNothing,
      [promise](const auto& content, const auto& error) {
        try {
          if (error) {
            promise->set_exception(error);
          } else if constexpr (Result::kMayBeNothing) {
            promise->set_value(content ? Returned(content.value()) : std::nullopt);
          } else {
            promise->set_value(content.value());
          }
        } catch (...) {
          promise->set_exception(std::current_exception());  // The value's copying threw.
        }
      });
  return future;
}

}  // namespace tarmac
