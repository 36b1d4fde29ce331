// How keys are hashed and compared: seeded, so that chosen keys cannot be made to collide, and
// transparent for strings, so that looking up a string_view makes no string.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tarmac {

/// XXH3 of `bytes`, keyed by `seed`.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept;

/// From the operating system's source of randomness. Throws what std::random_device throws.
[[nodiscard]] std::uint64_t random_seed();

/// Spreads 64 bits over 64 bits, keyed: the two halves of a 128-bit product, folded.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t value, std::uint64_t seed) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product =
      static_cast<Wide>(value ^ seed) * (0x9E3779B97F4A7C15ULL ^ ((seed << 1U) | 1U));
  std::uint64_t folded =
      static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  folded ^= folded >> 32U;
  return folded * 0xD6E8FEB86659FD93ULL;
}

/// The default hash: integers and enumerations are mixed, strings go through hash_bytes(), and any
/// other type through std::hash, whose result is mixed.
template <class K>
struct Hash {
  std::uint64_t operator()(const K& key, std::uint64_t seed) const
      requires(!std::convertible_to<const K&, std::string_view>) {
    if constexpr (std::is_integral_v<K> || std::is_enum_v<K>) {
      return mix(static_cast<std::uint64_t>(key), seed);
    } else {
      return mix(static_cast<std::uint64_t>(std::hash<K>{}(key)), seed);
    }
  }
  std::uint64_t operator()(std::string_view key, std::uint64_t seed) const
      requires(std::convertible_to<const K&, std::string_view>) {
    return hash_bytes(key, seed);
  }
};

/// Equality that compares strings with string_views directly.
struct KeyEqual {
  template <class A, class B>
  bool operator()(const A& a, const B& b) const noexcept(never_throws<A, B>()) {
    if constexpr (kOfTexts<A, B>) {
      return std::string_view(a) == std::string_view(b);
    } else {
      return a == b;
    }
  }

 private:
  template <class A, class B>
  static constexpr bool kOfTexts = std::convertible_to<const A&, std::string_view>&&
      std::convertible_to<const B&, std::string_view>;
  /// Where it is known: what becomes a string_view may throw on the way.
  template <class A, class B>
  static constexpr bool never_throws() {
    if constexpr (kOfTexts<A, B>) {
      return false;
    } else {
      return noexcept(std::declval<const A&>() == std::declval<const B&>());
    }
  }
};

}  // namespace tarmac
