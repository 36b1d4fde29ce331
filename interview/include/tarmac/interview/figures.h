// What an experiment gives: typed figures, which every view shows in its own way.
#pragma once

#include <tarmac/demo/result.h>

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tarmac::interview {

/// Lengths to compare by eye. `text` is the figure as people read it.
struct Bars {
  struct Bar {
    std::string label;
    double value = 0;
    std::string text;
  };
  /// What the labels name, and what the lengths mean, with its unit.
  std::string subject;
  std::string measure;
  std::vector<Bar> bars;
};

/// How something went on. None of the values is negative.
struct Sparkline {
  std::string label;
  std::vector<double> values;
  /// What its ends are, for people: `0 to 1,000 entries`.
  std::string range;
};

struct Sentence {
  std::string text;
};

/// What the experiment was to show, whatever the speed of the machine.
struct Claim {
  std::string text;
  bool holds = false;
};

using Figure = std::variant<demo::Table, Bars, Sparkline, Sentence, Claim>;

/// What came of an experiment.
struct Findings {
  std::vector<Figure> figures;
  /// Single numbers by name, for programs and tests.
  std::map<std::string, double> facts;
  /// Why there are none: what this machine, or this build, lacks. Empty where nothing is lacking.
  std::string lacking;

  void add(Figure figure) { figures.push_back(std::move(figure)); }
  void say(std::string sentence) { figures.emplace_back(Sentence{std::move(sentence)}); }
  void claim(std::string text, bool holds) { figures.emplace_back(Claim{std::move(text), holds}); }
  /// Whether every claim holds.
  [[nodiscard]] bool holds() const noexcept;
};

/// The same as a table: label, bar and text.
[[nodiscard]] demo::Table as_table(const Bars& bars);
/// `▁▃▅▇`: a character for each value, the highest for the largest.
[[nodiscard]] std::string as_line(const Sparkline& sparkline);

/// A field that stands to the right, with others below it.
[[nodiscard]] demo::Cell number(std::string text);
/// `12.3`, with `decimals` digits behind the point.
[[nodiscard]] std::string fixed(double value, int decimals = 1);

}  // namespace tarmac::interview
