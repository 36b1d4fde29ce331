// Numbers in the bytes of a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tarmac::internal {

/// The number in `bytes`, at most 8 of them, the lowest byte first.
[[nodiscard]] inline std::uint64_t little_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[i - 1]);
  }
  return value;
}

/// The same, the highest byte first.
[[nodiscard]] inline std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace tarmac::internal
