// How long it takes until everything is there again.
#include <tarmac/durability/catalog.h>
#include <tarmac/strategies/catalog.h>

#include <chrono>
#include <stdexcept>

#include "durability/cells.h"

namespace tarmac::bench {
namespace {

constexpr const char* kLog = "log_of_all";
constexpr const char* kSnapshot = "all.snap";

template <class Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void expect_entries(DurableCache& cache, const Ground& ground) {
  if (cache.size() == ground.entries && cache.contains(durable_key(0))) return;
  throw std::runtime_error("only " + std::to_string(cache.size()) + " entries came back");
}

}  // namespace

Findings leave_files(const Ground& ground) {
  auto options = durable_options(ground.folder / kLog, SyncMode::never);
  options.durability->compact_bytes = ~std::uint64_t{0};  // All of it is to be replayed.
  DurableCache cache(options);
  const auto filled = seconds_of([&] {
    for (std::uint64_t i = 0; i < ground.entries; ++i) cache.set(durable_key(i), durable_value());
  });
  const auto saved = seconds_of([&] { cache.save_snapshot(ground.folder / kSnapshot); });
  return {{"filled", filled}, {"saved", saved}};
}

Findings recover_log(const Ground& ground) {
  std::optional<DurableCache> cache;
  const auto seconds =
      seconds_of([&] { cache.emplace(durable_options(ground.folder / kLog, SyncMode::never)); });
  expect_entries(*cache, ground);
  const auto bytes = static_cast<double>(ground.entries) * 152;
  return {{"seconds", seconds}, {"bytes_per_second", bytes / seconds}};
}

Findings load_snapshot(const Ground& ground) {
  CacheOptions options;
  options.max_entries.reset();
  DurableCache cache(options);
  const auto seconds = seconds_of([&] { cache.load_snapshot(ground.folder / kSnapshot); });
  expect_entries(cache, ground);
  return {{"seconds", seconds}};
}

}  // namespace tarmac::bench
