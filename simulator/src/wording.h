// How numbers are written for people.
#pragma once

#include <cstdint>
#include <string>

namespace tarmac::internal {

/// `1,234,567`.
[[nodiscard]] std::string grouped(std::uint64_t number);
/// `64 MiB`, `1.5 GiB`; whole bytes where it is less than a KiB.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// `12.34 %` of a ratio.
[[nodiscard]] std::string percent_text(double ratio);

}  // namespace tarmac::internal
