// CRC-32C (Castagnoli): the checksum of every file of this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tarmac::internal {

/// Goes on from `crc`, which is 0 at the start; any other value makes a seeded checksum. Uses the
/// processor's own instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept;

/// The same from tables: for processors without the instruction, and for tests.
[[nodiscard]] std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t crc = 0) noexcept;

}  // namespace tarmac::internal
