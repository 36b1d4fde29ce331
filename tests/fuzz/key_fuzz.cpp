// Keys to be described for logs: whatever the bytes, one line comes of them.
#include <tarmac/core/make_key.h>

#include <algorithm>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = tarmac::fuzz::as_text(data, size);
  const auto shown = tarmac::describe_key(key);
  tarmac::fuzz::require(shown.empty() == key.empty(), "nothing is shown of something");
  tarmac::fuzz::require(std::none_of(shown.begin(), shown.end(),
                                     [](char c) {
                                       const auto code = static_cast<unsigned char>(c);
                                       return code < 0x20 || code == 0x7F;
                                     }),
                        "a control character is shown");
  return 0;
}
