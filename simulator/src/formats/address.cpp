// Memory references: `s 0xaddress n` for a store, `l 0xaddress n` for a load.
#include "trace_format.h"
#include "words.h"

namespace tarmac::internal {
namespace {

class Address final : public TraceFormat {
 public:
  std::uint64_t read(const Piece& piece, Request& request) override {
    Words words(piece.text);
    const std::string_view operation = words.next("operation");
    if (operation != "s" && operation != "l") {
      throw Malformed{"the operation is " + quoted(operation) + "; write s (store) or l (load)"};
    }
    request.is_write = operation == "s";
    const std::string_view address = words.next("address");
    const auto value = address.starts_with("0x") ? hexadecimal(address.substr(2)) : std::nullopt;
    if (!value) {
      throw Malformed{"the address is " + quoted(address) +
                      "; write 0x and up to 16 hexadecimal digits"};
    }
    request.key = *value;
    static_cast<void>(whole_number(words.next("count"), "count"));
    words.expect_end("operation, address, count");
    return 1;
  }
};

bool looks_like_a_reference(std::string_view head) {
  return head.starts_with("s 0x") || head.starts_with("l 0x");
}

}  // namespace

FormatRow address_format() {
  return {{"address", "text `s|l 0xaddress n`: stores and loads of memory"},
          [] { return std::unique_ptr<TraceFormat>(std::make_unique<Address>()); },
          [](std::string_view) { return false; },
          looks_like_a_reference};
}

}  // namespace tarmac::internal
