#include "dead_letter_line.h"

#include <tarmac/core/hash.h>
#include <tarmac/core/internal/base64.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace tarmac::internal {
namespace {

// Part of the form: they never change.
constexpr std::uint64_t kCheckSeed = 0x7461726d61635f64;
constexpr std::string_view kCheck = R"(,"check":")";
constexpr std::string_view kEnd = "\"}";
constexpr std::size_t kCheckSize = 16;

/// A reason for people: what could disturb a line or a terminal becomes a question mark.
std::string plain(std::string_view reason) {
  std::string text(reason.substr(0, 1'000));
  std::replace_if(
      text.begin(), text.end(),
      [](char one) {
        const auto byte = static_cast<unsigned char>(one);
        return byte < 0x20 || byte > 0x7e || one == '"' || one == '\\';
      },
      '?');
  return text;
}

std::string hex(std::uint64_t number) {
  std::string text(kCheckSize, '0');
  for (std::size_t i = 0; i < kCheckSize; ++i) {
    text[kCheckSize - 1 - i] = "0123456789abcdef"[number >> (4 * i) & 15U];
  }
  return text;
}

/// Takes `name` and what follows up to `end` off the front; empty if they are not there.
std::optional<std::string_view> take(std::string_view& rest, std::string_view name,
                                     std::string_view end) {
  if (!rest.starts_with(name)) return std::nullopt;
  const auto stop = rest.find(end, name.size());
  if (stop == std::string_view::npos) return std::nullopt;
  const auto found = rest.substr(name.size(), stop - name.size());
  rest.remove_prefix(stop + end.size());
  return found;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

std::optional<DeadLetter> parse(std::string_view rest) {
  DeadLetter letter;
  const auto key = take(rest, R"({"key":")", "\",");
  if (!key) return std::nullopt;
  auto key_bytes = from_base64(*key);
  if (!key_bytes) return std::nullopt;
  letter.write.key = *std::move(key_bytes);
  if (const auto value = take(rest, R"("value":")", "\",")) {
    letter.write.value = from_base64(*value);
    if (!letter.write.value) return std::nullopt;
  }
  const auto stamp = take(rest, R"("stamp":)", ",");
  const auto stamp_number = stamp ? number_in<std::uint64_t>(*stamp) : std::nullopt;
  if (!stamp_number) return std::nullopt;
  letter.write.stamp = *stamp_number;
  if (const auto expiry = take(rest, R"("expires_at":)", ",")) {
    letter.write.expires_at = number_in<WallNanos>(*expiry);
    if (!letter.write.expires_at) return std::nullopt;
  }
  const auto reason = take(rest, R"("reason":")", "\"");
  if (!reason) return std::nullopt;
  letter.reason = *reason;
  return letter;
}

}  // namespace

std::string to_line(const DeadLetter& letter) {
  std::string line = R"({"key":")" + to_base64(letter.write.key) + "\",";
  if (letter.write.value) line += R"("value":")" + to_base64(*letter.write.value) + "\",";
  line += R"("stamp":)" + std::to_string(letter.write.stamp) + ",";
  if (letter.write.expires_at) {
    line += R"("expires_at":)" + std::to_string(*letter.write.expires_at) + ",";
  }
  line += R"("reason":")" + plain(letter.reason) + "\"";
  const auto check = hex(hash_bytes(line, kCheckSeed));
  return line.append(kCheck).append(check).append(kEnd);
}

std::optional<DeadLetter> from_line(std::string_view line) {
  auto letter = parse(line);
  // Written anew and compared: nothing that differs in any way is taken for it.
  if (letter && to_line(*letter) == line) return letter;
  return std::nullopt;
}

}  // namespace tarmac::internal
