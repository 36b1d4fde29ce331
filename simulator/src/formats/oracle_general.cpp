// libCacheSim's oracleGeneral: records of 24 bytes, packed, the low byte first: time (4), id (8),
// size (4), number of the next access (8).
#include "record_numbers.h"
#include "trace_format.h"

namespace tarmac::internal {
namespace {

class OracleGeneral final : public TraceFormat {
 public:
  [[nodiscard]] std::size_t record_bytes() const noexcept override { return 24; }
  [[nodiscard]] bool has_time() const noexcept override { return true; }
  [[nodiscard]] bool has_size() const noexcept override { return true; }

  std::uint64_t read(const Piece& piece, Request& request) override {
    request.time = little_endian(piece.text.substr(0, 4));
    request.key = little_endian(piece.text.substr(4, 8));
    request.size = little_endian(piece.text.substr(12, 4));
    // The next access is not used: what was left out of a trace would make it wrong.
    if (request.size == 0) throw Malformed{"size is 0; an object has at least 1 byte"};
    return 1;
  }
};

bool is_so_named(std::string_view name) {
  return name.find("oraclegeneral") != std::string_view::npos;
}

}  // namespace

FormatRow oracle_general_format() {
  return {{"oracle_general", "libCacheSim oracleGeneral: binary records of 24 bytes"},
          [] { return std::unique_ptr<TraceFormat>(std::make_unique<OracleGeneral>()); },
          is_so_named,
          nullptr};
}

}  // namespace tarmac::internal
