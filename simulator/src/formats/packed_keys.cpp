// Keys as packed integers of 4 or 8 bytes, the high or the low byte first.
#include "record_numbers.h"
#include "trace_format.h"

namespace tarmac::internal {
namespace {

template <std::size_t Bytes, bool BigEndian>
class PackedKeys final : public TraceFormat {
 public:
  [[nodiscard]] std::size_t record_bytes() const noexcept override { return Bytes; }

  std::uint64_t read(const Piece& piece, Request& request) override {
    request.key = BigEndian ? big_endian(piece.text) : little_endian(piece.text);
    return 1;
  }
};

template <std::size_t Bytes, bool BigEndian>
std::unique_ptr<TraceFormat> make() {
  return std::make_unique<PackedKeys<Bytes, BigEndian>>();
}

}  // namespace

FormatRow int32_big_endian_format() {
  return {{"int32be", "packed keys of 4 bytes, the high byte first"},
          make<4, true>,
          [](std::string_view name) { return name.ends_with(".int32be"); },
          nullptr};
}

FormatRow int32_little_endian_format() {
  return {{"int32le", "packed keys of 4 bytes, the low byte first"},
          make<4, false>,
          [](std::string_view name) { return name.ends_with(".int32le"); },
          nullptr};
}

FormatRow int64_big_endian_format() {
  return {{"int64be", "packed keys of 8 bytes, the high byte first"},
          make<8, true>,
          [](std::string_view name) { return name.ends_with(".int64be"); },
          nullptr};
}

FormatRow int64_little_endian_format() {
  return {{"int64le", "packed keys of 8 bytes, the low byte first"},
          make<8, false>,
          [](std::string_view name) { return name.ends_with(".int64le"); },
          nullptr};
}

}  // namespace tarmac::internal
