#include <tarmac/demo/observation.h>
#include <tarmac/observers/json_event_sink.h>
#ifdef TARMAC_HAS_PROMETHEUS
#include <tarmac/observers/prometheus_exporter.h>
#include <tarmac/observers/scrape_endpoint.h>
#endif

#include <chrono>
#include <optional>

namespace tarmac::demo {

struct Observation::Impl {
  std::optional<JsonEventSink> event_log;
#ifdef TARMAC_HAS_PROMETHEUS
  PrometheusExporter exporter;
  std::optional<ScrapeEndpoint> endpoint;
#endif

  void serve(const MetricsConfig& metrics) {
#ifdef TARMAC_HAS_PROMETHEUS
    ScrapeEndpointOptions options;
    options.address = metrics.address;
    options.allow_remote = metrics.allow_remote;
    options.request_timeout = std::chrono::ceil<std::chrono::milliseconds>(metrics.request_timeout);
    endpoint.emplace(exporter, options);
#else
    throw ConfigError("metrics \"" + metrics.address +
                      "\": this program was built without Prometheus; build it with "
                      "TARMAC_WITH_PROMETHEUS=ON, or leave the address out");
#endif
  }
};

Observation::Observation(const ObserversConfig& config) : impl_(std::make_unique<Impl>()) {
  if (const auto& log = config.event_log) {
    JsonEventSinkOptions options;
    options.types = log->types;
    options.keys = log->keys;
    options.queue_max = static_cast<std::size_t>(log->queue);
    impl_->event_log.emplace(log->path, options);
  }
  if (config.metrics) impl_->serve(*config.metrics);
}

Observation::~Observation() = default;

std::shared_ptr<void> Observation::watch(CacheBase& cache) {
  if (impl_->event_log) impl_->event_log->watch(cache);
#ifdef TARMAC_HAS_PROMETHEUS
  return std::make_shared<CacheWatch>(impl_->exporter.watch(cache));
#else
  return nullptr;
#endif
}

std::string Observation::url() const {
#ifdef TARMAC_HAS_PROMETHEUS
  if (impl_->endpoint) return impl_->endpoint->url();
#endif
  return {};
}

}  // namespace tarmac::demo
