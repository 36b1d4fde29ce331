// A fuzzer that is wrong about one input in a few: the driver has to find that, and to name it.
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tarmac::fuzz::require(size == 0 || data[size - 1] != 0xFF, "the last byte is 255");
  return 0;
}
