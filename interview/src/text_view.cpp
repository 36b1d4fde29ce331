#include <tarmac/demo/layout.h>
#include <tarmac/interview/text_view.h>

#include <fmt/format.h>

#include <ostream>

namespace tarmac::interview {
namespace {

using demo::Ink;

constexpr std::size_t kLineWidth = 96;
constexpr std::size_t kTextWidth = kLineWidth - 3;

/// One paragraph; the lines after the first stand below its text.
void write_wrapped(std::ostream& out, const std::string& text, const std::string& first,
                   const std::string& rest) {
  const auto lines = demo::wrapped(text, kTextWidth - demo::columns(rest) + 3);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out << (i == 0 ? first : rest) << lines[i] << "\n";
  }
}

/// Shows a figure with an empty line between figures of different kinds.
class FigureWriter {
 public:
  FigureWriter(std::ostream& out, bool colour) : out_(out), colour_(colour) {}

  void operator()(const demo::Table& table) {
    begin(true);
    for (const auto& line : demo::table_lines(table, colour_)) out_ << "   " << line << "\n";
  }
  void operator()(const Bars& bars) { (*this)(as_table(bars)); }
  void operator()(const Sparkline& sparkline) {
    begin(false);
    out_ << "   " << demo::padded(sparkline.label, 14) << " "
         << demo::inked(colour_, Ink::accent, as_line(sparkline)) << "  " << sparkline.range
         << "\n";
  }
  void operator()(const Sentence& sentence) {
    begin(false);
    write_wrapped(out_, sentence.text, "   ", "   ");
  }
  void operator()(const Claim& claim) {
    begin(false);
    const auto* mark = claim.holds ? "✓" : "✗";
    const auto ink = claim.holds ? Ink::good : Ink::bad;
    write_wrapped(out_, claim.text, "   " + demo::inked(colour_, ink, mark) + " ", "     ");
  }

 private:
  void begin(bool is_block) {
    if (!first_ && (is_block || was_block_)) out_ << "\n";
    first_ = false;
    was_block_ = is_block;
  }

  std::ostream& out_;
  bool colour_;
  bool first_ = true;
  bool was_block_ = false;
};

}  // namespace

void show_question(std::ostream& out, const Stop& stop, bool colour) {
  const auto label = fmt::format("{} of {} · {}", number_of(stop), stops().size(), stop.name);
  const auto used = demo::columns(stop.title) + demo::columns(label) + 2;
  const auto rule = demo::repeated("─", used < kLineWidth ? kLineWidth - used : 1);
  out << "\n"
      << demo::inked(colour, Ink::bold, stop.title) << " "
      << demo::inked(colour, Ink::faint, rule + " " + label) << "\n\n";
  write_wrapped(out, stop.question, demo::inked(colour, Ink::accent, "Q") + "  ", "   ");
  out << "\n";
  write_wrapped(out, stop.experiment, demo::inked(colour, Ink::accent, "▸") + "  ", "   ");
  out << "\n" << std::flush;
}

void show_findings(std::ostream& out, const Findings& findings, bool colour) {
  FigureWriter writer(out, colour);
  for (const auto& figure : findings.figures) std::visit(writer, figure);
  if (!findings.lacking.empty()) {
    writer(Sentence{"Not run here: " + findings.lacking});
  }
  out << "\n" << std::flush;
}

void show_answer(std::ostream& out, const Stop& stop, bool colour) {
  auto first = demo::inked(colour, Ink::accent, "A") + "  ";
  for (const auto& paragraph : paragraphs(stop.answer)) {
    write_wrapped(out, paragraph, first, "   ");
    first = "   ";
    out << "\n";
  }
  for (const auto& [question, answer] : stop.follow_ups) {
    const auto lines = demo::wrapped(question, kTextWidth);
    for (const auto& line : lines) out << "   " << demo::inked(colour, Ink::bold, line) << "\n";
    write_wrapped(out, answer, "   ", "   ");
    out << "\n";
  }
  for (const auto& place : stop.places) {
    out << "   " << demo::inked(colour, Ink::faint, "open ") << place.path << "  "
        << demo::inked(colour, Ink::accent, place.symbol) << "\n";
    write_wrapped(out, place.what, "        ", "        ");
  }
  out << std::flush;
}

void show_list(std::ostream& out, bool colour) {
  auto chapter = Chapter::talking_points;
  std::size_t number = 0;
  for (const auto& stop : stops()) {
    ++number;
    if (number == 1 || stop.chapter != chapter) {
      chapter = stop.chapter;
      out << (number == 1 ? "" : "\n")
          << demo::inked(colour, Ink::bold, std::string(to_string(chapter))) << "\n";
    }
    out << fmt::format("  {:>2}  ", number) << demo::padded(stop.name, 16) << "  " << stop.title
        << "\n";
  }
  out << std::flush;
}

}  // namespace tarmac::interview
