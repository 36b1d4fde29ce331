// How text stands on a terminal: its width, lines, colours, bars and tables.
#pragma once

#include <tarmac/demo/result.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::demo {

enum class Ink : std::uint8_t { plain, bold, faint, good, bad, accent };

/// `text` between the escapes of `ink`, or as it is without `colour`.
[[nodiscard]] std::string inked(bool colour, Ink ink, std::string_view text);
/// Columns of a terminal that `text` (UTF-8) takes: none of the characters written here is wide.
[[nodiscard]] std::size_t columns(std::string_view text);
/// `text`, and blanks up to `width` columns.
[[nodiscard]] std::string padded(const std::string& text, std::size_t width);
[[nodiscard]] std::string repeated(std::string_view text, std::size_t times);
/// The words of `text` in lines of at most `width` columns, but for longer words.
[[nodiscard]] std::vector<std::string> wrapped(const std::string& text, std::size_t width);
/// `████████░░░░`: `share`, between 0 and 1, of `width` characters.
[[nodiscard]] std::string bar(double share, std::size_t width = 10);
/// What a field of a table shows: its bar, if it has one, and its text.
[[nodiscard]] std::string text_of(const Cell& cell);
/// The header, a rule, and a line for each row; none of them ends in blanks.
[[nodiscard]] std::vector<std::string> table_lines(const Table& table, bool colour);

}  // namespace tarmac::demo
