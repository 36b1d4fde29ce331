// What stores and settings keep as bytes or text: any bytes are decoded or refused, and what is
// decoded is encoded to the same bytes again.
#include <tarmac/core/codec.h>
#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include <cmath>

#include "fuzz.h"

namespace {

template <class T>
void decode(const std::string& bytes) {
  try {
    const T value = tarmac::Codec<T>::decode(bytes);
    tarmac::fuzz::require(bytes.size() == sizeof(T), "decoded from the wrong number of bytes");
    const auto again = tarmac::Codec<T>::encode(value);
    // Every byte but 0 is true.
    if constexpr (std::is_same_v<T, bool>) {
      tarmac::fuzz::require(tarmac::Codec<T>::decode(again) == value, "true became false");
    } else {
      tarmac::fuzz::require(again == bytes, "encoded to other bytes");
    }
  } catch (const tarmac::StoreError&) {
    tarmac::fuzz::require(bytes.size() != sizeof(T), "refused the right number of bytes");
  }
}

/// Calls `read`, which may refuse the text.
template <class Read>
void may_refuse(const Read& read) {
  try {
    read();
  } catch (const tarmac::ConfigError& error) {
    tarmac::fuzz::require(*error.what() != '\0', "refused without a word");
  }
}

void read_settings(const std::string& text) {
  tarmac::Parameters parameters;
  parameters.set("x", text);
  may_refuse([&] { static_cast<void>(parameters.get_uint("x", 0)); });
  may_refuse([&] { static_cast<void>(parameters.get_bool("x", false)); });
  may_refuse([&] {
    tarmac::fuzz::require(std::isfinite(parameters.get_double("x", 0)), "a number without end");
  });
  may_refuse([&] {
    tarmac::fuzz::require(parameters.get_duration("x", {}) == tarmac::parse_duration(text),
                          "two readings of one duration");
  });
  tarmac::fuzz::require(parameters.get_string("x", "") == text, "another text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(tarmac::fuzz::as_text(data, size));
  tarmac::fuzz::require(tarmac::Codec<std::string>::decode(bytes) == bytes, "another string");
  decode<bool>(bytes);
  decode<char>(bytes);
  decode<std::int16_t>(bytes);
  decode<std::uint32_t>(bytes);
  decode<std::int64_t>(bytes);
  decode<std::uint64_t>(bytes);
  decode<float>(bytes);
  decode<double>(bytes);
  read_settings(bytes);
  return 0;
}
