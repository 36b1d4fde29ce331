// A service that Prometheus scrapes: it answers the names it reads, and serves its cache's figures.
#include <tarmac/observers/prometheus_exporter.h>
#include <tarmac/observers/scrape_endpoint.h>
#include <tarmac/tarmac.h>

#include <cstdio>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  tarmac::CacheOptions options;
  options.name = "greetings";
  options.max_entries = 1'000;
  tarmac::CacheManager<std::string, std::string> greetings(options);

  tarmac::PrometheusExporter exporter;
  const auto watch = exporter.watch(greetings);
  const tarmac::ScrapeEndpoint endpoint(exporter,
                                        {.address = argc > 1 ? argv[1] : "127.0.0.1:9464"});
  std::cout << "metrics at " << endpoint.url() << std::endl;

  for (std::string name; std::getline(std::cin, name);) {
    std::cout << greetings.get_or_load(name, [&name] { return "Hello, " + name + "!"; })
              << std::endl;
  }
}
