// Bytes as text for the JSON files of stores and policies. Internal to Tarmac's rooms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// `bytes` in the alphabet of RFC 4648, section 4, padded. O(bytes).
[[nodiscard]] std::string to_base64(std::string_view bytes);

/// The bytes that to_base64() makes `text` of; empty if there are none. O(bytes).
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace tarmac::internal
