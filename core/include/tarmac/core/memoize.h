// Functions that remember: the cache in front of a slow function, with the function's signature.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/core/make_key.h>

#include <functional>
#include <string>
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
  Memoized(Cache& cache, std::string name, Function function)
      : cache_(&cache), name_(std::move(name)), function_(std::move(function)) {}

  /// What the cache has, or what the function returns, which it then has. As get_or_load(): one
  /// call for equal arguments however many threads ask; exceptions pass through.
  typename Kept::Returned operator()(Arguments... arguments) const {
    return cache_->get_or_load(key(arguments...), [&]() -> Value {
      if constexpr (std::is_invocable_v<const Function&, Arguments...>) {
        return std::invoke(function_, std::forward<Arguments>(arguments)...);
      } else {
        static_assert(std::is_invocable_v<const Function&, const Memoized&, Arguments...>,
                      "tarmac::memoize: the function does not take these arguments, with or "
                      "without a reference to itself in front of them");
        return std::invoke(function_, *this, std::forward<Arguments>(arguments)...);
      }
    });
  }
  /// The key for these arguments, to erase or inspect what is remembered.
  [[nodiscard]] std::string key(const std::remove_reference_t<Arguments>&... arguments) const {
    return make_key(name_, arguments...);
  }

 private:
  Cache* cache_;
  std::string name_;
  Function function_;
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
/// - Two functions in one cache need two names; a function that changes its mind, a new one.
/// - `cache` must outlive what is returned.
template <class Signature = void, class Cache, class Function>
[[nodiscard]] auto memoize(Cache& cache, std::string name, Function function) {
  if constexpr (!std::is_void_v<Signature>) {
    return Memoized<Cache, Function, Signature>(cache, std::move(name), std::move(function));
  } else {
    static_assert(internal::HasOneSignature<Function>,
                  "tarmac::memoize: say how the function is called, as in memoize<int(double)>; "
                  "one that changes its object cannot be remembered");
    using Deduced = typename internal::MemoizedSignature<Function>::type;
    return Memoized<Cache, Function, Deduced>(cache, std::move(name), std::move(function));
  }
}

}  // namespace tarmac
