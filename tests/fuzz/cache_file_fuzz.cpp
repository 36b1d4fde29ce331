// The cache file: any bytes are loaded or refused with a place, and what is loaded can be made.
#include <tarmac/config/config.h>
#include <tarmac/core/error.h>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto config = tarmac::parse_config(tarmac::fuzz::as_text(data, size), "fuzz.yaml");
    tarmac::fuzz::require(!config.caches.empty(), "a file without a cache was loaded");
    for (const auto& cache : config.caches) {
      cache.options.validate();
      static_cast<void>(tarmac::make_write_policy(cache));
    }
  } catch (const tarmac::ConfigError& error) {
    const std::string_view what = error.what();
    tarmac::fuzz::require(what.starts_with("fuzz.yaml:"),
                          "refused without a place: " + std::string(what));
  }
  return 0;
}
