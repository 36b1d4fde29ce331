// Functions that remember: the cache in front of a slow function, with the function's signature.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/core/make_key.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tarmac {
namespace internal {

/// `Result(Arguments...)` of what can be called in one way only; of a member function, the object
/// comes first. Without a `type` for others.
template <class F>
struct SignatureOf {};
template <class F>
requires requires { &F::operator(); }
struct SignatureOf<F> : SignatureOf<decltype(&F::operator())> {};

template <class R, class... A>
struct SignatureOf<R (*)(A...)> {
  using type = R(A...);
};
template <class R, class... A>
struct SignatureOf<R (*)(A...) noexcept> : SignatureOf<R (*)(A...)> {};

/// A lambda's call operator is a member without an object to speak of.
template <class R, class C, class... A>
struct SignatureOf<R (C::*)(A...) const> {
  using type = R(A...);
  using with_object = R(const C&, A...);
};
template <class R, class C, class... A>
struct SignatureOf<R (C::*)(A...) const noexcept> : SignatureOf<R (C::*)(A...) const> {};

template <class F>
struct MemoizedSignature : SignatureOf<F> {};
template <class F>
requires std::is_member_function_pointer_v<F> && requires { typename SignatureOf<F>::with_object; }
struct MemoizedSignature<F> {
  using type = typename SignatureOf<F>::with_object;
};

template <class F>
concept HasOneSignature = requires {
  typename MemoizedSignature<F>::type;
};

/// What is written through a reference would not be written by a hit.
template <class Argument>
inline constexpr bool kIsInput =
    !std::is_lvalue_reference_v<Argument> || std::is_const_v<std::remove_reference_t<Argument>>;

}  // namespace internal

/// A function and the cache in front of it; made by memoize(). Copies share the cache.
/// Thread-safety: may be called from any thread, if the function may.
template <class Cache, class Function, class Signature>
class Memoized;

template <class Cache, class Function, class Result, class... Arguments>
class Memoized<Cache, Function, Result(Arguments...)> {
  using V = typename Cache::mapped_type;
  using Value = std::remove_cvref_t<Result>;
  // What is wrong with a void result is said below, and only once.
  using Kept = internal::LoadResult<V, std::conditional_t<std::is_void_v<Result>, V, Value>>;
  static_assert(!std::is_void_v<Result>,
                "tarmac::memoize: a function that returns void leaves nothing to remember");
  static_assert((internal::kIsInput<Arguments> && ...),
                "tarmac::memoize: a function that writes to its arguments cannot be remembered; "
                "return what it writes");
  static_assert(std::is_same_v<typename Cache::key_type, std::string>,
                "tarmac::memoize: the keys of the cache must be std::string");
  static_assert(Kept::kFits,
                "tarmac::memoize: the function must return the cache's values, tarmac::Loaded<V> "
                "or a std::optional of one of them");

 public:
  /// For memoize().
  Memoized(Cache& cache, std::string name, Function function, LoadOptions options)
      : cache_(&cache),
        name_(std::move(name)),
        function_(std::move(function)),
        options_(std::move(options)),
        figures_(cache.functions().figures_of(name_)) {}

  /// What the cache has, or what the function returns, which it then has. As get_or_load(): one
  /// call for equal arguments however many threads ask; exceptions pass through.
  typename Kept::Returned operator()(Arguments... arguments) const {
    const auto its_key = key(arguments...);
    if constexpr ((std::is_copy_constructible_v<std::decay_t<Arguments>> && ...)) {
      if (options_.executor) {  // The loader may outlive this call: it needs all of its own.
        const auto called = std::make_shared<std::atomic<bool>>(false);
        return counted(*called, [&] {
          return cache_->get_or_load(
              its_key,
              [self = *this, called, own = std::tuple<std::decay_t<Arguments>...>(arguments...)] {
                return std::apply(
                    [&](auto... each) { return self.call(*called, std::move(each)...); }, own);
              },
              options_);
        });
      }
    }
    std::atomic<bool> called = false;
    return counted(called, [&] {
      return cache_->get_or_load(
          its_key, [&] { return call(called, std::forward<Arguments>(arguments)...); }, options_);
    });
  }
  /// The key for these arguments, to erase or inspect what is remembered.
  [[nodiscard]] std::string key(const std::remove_reference_t<Arguments>&... arguments) const {
    return make_key(name_, arguments...);
  }

 private:
  template <class... Given>
  Value call(std::atomic<bool>& called, Given&&... given) const {
    called = true;
    const auto began = cache_->clock()->steady_now();
    // Also when the function throws.
    const std::shared_ptr<void> counts(nullptr, [this, began](void*) {
      figures_->add_miss(cache_->clock()->steady_now() - began);
    });
    if constexpr (std::is_invocable_v<const Function&, Arguments...>) {
      return std::invoke(function_, std::forward<Given>(given)...);
    } else {
      static_assert(std::is_invocable_v<const Function&, const Memoized&, Arguments...>,
                    "tarmac::memoize: the function does not take these arguments, with or "
                    "without a reference to itself in front of them");
      return std::invoke(function_, *this, std::forward<Given>(given)...);
    }
  }
  template <class Get>
  typename Kept::Returned counted(const std::atomic<bool>& called, const Get& get) const {
    auto result = get();
    if (!called) figures_->add_hit();
    return result;
  }

  Cache* cache_;
  std::string name_;
  Function function_;
  LoadOptions options_;
  /// With the cache's table.
  std::shared_ptr<FunctionFigures> figures_;
};

/// `function` with `cache` in front of it, to be called in the same way. What it returned is kept
/// under make_key(name, arguments...), where each argument has the type that the function takes.
/// `Signature`, as in `memoize<long(int)>(...)`, is needed where a function can be called in
/// several ways: generic ones, and recursive ones, which take a reference to what memoize() returns
/// in front of their arguments:
///
///     auto fib = memoize<long(int)>(cache, "fib", [](auto& self, int n) -> long {
///       return n < 2 ? n : self(n - 1) + self(n - 2);
///     });
///
/// - Free functions, lambdas, function objects, and const member functions (the object comes first,
///   and is part of the key by KeyParts). A result by reference is kept as a copy.
/// - `options` are those of get_or_load(): with error_ttl, for example, exceptions are remembered.
///   Without them, the cache's.
/// - Hits, misses and durations are counted by name (CacheBase::functions()).
/// - Two functions in one cache need two names; a function that changes its mind, a new one.
/// - `cache` must outlive what is returned.
template <class Signature = void, class Cache, class Function>
[[nodiscard]] auto memoize(Cache& cache, std::string name, Function function, LoadOptions options) {
  const auto make = [&]<class Its>(std::type_identity<Its>) {
    return Memoized<Cache, Function, Its>(cache, std::move(name), std::move(function),
                                          std::move(options));
  };
  if constexpr (!std::is_void_v<Signature>) {
    return make(std::type_identity<Signature>());
  } else {
    static_assert(internal::HasOneSignature<Function>,
                  "tarmac::memoize: say how the function is called, as in memoize<int(double)>; "
                  "one that changes its object cannot be remembered");
    return make(std::type_identity<typename internal::MemoizedSignature<Function>::type>());
  }
}
template <class Signature = void, class Cache, class Function>
[[nodiscard]] auto memoize(Cache& cache, std::string name, Function function) {
  return memoize<Signature>(cache, std::move(name), std::move(function), cache.options().loading);
}

}  // namespace tarmac
