#include "scrape_address.h"

#include <tarmac/core/error.h>

#include <charconv>
#include <optional>

namespace tarmac::internal {
namespace {

/// The number that `text` is, and nothing else, up to `most`.
std::optional<unsigned> number_up_to(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stopped != end || value > most) return std::nullopt;
  return value;
}

bool is_ipv4(std::string_view host) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = host.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    if (!number_up_to(host.substr(0, dot), 255)) return false;
    host.remove_prefix(part == 3 ? host.size() : dot + 1);
  }
  return true;
}

}  // namespace

void refuse_address(const std::string& address, std::string_view why) {
  throw ConfigError("scrape endpoint \"" + address + "\": " + std::string(why));
}

ScrapeAddress parse_scrape_address(const std::string& text) {
  ScrapeAddress address;
  std::string_view port = text;
  if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    address.host = text.substr(0, colon);
    port = std::string_view(text).substr(colon + 1);
    if (address.host == "localhost") address.host = "127.0.0.1";
  }
  const auto number = number_up_to(port, 65'535);
  if (!number)
    refuse_address(text, "the port must be a number from 0 to 65535, as in 127.0.0.1:9464");
  if (!is_ipv4(address.host))
    refuse_address(text, "the address must be IPv4, as in 127.0.0.1:9464");
  address.port = *number;
  return address;
}

}  // namespace tarmac::internal
