#include <tarmac/core/error.h>
#include <tarmac/observers/scrape_endpoint.h>

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>
#include <vector>

#include "scrape_address.h"

namespace tarmac {
namespace {

using internal::refuse_address;
using Address = internal::ScrapeAddress;

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
  const auto address = internal::parse_scrape_address(options.address);
  if (!options.allow_remote && !address.host.starts_with("127.")) {
    refuse_address(
        options.address,
        "other machines could read the metrics, without a password; set allow_remote if they "
        "may, or listen on 127.0.0.1");
  }
  if (options.num_threads == 0) refuse_address(options.address, "num_threads must be at least 1");
  if (options.request_timeout.count() <= 0) {
    refuse_address(options.address, "request_timeout must be at least 1 ms");
  }
  try {
    impl_ =
        std::make_unique<Impl>(exporter.collectable(), address, server_options(options, address));
  } catch (const std::exception& error) {
    refuse_address(options.address,
                   "cannot listen there (" + std::string(error.what()) +
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
