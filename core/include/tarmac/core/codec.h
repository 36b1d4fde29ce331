// How keys and values become the bytes that stores keep: a customisation point.
#pragma once

#include <tarmac/core/error.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace tarmac {

/// Specialise for a type of one's own:
///
///     template <> struct tarmac::Codec<Session> {
///       static std::string encode(const Session& value);
///       static Session decode(std::string_view bytes);  // Throws StoreError if it cannot.
///     };
///
/// Thread-safety: both are called from any thread, also while a cache is made: recovery is shared
/// among some.
template <class T>
struct Codec;

/// What a store can keep.
template <class T>
concept Encodable = requires(const T& value, std::string_view bytes) {
  { Codec<T>::encode(value) } -> std::convertible_to<std::string>;
  { Codec<T>::decode(bytes) } -> std::convertible_to<T>;
};

/// Strings are kept as they are.
template <>
struct Codec<std::string> {
  static std::string encode(const std::string& value) { return value; }
  static std::string decode(std::string_view bytes) { return std::string(bytes); }
};

/// Numbers are kept in little-endian order, in their own width.
template <class T>
requires std::is_arithmetic_v<T>
struct Codec<T> {
  static std::string encode(T value) {
    std::string bytes(sizeof(T), '\0');
    std::memcpy(bytes.data(), &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) reverse(bytes);
    return bytes;
  }
  static T decode(std::string_view bytes) {
    if (bytes.size() != sizeof(T)) {
      throw StoreError("decode a number: expected " + std::to_string(sizeof(T)) + " bytes, found " +
                       std::to_string(bytes.size()) + "; was it stored with another type?");
    }
    std::string copy(bytes);
    if constexpr (std::endian::native == std::endian::big) reverse(copy);
    if constexpr (std::is_same_v<T, bool>) {
      return copy[0] != '\0';  // Any other byte in a bool would be undefined.
    } else {
      T value{};
      std::memcpy(&value, copy.data(), sizeof(T));
      return value;
    }
  }

 private:
  static void reverse(std::string& bytes) { bytes.assign(bytes.rbegin(), bytes.rend()); }
};

}  // namespace tarmac
