// One key in each line, a number or a text, as the traces of the LIRS authors.
#include "trace_format.h"
#include "words.h"

namespace tarmac::internal {
namespace {

class Keys final : public TraceFormat {
 public:
  std::uint64_t read(const Piece& piece, Request& request) override {
    Words words(piece.text);
    const std::string_view word = words.next();
    // Empty lines, and `*` between the phases of a program, are no requests.
    if (word.empty() || word == "*") return 0;
    words.expect_end("one key");
    request.key = keys_.read(word);
    return 1;
  }

 private:
  KeyReader keys_;
};

bool one_word(std::string_view head) {
  return words_of_first_line(head) == 1 && head.find('\n') != std::string_view::npos &&
         first_line(head).find(',') == std::string_view::npos;
}

}  // namespace

FormatRow keys_format() {
  return {
      {"keys", "LIRS text: one key in each line, a number or a text; * and empty lines skipped"},
      [] { return std::unique_ptr<TraceFormat>(std::make_unique<Keys>()); },
      [](std::string_view name) { return name.ends_with(".trc") || name.ends_with(".keys"); },
      one_word,
      true};
}

}  // namespace tarmac::internal
