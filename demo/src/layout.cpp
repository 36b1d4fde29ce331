#include <tarmac/demo/layout.h>
#include <tarmac/demo/words.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tarmac::demo {
namespace {

/// Widths of the columns of a table, and which of them stand to the right.
struct Grid {
  explicit Grid(const Table& table) : numbers(table.header.size(), false) {
    for (const auto& head : table.header) widths.push_back(columns(head));
    for (const auto& row : table.rows) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths.at(i) = std::max(widths.at(i), columns(text_of(row[i])));
        if (row[i].is_number) numbers.at(i) = true;
      }
    }
  }

  /// The last column is not filled up with blanks.
  [[nodiscard]] std::string placed(const std::string& text, std::size_t column) const {
    const auto gap = std::string(widths[column] - columns(text), ' ');
    if (numbers[column]) return gap + text;
    return column + 1 == widths.size() ? text : text + gap;
  }

  std::vector<std::size_t> widths;
  std::vector<bool> numbers;
};

}  // namespace

std::string inked(bool colour, Ink ink, std::string_view text) {
  if (!colour || ink == Ink::plain) return std::string(text);
  const auto* code = ink == Ink::bold    ? "1"
                     : ink == Ink::faint ? "2"
                     : ink == Ink::good  ? "32"
                     : ink == Ink::bad   ? "1;31"
                                         : "36";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(const std::string& text, std::size_t width) {
  const auto used = columns(text);
  return used < width ? text + std::string(width - used, ' ') : text;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    word = harmless(word);
    if (lines.empty() || columns(lines.back()) + 1 + columns(word) > width) {
      lines.push_back(word);
    } else {
      lines.back() += " " + word;
    }
  }
  return lines;
}

std::string bar(double share, std::size_t width) {
  const auto whole = static_cast<double>(width);
  const auto full = static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * whole));
  return repeated("█", full) + repeated("░", width - full);
}

std::string text_of(const Cell& cell) {
  return cell.share ? bar(*cell.share) + " " + fmt::format("{:>7}", cell.text) : cell.text;
}

std::vector<std::string> table_lines(const Table& table, bool colour) {
  const Grid grid(table);
  std::vector<std::string> lines;
  std::string head;
  std::string rule;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    head += (i == 0 ? "" : "  ") + grid.placed(table.header[i], i);
    rule += (i == 0 ? "" : "──") + repeated("─", grid.widths[i]);
  }
  lines.push_back(inked(colour, Ink::bold, head));
  lines.push_back(inked(colour, Ink::faint, rule));
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto text = grid.placed(text_of(row[i]), i);
      line += (i == 0 ? "" : "  ") + inked(colour, row[i].share ? Ink::accent : Ink::plain, text);
    }
  }
  if (table.rows.empty()) lines.push_back(inked(colour, Ink::faint, "nothing"));
  return lines;
}

}  // namespace tarmac::demo
