#include "words.h"

#include <tarmac/core/hash.h>

#include <algorithm>
#include <limits>

namespace tarmac::internal {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }

/// The digits of `word` to the base, or nothing where they exceed 64 bits.
template <class DigitOf>
std::optional<std::uint64_t> number(std::string_view word, std::uint64_t base, DigitOf digit_of) {
  if (word.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : word) {
    const std::uint64_t digit = digit_of(c);
    if (digit >= base || value > (std::numeric_limits<std::uint64_t>::max() - digit) / base) {
      return std::nullopt;
    }
    value = value * base + digit;
  }
  return value;
}

std::uint64_t hexadecimal_digit(char c) {
  if (is_digit(c)) return static_cast<std::uint64_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint64_t>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<std::uint64_t>(c - 'A') + 10;
  return std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 32;
  std::string result = "\"";
  for (const char c : text.substr(0, kShown)) result += (c >= ' ' && c <= '~') ? c : '?';
  if (text.size() > kShown) result += "...";
  return result + "\"";
}

std::optional<std::uint64_t> decimal(std::string_view word) noexcept {
  constexpr std::size_t kDigitsMax = 20;
  // What 19 digits spell always fits.
  if (word.empty() || word.size() > kDigitsMax) return std::nullopt;
  if (word.size() == kDigitsMax) {
    return number(word, 10, [](char c) { return static_cast<std::uint64_t>(c) - '0'; });
  }
  std::uint64_t value = 0;
  for (const char c : word) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::optional<std::uint64_t> hexadecimal(std::string_view word) noexcept {
  return number(word, 16, hexadecimal_digit);
}

std::uint64_t whole_number(std::string_view word, std::string_view name) {
  const auto value = decimal(word);
  if (value.has_value()) return *value;
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_digit)) {
    throw Malformed{std::string(name) + " " + quoted(word) +
                    " is too large; the largest is 18446744073709551615"};
  }
  throw Malformed{std::string(name) + " is " + quoted(word) +
                  "; write a whole number in decimal digits, without sign, blank or quote"};
}

std::uint64_t size_number(std::string_view word) {
  const std::uint64_t size = whole_number(word, "size");
  if (size == 0) throw Malformed{"size is 0; an object has at least 1 byte"};
  return size;
}

Words::Words(std::string_view line) : rest_(line) {
  while (!rest_.empty() && is_blank(rest_.back())) rest_.remove_suffix(1);
}

Words::Words(std::string_view line, char separator) : rest_(line), separator_(separator) {
  if (!rest_.empty() && rest_.back() == '\r') rest_.remove_suffix(1);
}

std::string_view Words::next() noexcept {
  if (separator_ == ' ') {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
    std::size_t length = 0;
    while (length < rest_.size() && !is_blank(rest_[length])) ++length;
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    more_ = !rest_.empty();
    return word;
  }
  const std::size_t length = std::min(rest_.find(separator_), rest_.size());
  const std::string_view word = rest_.substr(0, length);
  more_ = length < rest_.size();
  rest_.remove_prefix(more_ ? length + 1 : length);
  return word;
}

std::string_view Words::next(std::string_view name) {
  const std::string_view word = next();
  if (word.empty()) {
    throw Malformed{"there is no " + std::string(name) +
                    "; the line is cut, or has another format"};
  }
  return word;
}

void Words::expect_end(std::string_view form) {
  if (more_) {
    throw Malformed{"there is more than " + std::string(form) +
                    " in the line; check the format of the trace"};
  }
}

std::string_view first_line(std::string_view head) noexcept {
  return head.substr(0, head.find('\n'));
}

std::size_t words_of_first_line(std::string_view head) {
  const std::string_view line = first_line(head);
  constexpr std::size_t kLongestLine = 4'000;
  if (line.size() > kLongestLine) return 0;
  const bool is_text = std::all_of(line.begin(), line.end(), [](char c) {
    return is_blank(c) || static_cast<unsigned char>(c) > 0x20U;
  });
  if (!is_text) return 0;
  Words words(line);
  std::size_t count = 0;
  while (!words.next().empty()) ++count;
  return count;
}

std::uint64_t KeyReader::read(std::string_view word) {
  // Fixed, so that a key is the same in every run.
  constexpr std::uint64_t kSeed = 0;
  if (numbers_ == false) return hash_bytes(word, kSeed);
  const auto value = decimal(word);
  if (value.has_value()) {
    numbers_ = true;
    return *value;
  }
  if (numbers_ == true) return whole_number(word, "key");
  numbers_ = false;
  return hash_bytes(word, kSeed);
}

}  // namespace tarmac::internal
