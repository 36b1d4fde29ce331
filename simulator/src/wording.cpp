#include "wording.h"

#include <fmt/format.h>

#include <array>

namespace tarmac::internal {

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  constexpr double kStep = 1'024;
  if (static_cast<double>(bytes) < kStep) return std::to_string(bytes) + " B";
  double amount = static_cast<double>(bytes) / kStep;
  std::size_t unit = 0;
  for (; amount >= kStep && unit + 1 < kUnits.size(); ++unit) amount /= kStep;
  return fmt::format("{:.3g} {}", amount, kUnits.at(unit));
}

std::string percent_text(double ratio) { return fmt::format("{:.2f} %", ratio * 100); }

}  // namespace tarmac::internal
