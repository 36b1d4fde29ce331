// Numbers and times as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tarmac::demo {

/// `1,234,567`.
[[nodiscard]] std::string grouped(std::uint64_t number);
/// `1 entry`, `2,000 entries`.
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view one,
                                  std::string_view many);
/// `1.5s`, `250ms`, `2h`: the largest unit that needs at most three decimals.
[[nodiscard]] std::string duration_words(std::chrono::nanoseconds duration);
/// `0.8125`, without trailing zeros.
[[nodiscard]] std::string decimal(double number);
/// `81.3 %`.
[[nodiscard]] std::string percent(double share);
/// `text` on one line, with nothing in it that a terminal would obey.
[[nodiscard]] std::string harmless(std::string_view text);
/// At most `most` characters of it.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most = 40);

}  // namespace tarmac::demo
