// The units of bytes that people may write. Internal to Tarmac's rooms.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tarmac::internal {

struct ByteUnit {
  std::string_view name;
  std::uint64_t bytes;
};

inline constexpr std::array<ByteUnit, 9> kByteUnits{{{"B", 1},
                                                     {"kB", 1'000},
                                                     {"MB", 1'000'000},
                                                     {"GB", 1'000'000'000},
                                                     {"TB", 1'000'000'000'000},
                                                     {"KiB", 1ULL << 10U},
                                                     {"MiB", 1ULL << 20U},
                                                     {"GiB", 1ULL << 30U},
                                                     {"TiB", 1ULL << 40U}}};

/// The bytes in the unit `name`; empty if there is none of that name.
[[nodiscard]] constexpr std::optional<std::uint64_t> bytes_of_unit(std::string_view name) noexcept {
  for (const ByteUnit& unit : kByteUnits) {
    if (unit.name == name) return unit.bytes;
  }
  return std::nullopt;
}

}  // namespace tarmac::internal
