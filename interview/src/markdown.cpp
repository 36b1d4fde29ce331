#include <tarmac/core/clock.h>
#include <tarmac/demo/layout.h>
#include <tarmac/interview/markdown.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <fstream>
#include <thread>

namespace tarmac::interview {
namespace {

constexpr std::size_t kPageWidth = 130;
constexpr std::string_view kFiguresBegin = "<!-- figures -->\n";
constexpr std::string_view kFiguresEnd = "<!-- /figures -->\n";
constexpr std::string_view kMeasured = "<!-- measured -->";

/// What would end a field of a table.
std::string field(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.insert(at, "\\");
  }
  return text;
}

std::string wrapped_text(const std::string& text) {
  std::string result;
  for (const auto& line : demo::wrapped(text, kPageWidth)) result += line + "\n";
  return result;
}

class FigurePrinter {
 public:
  void operator()(const demo::Table& table) {
    end_of_list();
    row(table.header, [](const std::string& head) { return head; });
    text_ += "|";
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      const bool is_number = !table.rows.empty() && table.rows.front().at(i).is_number;
      text_ += is_number ? "---:|" : "---|";
    }
    text_ += "\n";
    for (const auto& cells : table.rows) {
      row(cells, [](const demo::Cell& cell) {
        return cell.share ? demo::bar(*cell.share) + " " + cell.text : cell.text;
      });
    }
    text_ += "\n";
  }
  void operator()(const Bars& bars) { (*this)(as_table(bars)); }
  void operator()(const Sparkline& sparkline) {
    item(fmt::format("{}: `{}` {}", sparkline.label, as_line(sparkline), sparkline.range));
  }
  void operator()(const Sentence& sentence) { item(sentence.text); }
  void operator()(const Claim& claim) { item((claim.holds ? "✓ " : "✗ ") + claim.text); }

  [[nodiscard]] std::string text() {
    end_of_list();
    return text_;
  }

 private:
  template <class Cells, class Show>
  void row(const Cells& cells, const Show& show) {
    text_ += "|";
    for (const auto& cell : cells) text_ += " " + field(show(cell)) + " |";
    text_ += "\n";
  }
  void item(const std::string& line) {
    text_ += "* " + line + "\n";
    in_list_ = true;
  }
  void end_of_list() {
    if (in_list_) text_ += "\n";
    in_list_ = false;
  }

  std::string text_;
  bool in_list_ = false;
};

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "a processor without a name";
}

std::string build_words() {
#if defined(__clang__)
  const std::string compiler = "Clang " + std::to_string(__clang_major__);
#else
  const std::string compiler = "GCC " + std::to_string(__GNUC__);
#endif
#if defined(NDEBUG)
  return compiler + ", a release build";
#else
  return compiler + ", an everyday build";
#endif
}

/// A line of figures without what differs from run to run.
std::string masked_line(std::string_view line) {
  std::string result;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const bool is_block = byte == 0xE2 && i + 2 < line.size() && line[i + 1] == '\x96' &&
                          static_cast<unsigned char>(line[i + 2]) < 0xA0;  // U+2580 to U+259F.
    if (is_block) {
      i += 2;
    } else if (std::isdigit(byte) != 0) {
      if (result.empty() || result.back() != '#') result += '#';
    } else if ((byte == ',' || byte == '.') && !result.empty() && result.back() == '#') {
      // Part of a number, or what follows one.
    } else if (byte != ' ' || (!result.empty() && result.back() != ' ')) {
      result += line[i];
    }
  }
  return result;
}

}  // namespace

Circumstances circumstances() {
  const auto seconds = static_cast<std::time_t>(system_clock()->wall_now() / 1'000'000'000);
  return {fmt::format("{} processors, {}; {}", std::thread::hardware_concurrency(), processor(),
                      build_words()),
          fmt::format("{:%Y-%m-%d}", fmt::gmtime(seconds))};
}

std::string to_markdown(const Visited& visited) {
  const auto& stop = *visited.stop;
  std::string page = "### " + stop.title + "\n\n";
  page += wrapped_text("**" + stop.question + "**") + "\n";
  page += wrapped_text(stop.experiment) + "\n";
  FigurePrinter printer;
  for (const auto& figure : visited.findings.figures) std::visit(printer, figure);
  if (!visited.findings.lacking.empty()) {
    printer(Sentence{"Not run here: " + visited.findings.lacking});
  }
  page += std::string(kFiguresBegin) + "\n" + printer.text() + std::string(kFiguresEnd) + "\n";
  for (const auto& paragraph : paragraphs(stop.answer)) page += wrapped_text(paragraph) + "\n";
  for (const auto& [question, answer] : stop.follow_ups) {
    page += wrapped_text(fmt::format("**{}** {}", question, answer)) + "\n";
  }
  page += "Open:\n\n";
  for (const auto& place : stop.places) {
    page += wrapped_text(
        fmt::format("* [{}](../{}), `{}`: {}", place.path, place.path, place.symbol, place.what));
  }
  return page + "\n";
}

std::string to_markdown(const std::vector<Visited>& visited, const Circumstances& circumstances) {
  std::string page =
      "# The interview\n\n"
      "What people who design caches are asked, and what this cache answers: the patterns, the "
      "demo's "
      "scenarios, and the talking\n"
      "points of the field, each with an experiment whose figures are printed. `./run interview` "
      "walks "
      "through it on your machine;\n"
      "`tarmac interview --markdown docs/interview.md` writes this page anew.\n\n";
  page +=
      fmt::format("{} Figures: {}, {}.\n\n", kMeasured, circumstances.date, circumstances.machine);
  Chapter chapter = Chapter::talking_points;
  bool first = true;
  for (const auto& one : visited) {
    if (first || one.stop->chapter != chapter) {
      chapter = one.stop->chapter;
      page += "## " + std::string(to_string(chapter)) + "\n\n";
    }
    first = false;
    page += to_markdown(one);
  }
  page.pop_back();  // One line feed at the end, not two.
  return page;
}

std::string masked(std::string_view page) {
  std::string result;
  bool in_figures = false;
  while (!page.empty()) {
    const auto end = std::min(page.find('\n'), page.size() - 1);
    const auto line = page.substr(0, end + 1);
    page.remove_prefix(end + 1);
    if (line == kFiguresEnd) in_figures = false;
    if (line.starts_with(kMeasured)) {
      result += std::string(kMeasured) + "\n";
    } else {
      result += in_figures ? masked_line(line) : std::string(line);
    }
    if (line == kFiguresBegin) in_figures = true;
  }
  return result;
}

}  // namespace tarmac::interview
