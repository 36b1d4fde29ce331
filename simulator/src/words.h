// Reading the words of a line of text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trace_input.h"

namespace tarmac::internal {

/// A piece of the file for a message: short, and with nothing in it that upsets a terminal.
[[nodiscard]] std::string quoted(std::string_view text);

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// `word` as a number of 64 bits in decimal digits, at most 20 of them, or nothing.
[[nodiscard]] std::optional<std::uint64_t> decimal(std::string_view word) noexcept;
/// The same in hexadecimal digits, at most 16, without 0x.
[[nodiscard]] std::optional<std::uint64_t> hexadecimal(std::string_view word) noexcept;

/// As decimal(); throws Malformed, which calls the word `name`.
[[nodiscard]] std::uint64_t whole_number(std::string_view word, std::string_view name);
/// The same for a size, which is 1 at least.
[[nodiscard]] std::uint64_t size_number(std::string_view word);

/// The words of a line, divided by single separators or by blanks.
class Words {
 public:
  /// Divided by any number of blanks and tabs; the carriage return of a foreign line end is
  /// dropped.
  explicit Words(std::string_view line);
  /// Divided by each single `separator`.
  Words(std::string_view line, char separator);

  /// The next word; empty where there is none.
  [[nodiscard]] std::string_view next() noexcept;
  /// The same; throws Malformed if there is none.
  [[nodiscard]] std::string_view next(std::string_view name);
  /// Throws Malformed if there is more. `form` is what a line looks like.
  void expect_end(std::string_view form);

 private:
  std::string_view rest_;
  char separator_ = ' ';
  bool more_ = true;
};

/// How many words divided by blanks the first line of `head` has; 0 if the line is not all there,
/// holds control characters, or has no word.
[[nodiscard]] std::size_t words_of_first_line(std::string_view head);
/// The first line of `head` without its end.
[[nodiscard]] std::string_view first_line(std::string_view head) noexcept;

/// Keys that are numbers, or texts, which are hashed. The first key decides which: in a trace of
/// numbers, a text is a mistake and not a key.
class KeyReader {
 public:
  /// Throws Malformed.
  [[nodiscard]] std::uint64_t read(std::string_view word);

 private:
  std::optional<bool> numbers_;
};

}  // namespace tarmac::internal
