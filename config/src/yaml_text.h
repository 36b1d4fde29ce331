// The bytes of a YAML file before they are parsed: what is refused at once, and where a byte
// stands.
#pragma once

#include <tarmac/config/yaml_document.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::internal {

struct TextPlace {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// Finds line and column of a byte. Borrows the text.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  /// Counted from 1, columns in characters. An offset behind the end is the end. O(log lines),
  /// however long the line is.
  [[nodiscard]] TextPlace place(std::size_t offset) const;

 private:
  [[nodiscard]] std::size_t characters_before(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> line_starts_;
  /// How many characters begin before each block of kBlockBytes.
  std::vector<std::size_t> block_characters_;
};

/// Throws ConfigError, placed at the first byte that no YAML file of ours may hold: too many bytes,
/// a byte order mark, more punctuation than a file within the limits needs, what is not UTF-8, a
/// control character, a tab in the indentation.
void check_text(std::string_view text, const std::string& file, const LineIndex& lines);

/// The one form of all messages: `FILE:LINE:COL: at PATH: what is wrong; the mend`.
[[nodiscard]] std::string placed_message(std::string_view file, TextPlace place,
                                         std::string_view path, std::string_view wrong,
                                         std::string_view mend);

/// `text` in quotes for a message: one line, at most 40 characters, nothing a terminal would obey.
[[nodiscard]] std::string shown(std::string_view text);

/// `1500ms` in the largest unit that shows it whole.
[[nodiscard]] std::string duration_text(YamlDuration duration);

/// Whether YAML would take the bare `text` for a number or a boolean.
[[nodiscard]] bool reads_as_no_text(std::string_view text);

/// Refuses spellings that YAML readers take for different numbers: octal, hexadecimal, a plus sign,
/// digit separators, not a number, infinity. Throws ConfigError at `node`.
void refuse_odd_number(const YamlNode& node, std::string_view text);

/// What a value is, for "expected ..., found ...".
[[nodiscard]] std::string found(const YamlNode& node);

}  // namespace tarmac::internal
