#include "features/scraper.h"

#include <benchmark/benchmark.h>

#include "http_client.h"

namespace tarmac::bench {

Scraper::Scraper(By by) : by_(by) {
  if (by_ == By::http)
    endpoint_.emplace(exporter_, ScrapeEndpointOptions{.address = "127.0.0.1:0"});
}

void Scraper::start(CacheBase& cache) {
  stop();
  watch_ = exporter_.watch(cache);
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Scraper::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_one();
  thread_.join();
  watch_.stop();
}

void Scraper::run() {
  do {
    scrape();
    ++scrapes_;
  } while (wait_for_next());
}

void Scraper::scrape() {
  if (by_ == By::render) {
    auto text = exporter_.render();
    benchmark::DoNotOptimize(text);
  } else if (http_get(endpoint_->port(), "/metrics").status != 200) {
    ++failures_;
  }
}

bool Scraper::wait_for_next() {
  using std::chrono_literals::operator""s;
  std::unique_lock lock(mutex_);
  if (by_ == By::http) stopped_.wait_for(lock, 1s, [this] { return stopping_; });
  return !stopping_;
}

}  // namespace tarmac::bench
