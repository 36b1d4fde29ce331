// By what a key is looked up: customisation points for key types.
#pragma once

#include <concepts>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace tarmac {

/// What look-ups take instead of a `const K&`. For strings a std::string_view, so that looking up a
/// literal makes no string. Specialise it for a key type that has a cheap view of its own; K must
/// be constructible from it, and the hash and the equality must accept it.
template <class K>
struct LookupKey {
  using type = const K&;
};
template <>
struct LookupKey<std::string> {
  using type = std::string_view;
};
template <class K>
using lookup_key_t = typename LookupKey<K>::type;

/// A key as text, for events and messages. Called only when an observer asks for the key. Overload
/// it beside a key type that has no operator<<.
template <class K>
[[nodiscard]] std::string render_key(const K& key) {
  if constexpr (std::is_convertible_v<const K&, std::string_view>) {
    return std::string(std::string_view(key));
  } else if constexpr (requires(std::ostream & out) { out << key; }) {
    std::ostringstream out;
    out << key;
    return out.str();
  } else {
    return "(a key without operator<<)";
  }
}

}  // namespace tarmac
