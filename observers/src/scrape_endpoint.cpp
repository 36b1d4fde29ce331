#include <tarmac/core/error.h>
#include <tarmac/observers/scrape_endpoint.h>

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <array>
#include <charconv>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tarmac {
namespace {

struct Address {
  std::string host = "127.0.0.1";
  unsigned port = 0;
};

[[noreturn]] void refuse(const std::string& address, std::string_view why) {
  throw ConfigError("scrape endpoint \"" + address + "\": " + std::string(why));
}

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

/// Strict, because the server takes more than addresses here: lists, certificates, redirections.
Address parse(const std::string& text) {
  Address address;
  std::string_view port = text;
  if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    address.host = text.substr(0, colon);
    port = std::string_view(text).substr(colon + 1);
    if (address.host == "localhost") address.host = "127.0.0.1";
  }
  const auto number = number_up_to(port, 65'535);
  if (!number) refuse(text, "the port must be a number from 0 to 65535, as in 127.0.0.1:9464");
  if (!is_ipv4(address.host)) refuse(text, "the address must be IPv4, as in 127.0.0.1:9464");
  address.port = *number;
  return address;
}

std::vector<std::string> server_options(const ScrapeEndpointOptions& options,
                                        const Address& address) {
  // No document_root: with one, the server would hand out files.
  return {"listening_ports",    address.host + ":" + std::to_string(address.port),
          "num_threads",        std::to_string(options.num_threads),
          "request_timeout_ms", std::to_string(options.request_timeout.count())};
}

}  // namespace

class ScrapeEndpoint::Impl {
 public:
  Impl(std::shared_ptr<prometheus::Collectable> metrics, Address address,
       const std::vector<std::string>& options)
      : metrics_(std::move(metrics)), address_(std::move(address)), exposer_(options) {
    const auto ports = exposer_.GetListeningPorts();
    if (!ports.empty()) address_.port = static_cast<unsigned>(ports.front());
    exposer_.RegisterCollectable(metrics_);
  }

  [[nodiscard]] const Address& address() const noexcept { return address_; }

 private:
  /// The other owner is the exporter. The server itself holds it weakly only.
  std::shared_ptr<prometheus::Collectable> metrics_;
  Address address_;
  prometheus::Exposer exposer_;
};

ScrapeEndpoint::ScrapeEndpoint(const PrometheusExporter& exporter,
                               const ScrapeEndpointOptions& options) {
  const auto address = parse(options.address);
  if (!options.allow_remote && !address.host.starts_with("127.")) {
    refuse(options.address,
           "other machines could read the metrics, without a password; set allow_remote if they "
           "may, or listen on 127.0.0.1");
  }
  if (options.num_threads == 0) refuse(options.address, "num_threads must be at least 1");
  if (options.request_timeout.count() <= 0) {
    refuse(options.address, "request_timeout must be at least 1 ms");
  }
  try {
    impl_ =
        std::make_unique<Impl>(exporter.collectable(), address, server_options(options, address));
  } catch (const std::exception& error) {
    refuse(options.address, "cannot listen there (" + std::string(error.what()) +
                                "); is the port in use, or the address not of this machine? Port "
                                "0 takes a free one");
  }
}

ScrapeEndpoint::~ScrapeEndpoint() = default;

int ScrapeEndpoint::port() const noexcept { return static_cast<int>(impl_->address().port); }

std::string ScrapeEndpoint::url() const {
  return "http://" + impl_->address().host + ":" + std::to_string(port()) + "/metrics";
}

}  // namespace tarmac
