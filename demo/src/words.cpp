#include <tarmac/demo/words.h>

#include <fmt/format.h>

#include <array>

namespace tarmac::demo {

std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

std::string decimal(double number) {
  auto text = fmt::format("{:.4f}", number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string duration_words(std::chrono::nanoseconds duration) {
  struct Unit {
    std::int64_t nanoseconds;
    std::string_view name;
  };
  constexpr std::array<Unit, 7> kUnits{{{86'400'000'000'000, "d"},
                                        {3'600'000'000'000, "h"},
                                        {60'000'000'000, "min"},
                                        {1'000'000'000, "s"},
                                        {1'000'000, "ms"},
                                        {1'000, "us"},
                                        {1, "ns"}}};
  const auto count = duration.count();
  if (count == 0) return "0s";
  for (const auto& unit : kUnits) {
    const auto in_thousandths = unit.nanoseconds / 1'000;
    if (count < unit.nanoseconds && count > -unit.nanoseconds) continue;
    if (in_thousandths > 0 && count % in_thousandths != 0) continue;
    return decimal(static_cast<double>(count) / static_cast<double>(unit.nanoseconds)) +
           std::string(unit.name);
  }
  return std::to_string(count) + "ns";
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string harmless(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const auto next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
    const bool is_c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;  // U+0080 to U+009F.
    if (is_c1) ++at;
    result += is_c1 || byte < 0x20 || byte == 0x7F ? '?' : static_cast<char>(byte);
  }
  return result;
}

std::string shortened(std::string_view text, std::size_t most) {
  auto whole = harmless(text);
  std::size_t characters = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const bool begins_character = (static_cast<unsigned char>(whole[at]) & 0xC0U) != 0x80U;
    if (begins_character && ++characters > most) return whole.substr(0, at) + "…";
  }
  return whole;
}

}  // namespace tarmac::demo
