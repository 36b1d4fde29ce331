// Where the scrape endpoint listens, as users spell it.
#pragma once

#include <string>
#include <string_view>

namespace tarmac::internal {

struct ScrapeAddress {
  std::string host = "127.0.0.1";
  unsigned port = 0;
};

/// Reads `IPv4:PORT`, `localhost:PORT`, or a port alone, which means this machine. Strict, because
/// the server takes more than addresses here: lists, certificates, redirections. Throws
/// ConfigError.
[[nodiscard]] ScrapeAddress parse_scrape_address(const std::string& text);

/// The error that speaks of an address.
[[noreturn]] void refuse_address(const std::string& address, std::string_view why);

}  // namespace tarmac::internal
