// Little-endian numbers in bytes, whatever the machine.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

template <std::unsigned_integral Number>
void store_number(char* to, Number number) noexcept {
  if constexpr (std::endian::native == std::endian::little) {  // One instruction, not eight.
    std::memcpy(to, &number, sizeof(Number));
    return;
  }
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    to[i] = static_cast<char>(static_cast<unsigned char>(number >> (8U * i)));
  }
}

template <std::unsigned_integral Number>
[[nodiscard]] Number load_number(const char* from) noexcept {
  Number number = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&number, from, sizeof(Number));
    return number;
  }
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    const auto byte = static_cast<unsigned char>(from[i]);
    number = static_cast<Number>(number | static_cast<Number>(Number{byte} << (8U * i)));
  }
  return number;
}

template <std::unsigned_integral Number>
void append_number(std::string& to, Number number) {
  std::array<char, sizeof(Number)> bytes{};
  store_number(bytes.data(), number);
  to.append(bytes.data(), bytes.size());
}

/// Takes numbers and strings from the front; nullopt, from then on too, when there is too little.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral Number>
  [[nodiscard]] std::optional<Number> number() {
    const auto bytes = take(sizeof(Number));
    if (!bytes) return std::nullopt;
    return load_number<Number>(bytes->data());
  }
  [[nodiscard]] std::optional<std::string_view> take(std::uint64_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return std::nullopt;
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

constexpr std::uint64_t kAlignment = 8;

[[nodiscard]] constexpr std::uint64_t aligned(std::uint64_t bytes) noexcept {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace tarmac::internal
