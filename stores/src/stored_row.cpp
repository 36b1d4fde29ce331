#include "stored_row.h"

#include <tarmac/core/hash.h>

#include <array>

namespace tarmac::internal {
namespace {

constexpr std::uint64_t kChecksumSeed = 0x7461726d61635f31;
constexpr std::string_view kHexDigits = "0123456789abcdef";

void put_number(char* where, std::uint64_t number) noexcept {
  for (int byte = 0; byte < 8; ++byte) where[byte] = static_cast<char>(number >> (8 * byte));
}

}  // namespace

std::uint64_t checksum_of(const RowView& row) noexcept {
  // Numbers and lengths first: where a field ends is then as well protected as what is in it.
  std::array<char, 33> head{};
  put_number(head.data(), row.key.size());
  put_number(head.data() + 8, row.value ? row.value->size() : 0);
  put_number(head.data() + 16, row.stamp);
  put_number(head.data() + 24, static_cast<std::uint64_t>(row.expires_at.value_or(0)));
  head[32] = static_cast<char>((row.value ? 1 : 0) + (row.expires_at ? 2 : 0));
  auto sum = hash_bytes({head.data(), head.size()}, kChecksumSeed);
  sum = hash_bytes(row.key, sum);
  return row.value ? hash_bytes(*row.value, sum) : sum;
}

void put_hex16(char* where, std::uint64_t number) noexcept {
  for (std::size_t i = 0; i < 16; ++i) where[15 - i] = kHexDigits[(number >> (4 * i)) & 15U];
}

std::string hex16(std::uint64_t number) {
  std::string text(16, '0');
  put_hex16(text.data(), number);
  return text;
}

std::optional<std::uint64_t> from_hex16(std::string_view text) noexcept {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : text) {
    const auto value = kHexDigits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    number = number << 4U | value;
  }
  return number;
}

std::string shown_key(std::string_view key) {
  constexpr std::size_t kShown = 48;
  std::string text = "\"";
  for (const char one : key.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(one);
    text += byte >= 0x20 && byte < 0x7f ? one : '?';
  }
  return text + (key.size() > kShown ? "…\"" : "\"");
}

}  // namespace tarmac::internal
