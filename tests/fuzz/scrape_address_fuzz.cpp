// Addresses of the scrape endpoint: the endpoint and the cache file accept the same ones, and what
// is accepted is an address and nothing else that the server would take.
#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>
#include <tarmac/core/error.h>

#include <algorithm>

#include "fuzz.h"
#include "scrape_address.h"

namespace {

bool endpoint_accepts(const std::string& text) {
  try {
    const auto address = tarmac::internal::parse_scrape_address(text);
    tarmac::fuzz::require(address.port <= 65'535, "a port out of range");
    tarmac::fuzz::require(std::count(address.host.begin(), address.host.end(), '.') == 3 &&
                              address.host.find_first_not_of("0123456789.") == std::string::npos,
                          "no IPv4 address: " + address.host);
    return true;
  } catch (const tarmac::ConfigError&) {
    return false;
  }
}

bool cache_file_accepts(const std::string& text) {
  try {
    static_cast<void>(
        tarmac::parse_config("caches: [{name: c}]\n"
                             "observers:\n"
                             "  metrics: {allow_remote: true, address: \"" +
                                 text + "\"}\n",
                             "fuzz.yaml"));
    return true;
  } catch (const tarmac::ConfigError&) {
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(tarmac::fuzz::as_text(data, size));
  const bool accepted = endpoint_accepts(text);
  // What YAML gives a meaning of its own between quotes is another text there.
  const bool is_plain =
      text.find_first_not_of("0123456789.:abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  if (is_plain && text.size() <= tarmac::kYamlScalarBytesMax) {
    tarmac::fuzz::require(accepted == cache_file_accepts(text),
                          "endpoint and file disagree: " + text);
  } else {
    tarmac::fuzz::require(!accepted, "accepted: " + text);
  }
  return 0;
}
