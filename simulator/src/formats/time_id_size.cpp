// `time id size`, as webcachesim and LRB read it.
#include "trace_format.h"
#include "words.h"

namespace tarmac::internal {
namespace {

class TimeIdSize final : public TraceFormat {
 public:
  [[nodiscard]] bool has_time() const noexcept override { return true; }
  [[nodiscard]] bool has_size() const noexcept override { return true; }

  std::uint64_t read(const Piece& piece, Request& request) override {
    Words words(piece.text);
    request.time = whole_number(words.next("time"), "time");
    const std::string_view key = words.next("id");
    request.size = size_number(words.next("size"));
    words.expect_end("time, id, size");
    request.key = keys_.read(key);
    return 1;
  }

 private:
  KeyReader keys_;
};

bool three_words(std::string_view head) {
  if (words_of_first_line(head) != 3) return false;
  Words words(first_line(head));
  const bool has_time = decimal(words.next()).has_value();
  static_cast<void>(words.next());
  return has_time && decimal(words.next()).has_value();
}

}  // namespace

FormatRow time_id_size_format() {
  return {{"time_id_size", "text `time id size`, as webcachesim and LRB read it"},
          [] { return std::unique_ptr<TraceFormat>(std::make_unique<TimeIdSize>()); },
          [](std::string_view name) { return name.ends_with(".tr"); },
          three_words};
}

}  // namespace tarmac::internal
