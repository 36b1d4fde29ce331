#include "yaml_text.h"

#include <tarmac/config/yaml_document.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tarmac::internal {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kBlockBytes = 256;
/// A parser makes a token of each of these, and yaml-cpp holds those of a whole `[...]` at once.
constexpr std::string_view kPunctuation = "[]{},:?\"'&*!";
constexpr std::size_t kPunctuationMax = 100'000;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// Length in bytes of the UTF-8 character at `offset`, or 0 if there is none: overlong forms,
/// surrogates and what is beyond U+10FFFF are none.
std::size_t utf8_length(std::string_view text, std::size_t offset) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[offset + i]); };
  const unsigned lead = at(0);
  if (lead < 0x80U) return 1;
  const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC2U || lead > 0xF4U || text.size() - offset < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[offset + i])) return 0;
  }
  const unsigned second = at(1);
  if (lead == 0xE0U && second < 0xA0U) return 0;
  if (lead == 0xEDU && second > 0x9FU) return 0;
  if (lead == 0xF0U && second < 0x90U) return 0;
  if (lead == 0xF4U && second > 0x8FU) return 0;
  return length;
}

bool is_forbidden_control(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return (value < 0x20U && byte != '\t' && byte != '\n' && byte != '\r') || value == 0x7FU;
}

std::string hex_byte(char byte) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return std::string("0x") + kDigits[value >> 4U] + kDigits[value & 0x0FU];
}

/// Offset of the first tab in a line's leading space, where something follows; npos if none.
std::size_t find_indenting_tab(std::string_view text) {
  bool leading = true;
  std::size_t tab = std::string_view::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') {
      leading = true;
      tab = std::string_view::npos;
    } else if (leading && c == '\t') {
      tab = std::min(tab, i);
    } else if (leading && c != ' ') {
      if (tab != std::string_view::npos && c != '#') return tab;
      leading = false;
    }
  }
  return std::string_view::npos;
}

}  // namespace

LineIndex::LineIndex(std::string_view text) : text_(text), line_starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % kBlockBytes == 0) block_characters_.push_back(characters);
    if (!is_continuation(text[i])) ++characters;
  }
  block_characters_.push_back(characters);
}

std::size_t LineIndex::characters_before(std::size_t offset) const {
  const auto block = offset / kBlockBytes;
  if (block + 1 >= block_characters_.size()) {
    const auto tail = text_.substr(offset);
    return block_characters_.back() -
           static_cast<std::size_t>(
               std::count_if(tail.begin(), tail.end(), [](char c) { return !is_continuation(c); }));
  }
  const auto head = text_.substr(block * kBlockBytes, offset - block * kBlockBytes);
  return block_characters_[block] +
         static_cast<std::size_t>(
             std::count_if(head.begin(), head.end(), [](char c) { return !is_continuation(c); }));
}

TextPlace LineIndex::place(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto start = *std::prev(next);
  return {static_cast<std::size_t>(next - line_starts_.begin()),
          characters_before(offset) - characters_before(start) + 1};
}

void check_text(std::string_view text, const std::string& file, const LineIndex& lines) {
  const auto refuse = [&](std::size_t offset, const std::string& wrong, std::string_view mend) {
    throw ConfigError(placed_message(file, lines.place(offset), "", wrong, mend));
  };
  if (text.size() > kYamlFileBytesMax) {
    refuse(kYamlFileBytesMax, "the file is larger than 1 MiB",
           "check that this is the file you meant, or split it");
  }
  if (text.starts_with(kByteOrderMark) || text.starts_with("\xFF\xFE") ||
      text.starts_with("\xFE\xFF")) {
    refuse(0, "the file begins with a byte order mark", "save it as UTF-8 without one");
  }
  std::size_t punctuation = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (kPunctuation.find(text[i]) != std::string_view::npos && ++punctuation > kPunctuationMax) {
      refuse(i, "more than 100000 brackets, commas, colons and quotes", "split the file");
    }
    if (is_forbidden_control(text[i])) {
      refuse(i, "byte " + hex_byte(text[i]) + " is a control character",
             "remove it; in a quoted text it can be written as an escape");
    }
    if (text[i] == '\r' && text.substr(i + 1, 1) != "\n") {
      refuse(i, "a carriage return without a line feed", "save the file with LF or CRLF line ends");
    }
    const auto length = utf8_length(text, i);
    if (length == 0) {
      refuse(i, "byte " + hex_byte(text[i]) + " is not UTF-8", "save the file as UTF-8");
    }
    i += length;
  }
  const auto tab = find_indenting_tab(text);
  if (tab != std::string_view::npos) {
    refuse(tab, "a tab in the indentation", "indent with spaces");
  }
}

std::string placed_message(std::string_view file, TextPlace place, std::string_view path,
                           std::string_view wrong, std::string_view mend) {
  std::string message(file);
  message += ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": at ";
  message += path.empty() ? std::string_view("the top level") : path;
  message += ": ";
  message += wrong;
  message += "; ";
  return message += mend;
}

bool reads_as_no_text(std::string_view text) {
  if (text == "true" || text == "false" || text == "True" || text == "False" || text == "TRUE" ||
      text == "FALSE") {
    return true;
  }
  const auto digits = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  return !digits.empty() && digits.find_first_not_of("0123456789.") == std::string_view::npos &&
         digits.find_first_of("0123456789") != std::string_view::npos;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kCharactersMax = 40;
  std::string result = "\"";
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++characters) {
    if (characters == kCharactersMax) {
      result += "...";
      break;
    }
    const auto length = std::max<std::size_t>(utf8_length(text, i), 1);
    if (text[i] == '\n') {
      result += "\\n";
    } else if (is_forbidden_control(text[i]) || text[i] == '\r') {
      result += "\\x" + hex_byte(text[i]).substr(2);
    } else if (length == 2 && text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      result += "\\x" + hex_byte(text[i + 1]).substr(2);  // U+0080 to U+009F: controls as well.
    } else {
      result += text.substr(i, length);
    }
    i += length;
  }
  return result + "\"";
}

}  // namespace tarmac::internal
