// ARC's .lis: `start count ignored request`, a line for `count` blocks in a row.
#include "trace_format.h"
#include "words.h"

#include <limits>

namespace tarmac::internal {
namespace {

class Arc final : public TraceFormat {
 public:
  std::uint64_t read(const Piece& piece, Request& request) override {
    Words words(piece.text);
    request.key = whole_number(words.next("start block"), "start block");
    const std::uint64_t count = whole_number(words.next("count"), "count");
    static_cast<void>(whole_number(words.next("ignored number"), "ignored number"));
    static_cast<void>(whole_number(words.next("request number"), "request number"));
    words.expect_end("start, count, ignored, request");
    if (count == 0) throw Malformed{"count is 0; a line stands for at least 1 block"};
    if (count > kCountMax || request.key > std::numeric_limits<std::uint64_t>::max() - count) {
      throw Malformed{"count is " + std::to_string(count) +
                      ", more blocks than a request asks for; check the format of the trace"};
    }
    return count;
  }
  void advance(Request& request) override { ++request.key; }

 private:
  /// 2 TiB of blocks of 512 bytes.
  static constexpr std::uint64_t kCountMax = std::uint64_t{1} << 32U;
};

bool four_numbers(std::string_view head) {
  if (words_of_first_line(head) != 4) return false;
  Words words(first_line(head));
  for (int i = 0; i < 4; ++i) {
    if (!decimal(words.next())) return false;
  }
  return true;
}

}  // namespace

FormatRow arc_format() {
  return {{"arc", "ARC .lis text: start block, count, ignored, request number"},
          [] { return std::unique_ptr<TraceFormat>(std::make_unique<Arc>()); },
          [](std::string_view name) { return name.ends_with(".lis"); },
          four_numbers};
}

}  // namespace tarmac::internal
