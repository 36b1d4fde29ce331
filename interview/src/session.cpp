#include <tarmac/core/error.h>
#include <tarmac/demo/words.h>
#include <tarmac/interview/session.h>
#include <tarmac/interview/text_view.h>

#include <algorithm>
#include <cctype>
#include <istream>
#include <optional>
#include <ostream>
#include <string>

namespace tarmac::interview {
namespace {

constexpr std::string_view kHelp =
    "Enter or next: the next stop    back: the one before    again: its experiment once more\n"
    "menu: all stops    a number or a name, or jump and one: that stop    quit: the end\n";

/// Without blanks around it, in small letters.
std::string command_of(const std::string& line) {
  const auto is_blank = [](unsigned char c) { return std::isspace(c) != 0; };
  const auto begin = std::find_if_not(line.begin(), line.end(), is_blank);
  const auto end = std::find_if_not(line.rbegin(), line.rend(), is_blank).base();
  std::string word = begin < end ? std::string(begin, end) : std::string();
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word;
}

/// `herd` of `jump herd`.
std::string_view without_verb(std::string_view word) {
  constexpr std::string_view kVerb = "jump ";
  return word.starts_with(kVerb) ? word.substr(kVerb.size()) : word;
}

bool is_one_of(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Question, experiment, answer. What an experiment throws is its result, and the walk goes on.
bool show(const Stop& stop, std::ostream& out, const Surroundings& surroundings, bool colour) {
  show_question(out, stop, colour);
  bool holds = false;
  try {
    const auto findings = stop.run(surroundings);
    show_findings(out, findings, colour);
    holds = findings.holds();
  } catch (const std::exception& error) {
    out << "   the experiment failed: " << demo::harmless(error.what()) << "\n\n";
  }
  show_answer(out, stop, colour);
  return holds;
}

class Walk {
 public:
  Walk(std::istream& in, std::ostream& out, const Surroundings& surroundings,
       const SessionOptions& options)
      : in_(in), out_(out), surroundings_(surroundings), options_(options) {}

  bool go() {
    out_ << "A walk through this cache, with experiments on this machine.\n\n";
    show_list(out_, options_.colour);
    out_ << "\n" << kHelp;
    while (const auto word = ask()) {
      if (is_one_of(*word, {"q", "quit", "exit"})) return holds_;
      obey(*word);
    }
    out_ << "\nThe input has ended, and so does the walk.\n" << std::flush;
    return holds_;
  }

 private:
  std::optional<std::string> ask() {
    if (options_.prompt) {
      const auto place = at_ == 0 ? "start" : std::string(stops()[at_ - 1].name);
      out_ << "\n" << place << "> " << std::flush;
    }
    std::string line;
    if (!std::getline(in_, line)) return std::nullopt;
    return command_of(line);
  }

  void obey(const std::string& word) {
    if (is_one_of(word, {"", "n", "next"})) {
      if (at_ == stops().size()) return tell("That was the last stop; `menu` shows all of them.");
      return visit(at_ + 1);
    }
    if (is_one_of(word, {"b", "back"})) {
      if (at_ <= 1) return tell("There is nothing before this; `next` is the way.");
      return visit(at_ - 1);
    }
    if (is_one_of(word, {"a", "again"})) {
      if (at_ == 0) return tell("No stop has been shown yet; `next` shows the first.");
      return visit(at_);
    }
    if (is_one_of(word, {"m", "menu", "list"})) return show_list(out_, options_.colour);
    if (is_one_of(word, {"h", "help", "?"})) return tell(kHelp);
    try {
      visit(number_of(find_stop(without_verb(word))));
    } catch (const ConfigError& error) {
      tell(demo::harmless(error.what()));
    }
  }

  void visit(std::size_t number) {
    at_ = number;
    holds_ = show(stops()[number - 1], out_, surroundings_, options_.colour) && holds_;
  }
  void tell(std::string_view sentence) {
    out_ << sentence << (sentence.ends_with('\n') ? "" : "\n") << std::flush;
  }

  std::istream& in_;
  std::ostream& out_;
  const Surroundings& surroundings_;
  SessionOptions options_;
  /// The number of the stop that was shown last; 0 before the first.
  std::size_t at_ = 0;
  bool holds_ = true;
};

}  // namespace

bool walk(std::istream& in, std::ostream& out, const Surroundings& surroundings,
          const SessionOptions& options) {
  return Walk(in, out, surroundings, options).go();
}

bool show_all(std::span<const Stop* const> chosen, std::ostream& out,
              const Surroundings& surroundings, bool colour) {
  bool holds = true;
  for (const auto* stop : chosen) holds = show(*stop, out, surroundings, colour) && holds;
  return holds;
}

}  // namespace tarmac::interview
