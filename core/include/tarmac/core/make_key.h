// Keys from arguments: one string for one list of values, the same in every process and on every
// platform.
#pragma once

#include <tarmac/core/error.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tarmac {

/// Says what a type of the user's own consists of, for make_key(). Specialise it:
///
///     template <> struct tarmac::KeyParts<Point> {
///       static constexpr std::string_view kName = "Point";  // tells it from other types
///       static auto of(const Point& p) { return std::tie(p.x, p.y); }
///     };
///
/// For an enumeration too, to tell it from others with the same numbers.
template <class T>
struct KeyParts;

/// An argument with a name; see kw().
template <class T>
struct Keyword {
  std::string_view name;
  T value;
};

/// An argument of make_key() that is known by its name: named arguments may come in any order.
/// Refers to what it is given, so write it in the call.
template <class T>
[[nodiscard]] constexpr Keyword<T> kw(std::string_view name, T&& value) {
  return {name, std::forward<T>(value)};
}

/// The values that the key says, readable: `"user", 42, [1, 2], a=1`. For logs; it is no key. What
/// make_key() has not made is shown as a quoted string. Linear in the length.
[[nodiscard]] std::string describe_key(std::string_view key);

namespace internal {

void append_integer(std::string& out, std::int64_t value);
void append_unsigned(std::string& out, std::uint64_t value);
void append_character(std::string& out, std::uint32_t code);
void append_float(std::string& out, double value);
void append_text(std::string& out, char tag, std::string_view text);
void append_sorted(std::string& out, char open, std::vector<std::string>& parts, char close);
/// Throws UsageError if two have one name. Each part is a name and the encoded value.
void append_keywords(std::string& out,
                     std::vector<std::pair<std::string_view, std::string>>& keywords);
/// Throws UsageError for nullptr.
[[nodiscard]] std::string_view view_of_chars(const char* text);

template <class T>
concept KeyOfUser = requires(const T& value) {
  { KeyParts<T>::kName } -> std::convertible_to<std::string_view>;
  KeyParts<T>::of(value);
};
template <class T>
concept CharacterType = std::same_as<T, char> || std::same_as<T, wchar_t> ||
    std::same_as<T, char8_t> || std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};
template <class T>
concept SetLike = std::ranges::input_range<const T> && requires {
  typename T::key_type;
};
template <class T>
concept MapLike = SetLike<T> && requires {
  typename T::mapped_type;
};

/// A range of itself, such as a path, has no end.
template <class T>
concept SequenceLike =
    std::ranges::input_range<const T> && !std::same_as<std::ranges::range_value_t<const T>, T>;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVariant = false;
template <class... T>
inline constexpr bool kIsVariant<std::variant<T...>> = true;
template <class T>
inline constexpr bool kIsArray = false;
template <class T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;
template <class T>
inline constexpr bool kIsKeyword = false;
template <class T>
inline constexpr bool kIsKeyword<Keyword<T>> = true;
template <class>
inline constexpr bool kNoKeyFor = false;

template <class T>
void append_key(std::string& out, const T& value);

template <class T>
void append_number(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? 't' : 'f';
  } else if constexpr (CharacterType<T>) {
    append_character(out, static_cast<std::uint32_t>(static_cast<std::make_unsigned_t<T>>(value)));
  } else if constexpr (std::is_floating_point_v<T>) {
    static_assert(sizeof(T) <= sizeof(double),
                  "tarmac::make_key: a long double differs between platforms; convert it first");
    append_float(out, static_cast<double>(value));
  } else {
    static_assert(sizeof(T) <= sizeof(std::int64_t));
    if constexpr (std::is_signed_v<T>) {
      append_integer(out, static_cast<std::int64_t>(value));
    } else {
      append_unsigned(out, static_cast<std::uint64_t>(value));
    }
  }
}

/// Sorted by their encoding: neither the order of iteration nor a comparison of the user's counts.
template <class T>
void append_associative(std::string& out, const T& values) {
  std::vector<std::string> parts;
  for (const auto& value : values) {
    auto& part = parts.emplace_back();
    if constexpr (MapLike<T>) {
      append_key(part, value.first);
      append_key(part, value.second);
    } else {
      append_key(part, value);
    }
  }
  append_sorted(out, MapLike<T> ? '<' : '{', parts, MapLike<T> ? '>' : '}');
}

template <class T>
void append_sequence(std::string& out, const T& values) {
  out += '[';
  for (auto&& value : values) {
    // The value type, because std::vector<bool> shows its elements through something else.
    append_key(out, static_cast<const std::ranges::range_value_t<const T>&>(value));
  }
  out += ']';
}

template <class T>
void append_variant(std::string& out, const T& value) {
  if (value.valueless_by_exception()) {
    throw UsageError("tarmac::make_key: a variant without a value cannot be part of a key");
  }
  out += 'v';
  append_unsigned(out, value.index());
  std::visit([&out](const auto& held) { append_key(out, held); }, value);
}

template <class T>
void append_key(std::string& out, const T& value) {
  if constexpr (KeyOfUser<T>) {
    append_text(out, 'u', KeyParts<T>::kName);
    append_key(out, KeyParts<T>::of(value));
  } else if constexpr (std::is_same_v<T, std::nullopt_t> || std::is_same_v<T, std::monostate>) {
    out += 'n';
  } else if constexpr (std::is_convertible_v<const T&, const char*>) {
    append_text(out, 's', view_of_chars(value));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    append_text(out, 's', std::string_view(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    append_number(out, value);
  } else if constexpr (std::is_enum_v<T>) {
    out += 'e';
    const auto number = static_cast<std::underlying_type_t<T>>(value);
    if constexpr (std::is_signed_v<decltype(number)>) {
      append_integer(out, static_cast<std::int64_t>(number));
    } else {
      append_unsigned(out, static_cast<std::uint64_t>(number));
    }
  } else if constexpr (kIsOptional<T>) {
    out += value ? 'o' : 'n';
    if (value) append_key(out, *value);
  } else if constexpr (kIsVariant<T>) {
    append_variant(out, value);
  } else if constexpr (SetLike<T>) {
    append_associative(out, value);
  } else if constexpr (TupleLike<T> && !kIsArray<T>) {
    out += '(';
    std::apply([&out](const auto&... parts) { (append_key(out, parts), ...); }, value);
    out += ')';
  } else if constexpr (SequenceLike<T>) {
    append_sequence(out, value);
  } else {
    static_assert(kNoKeyFor<T>,
                  "tarmac::make_key: this type has no key. Specialise tarmac::KeyParts for it; "
                  "pass what a pointer points to, not its address; kw() only at the top level");
  }
}

template <class T>
void append_argument(std::string& out,
                     std::vector<std::pair<std::string_view, std::string>>& keywords,
                     const T& argument) {
  if constexpr (kIsKeyword<T>) {
    std::string part;
    append_key(part, argument.value);
    keywords.emplace_back(argument.name, std::move(part));
  } else {
    append_key(out, argument);
  }
}

}  // namespace internal

/// A key for these arguments: two lists of arguments have the same key if and only if they are
/// equal. Stable across processes, platforms and versions of this library. Linear in their size.
///
/// - Integers by value, whatever their width; `true`, `1`, `1.0`, `'1'` and `"1"` all differ.
/// - Floating point by value, float as double; 0.0 and -0.0 differ, all NaNs are one.
/// - Strings, string_views and literals by content (a `const char*` up to its NUL).
/// - Optionals, variants, pairs, tuples, sequences, sets, maps, and all of them nested. Sets and
///   maps, unordered ones too, by content whatever their order.
/// - Enumerations by number: two with the same number meet, unless KeyParts tells them apart.
/// - Types of the user's own by KeyParts. Pointers are refused: an address is no value.
/// - kw() arguments by name, in any order, before or after the others.
///
/// Exceptions: UsageError for a null `const char*`, and for two kw() of one name.
template <class... Arguments>
[[nodiscard]] std::string make_key(const Arguments&... arguments) {
  std::string out;
  std::vector<std::pair<std::string_view, std::string>> keywords;
  (internal::append_argument(out, keywords, arguments), ...);
  internal::append_keywords(out, keywords);
  return out;
}

}  // namespace tarmac
