// CloudPhysics' block accesses: `version,time,op,size,lbn`, `op` a SCSI command.
#include "trace_format.h"
#include "words.h"

#include <array>

namespace tarmac::internal {
namespace {

constexpr std::string_view kHeader = "version,time,op,size,lbn";
// READ and WRITE of 6, 10, 12 and 16 bytes.
constexpr std::array<std::string_view, 4> kReads{"08", "28", "a8", "88"};
constexpr std::array<std::string_view, 4> kWrites{"0a", "2a", "aa", "8a"};

bool is_among(std::string_view word, const std::array<std::string_view, 4>& words) {
  for (const std::string_view one : words) {
    if (word.size() == 2 && word[0] == one[0] && (word[1] | 0x20) == (one[1] | 0x20)) return true;
  }
  return false;
}

class CloudPhysics final : public TraceFormat {
 public:
  [[nodiscard]] bool has_time() const noexcept override { return true; }
  [[nodiscard]] bool has_size() const noexcept override { return true; }
  [[nodiscard]] std::uint64_t header_pieces() const noexcept override { return 1; }

  void read_header(TraceInput& input) override {
    Piece header;
    const bool found = input.next_line(header);
    Words words(found ? header.text : "", '\n');
    const std::string_view line = words.next();
    if (line != kHeader) {
      throw Malformed{"the header is " + quoted(line) + "; it should be " + quoted(kHeader)};
    }
  }

  std::uint64_t read(const Piece& piece, Request& request) override {
    Words words(piece.text, ',');
    static_cast<void>(whole_number(words.next("version"), "version"));
    request.time = whole_number(words.next("time"), "time");
    const std::string_view operation = words.next("op");
    request.is_write = is_among(operation, kWrites);
    if (!request.is_write && !is_among(operation, kReads)) {
      throw Malformed{"op is " + quoted(operation) +
                      "; known are 28 (read) and 2a (write), and their longer forms"};
    }
    request.size = size_number(words.next("size"));
    request.key = whole_number(words.next("lbn"), "lbn");
    words.expect_end(kHeader);
    return 1;
  }
};

}  // namespace

FormatRow cloud_physics_format() {
  return {{"cloud_physics", "CSV with the header version,time,op,size,lbn"},
          [] { return std::unique_ptr<TraceFormat>(std::make_unique<CloudPhysics>()); },
          [](std::string_view) { return false; },
          [](std::string_view head) { return head.starts_with(kHeader); }};
}

}  // namespace tarmac::internal
